package pipeline

import (
	"errors"
	"io/fs"
	"os"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/adapters/memory"
	"github.com/lienthong/truc/bus"
	"github.com/lienthong/truc/mapping"
	"github.com/lienthong/truc/record"
	"github.com/lienthong/truc/schemas"
)

// secondVersion is a pipeline of the same table to the next major version of the dataset.
func secondVersion(t *testing.T, first Publish) Publish {
	t.Helper()
	files := fstest.MapFS{}
	v1 := os.DirFS("../schemas/data/hotich.khaisinh/v1")
	err := fs.WalkDir(v1, ".", func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		data, err := fs.ReadFile(v1, path)
		files["hotich.khaisinh/v2/"+path] = &fstest.MapFile{Data: []byte(strings.Replace(string(data), "hotich.khaisinh/1.0.0", "hotich.khaisinh/2.0.0", 1))}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	set, err := schemas.Load(files)
	if err != nil {
		t.Fatal(err)
	}
	second := first
	second.Name, second.Topic = "khaisinh2", bus.EventTopic("hotich.khaisinh.v2", "H44.15")
	if second.Dataset, err = set.Dataset("hotich.khaisinh.v2"); err != nil {
		t.Fatal(err)
	}
	text := strings.Replace(testMapping, "text(ten)", `join(["Họ", ten], " ")`, 1)
	file, problems := mapping.Parse("ks2.yaml", []byte(strings.Replace(text, "khaisinh.v1", "khaisinh.v2", 1)), nil)
	if problems.Err() != nil {
		t.Fatal(problems)
	}
	second.Mapping, second.Env.Set = file, set
	return second
}

// TestTwoVersions: two major versions of a dataset are published side by side from one table. The second, added later, disturbs
// nothing of the first and its subscribers, and both topics equal the source. When the first is taken away the second goes on.
func TestTwoVersions(t *testing.T) {
	w := newTown(t)
	w.change(func(tx *memory.Tx) error {
		return errors.Join(tx.Insert("ks", row(1, "An", 0)), tx.Insert("ks", row(2, "Bình", 0)))
	})
	stop := running(t, w.reader().Run)
	running(t, w.delivery().Run)
	w.arrives("KS1=An", "KS2=Bình")
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	second := secondVersion(t, w.publish)
	verify := func(p Publish) {
		t.Helper()
		src := memory.NewSource(w.source, adapters.Env{Name: "hotich", Log: w.log}, memory.Options{})
		defer src.Close()
		verdict, err := VerifyPublish(t.Context(), KafkaBus{w.client}, src, "hotich", p, VerifyOptions{Settle: 5 * time.Second})
		if err != nil || !verdict.Equal || verdict.LeftKeys != 2 {
			t.Errorf("%s: %+v, %v", p.Name, verdict, err)
		}
	}
	r := w.reader()
	r = NewReader(ReaderConfig{Agency: r.cfg.Agency, Source: r.cfg.Source, Open: r.cfg.Open, Bus: r.cfg.Bus, Log: w.log, SaveEvery: r.cfg.SaveEvery, Pipelines: []Publish{w.publish, second}})
	stop = running(t, r.Run)
	w.change(func(tx *memory.Tx) error {
		return errors.Join(tx.Delete("ks", record.Row{record.IntValue(1)}), tx.Insert("ks", row(3, "Chi", 0)))
	})
	w.arrives("KS2=Bình", "KS3=Chi")
	for _, p := range []Publish{w.publish, second} {
		verify(p)
		if got := r.Stats().Publish[p.Name].Changed(); got != nil {
			t.Errorf("%s is remapped: %+v", p.Name, got)
		}
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	first := w.publish
	w.publish = second
	running(t, w.reader().Run)
	w.change(func(tx *memory.Tx) error {
		return errors.Join(tx.Delete("ks", record.Row{record.IntValue(2)}), tx.Insert("ks", row(4, "Dung", 0)))
	})
	verify(second)
	w.publish = first
	w.arrives("KS2=Bình", "KS3=Chi") // as they were when the first version ended
}
