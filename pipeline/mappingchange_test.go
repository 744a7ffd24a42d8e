package pipeline

import (
	"io/fs"
	"os"
	"path"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/lienthong/truc/adapters/memory"
	"github.com/lienthong/truc/bus"
	"github.com/lienthong/truc/mapping"
	"github.com/lienthong/truc/record"
	"github.com/lienthong/truc/schemas"
)

// twoVersions is a set with two versions of one dataset, the second without the fee.
func twoVersions(t *testing.T) *schemas.Set {
	t.Helper()
	out := fstest.MapFS{}
	root := os.DirFS("../mapping/testdata/schemas")
	err := fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasPrefix(name, "thu.hoso") {
			return err
		}
		data, err := fs.ReadFile(root, name)
		if err != nil {
			return err
		}
		out[name] = &fstest.MapFile{Data: data}
		if after, ok := strings.CutPrefix(name, "thu.khaisinh/v1/"); ok {
			second := strings.Replace(string(data), "thu.khaisinh/1.0.0", "thu.khaisinh/2.0.0", 1)
			second = strings.Replace(second, `"lePhi": {`, `"phi": {`, 1)
			out[path.Join("thu.khaisinh/v2", after)] = &fstest.MapFile{Data: []byte(second)}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	set, err := schemas.Load(out)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// version is a pipeline of table ks to a version of the dataset; name is the expression for the name.
func version(t *testing.T, set *schemas.Set, v, fields, name string) Publish {
	t.Helper()
	d, err := set.Dataset("thu.khaisinh." + v)
	if err != nil {
		t.Fatal(err)
	}
	file, problems := mapping.Parse(v+".yaml", []byte("dataset: thu.khaisinh."+v+"\ntable: ks\nonly: nhap == 0\nfields:\n  so: so\n  quyenSo: { const: \"2026\" }\n"+
		"  noiDangKy: { const: { ma: H44.15 } }\n  nguoiDuocKhaiSinh: { hoTen: "+name+", ngaySinh: { const: { giaTri: \"2026\", doChinhXac: nam } }, gioiTinh: { const: \"2\" } }\n  "+fields+"\n"), nil)
	if problems != nil {
		t.Fatal(problems)
	}
	return Publish{
		Name: v, Table: "ks", Agency: "H44.15", Topic: bus.EventTopic(d.ID(), "H44.15"), Partitions: 1,
		Dataset: d, DataSchema: d.SchemaURL("https://chuan.example/"), Mapping: file, Env: mapping.Env{Set: set, Agency: "H44.15"},
	}
}

// documents are the live documents of a topic by key.
func (p *press) documents(topic string) map[string]string {
	p.bus.mu.Lock()
	defer p.bus.mu.Unlock()
	out := map[string]string{}
	for _, part := range p.bus.topics[topic] {
		for _, d := range part {
			if out[string(d.Key)] = string(d.Value); d.Value == nil {
				delete(out, string(d.Key))
			}
		}
	}
	return out
}

// checkpointOf is the last saved position.
func (p *press) checkpointOf(i *instance) *checkpoint {
	p.t.Helper()
	c, err := loadCheckpoint(p.t.Context(), i, "H44.15", "hotich")
	if err != nil || c == nil {
		p.t.Fatal(c, err)
	}
	return c
}

// TestTwoVersionsSideBySide: one table is published as two versions of a dataset by two mappings, each with a topic and a
// fingerprint of its own; changing one mapping says so of its pipeline alone, until its table is read anew.
func TestTwoVersionsSideBySide(t *testing.T) {
	set := twoVersions(t)
	first, second := version(t, set, "v1", "lePhi: 1", "text(ten)"), version(t, set, "v2", "phi: 2", "text(ten)")
	p := newPress(t)
	p.fill("ks", 3)
	start := func(of ...Publish) (*instance, *Reader) {
		i := p.bus.process(1<<30, false)
		return i, p.reader(i, time.Millisecond, of...)
	}
	i, r := start(first, second)
	p.run(i, r, complete(r, 1))
	c := p.checkpointOf(i)
	if c.Mappings["v1"] == "" || c.Mappings["v1"] == c.Mappings["v2"] || len(c.Changed) > 0 {
		t.Errorf("mappings %v, changed %v", c.Mappings, c.Changed)
	}
	for _, v := range []struct {
		of   Publish
		want string
	}{{first, `"lePhi":1`}, {second, `"phi":2`}} {
		documents := p.documents(v.of.Topic)
		if got := documents[`["KS1","2026","H44.15"]`]; len(documents) != 3 || !strings.Contains(got, v.want) {
			t.Errorf("%s: %d documents, %s", v.of.Topic, len(documents), got)
		}
	}

	// The second mapping changes: new events are made with it, what is not touched stays as it was, and status can say so.
	before := c.Mappings["v2"]
	changed := version(t, set, "v2", "phi: 3", "text(ten)")
	i, r = start(first, changed)
	p.change(t, 1, "Bình")
	p.run(i, r, func() bool { return strings.Contains(p.documents(second.Topic)[`["KS1","2026","H44.15"]`], `"phi":3`) })
	if got := p.documents(second.Topic)[`["KS2","2026","H44.15"]`]; !strings.Contains(got, `"phi":2`) {
		t.Errorf("what was not touched: %s", got)
	}
	told := r.Stats().Publish["v2"].Changed()
	if told == nil || told.Before != before || time.Since(told.Since) > time.Minute || r.Stats().Publish["v1"].Changed() != nil {
		t.Errorf("changed: v1 %v, v2 %+v", r.Stats().Publish["v1"].Changed(), told)
	}

	// It is remembered over a restart.
	i, r = start(first, changed)
	p.change(t, 1, "Chi")
	p.run(i, r, func() bool { return strings.Contains(p.documents(second.Topic)[`["KS1","2026","H44.15"]`], `"Chi"`) })
	if again := r.Stats().Publish["v2"].Changed(); again == nil || *again != *told {
		t.Errorf("after a restart: %+v, before %+v", again, told)
	}

	// A snapshot settles it.
	i, r = start(first, changed)
	if err := PutRequest(t.Context(), i, "H44.15", "hotich", Request{ID: "1", Resnapshot: []string{"v2"}}); err != nil {
		t.Fatal(err)
	}
	p.run(i, r, func() bool { return complete(r, 1)() && r.Stats().Publish["v2"].Changed() == nil })
	if got := p.documents(second.Topic)[`["KS2","2026","H44.15"]`]; !strings.Contains(got, `"phi":3`) {
		t.Errorf("after the snapshot: %s", got)
	}
	if c := p.checkpointOf(i); len(c.Changed) > 0 || c.Mappings["v2"] == before {
		t.Errorf("after the snapshot: mappings %v, changed %v", c.Mappings, c.Changed)
	}
}

func (p *press) change(t *testing.T, id int, name string) {
	t.Helper()
	err := p.store.Transact(func(tx *memory.Tx) error {
		return tx.Update("ks", record.Row{record.IntValue(int64(id))}, row(id, name, 0))
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestMappingChangesInSnapshot: a snapshot that began before the change settles nothing, its first rows were made with the
// mapping before.
func TestMappingChangesInSnapshot(t *testing.T) {
	set := twoVersions(t)
	p := newPress(t)
	p.fill("ks", 300)
	i := p.bus.process(60, false)
	p.run(i, p.reader(i, time.Millisecond, version(t, set, "v1", "lePhi: 1", "text(ten)")), func() bool { return false })
	i = p.bus.process(1<<30, false)
	r := p.reader(i, time.Millisecond, version(t, set, "v1", "lePhi: 2", "text(ten)"))
	p.run(i, r, complete(r, 1))
	topic := bus.EventTopic("thu.khaisinh.v1", "H44.15")
	made := map[bool]int{}
	for _, d := range p.documents(topic) {
		made[strings.Contains(d, `"lePhi":2`)]++
	}
	if made[false] == 0 || made[true] == 0 {
		t.Fatalf("the change is not in the middle of the snapshot: %v", made)
	}
	if r.Stats().Publish["v1"].Changed() == nil || p.checkpointOf(i).Changed["v1"].Before == "" {
		t.Error("a snapshot that began before the change settled it")
	}
}
