package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	_ "modernc.org/sqlite" // the subscriber's own program

	"github.com/lienthong/truc/mapping"
	"github.com/lienthong/truc/portal"
	"github.com/lienthong/truc/schemas"
)

// documented is a mapping as docs/reference-data.md has it.
func documented(t *testing.T, name string) string {
	t.Helper()
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "reference-data.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(page), "```yaml mappings/"+name+"\n")
	text, _, closed := strings.Cut(rest, "```")
	if !found || !closed {
		t.Fatalf("docs/reference-data.md has no mapping %s", name)
	}
	return text
}

// TestReferenceTablesAreValid: every code and every unit that comes with truc becomes a valid document.
func TestReferenceTablesAreValid(t *testing.T) {
	set, err := schemas.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	tables, err := referenceTables(set)
	if err != nil {
		t.Fatal(err)
	}
	for i, name := range []string{"danh_muc.yaml", "don_vi.yaml"} {
		f, problems := mapping.Parse(name, []byte(documented(t, name)), nil)
		if problems.Err() != nil {
			t.Fatal(problems)
		}
		d, err := set.Dataset(f.Dataset)
		if err != nil {
			t.Fatal(err)
		}
		plan, problems := mapping.CompileSource(f, tables[i].Table, d, mapping.Env{Set: set, Agency: "G99"})
		if problems.Err() != nil {
			t.Fatal(problems)
		}
		tr, keys, wrong := plan.NewTranslator(), map[string]bool{}, 0
		for _, row := range tables[i].Rows {
			doc, _, violations := tr.Document(nil, row)
			if len(violations) == 0 {
				violations = d.Check(doc)
			}
			if len(violations) > 0 && wrong < 5 {
				wrong++
				t.Errorf("%s %s: %v", row[0].Bytes, row[1].Bytes, violations)
			}
			if key := string(row[0].Bytes) + " " + string(row[1].Bytes); keys[key] {
				t.Errorf("%s stands twice in %s", key, f.Table)
			} else {
				keys[key] = true
			}
		}
		if least := []int{500, 16_000}[i]; len(tables[i].Rows) < least {
			t.Errorf("%d rows in %s, want %d at least", len(tables[i].Rows), f.Table, least)
		}
	}
}

// referenceNode is a node that publishes its code lists, and a subscriber with a table of its own.
func referenceNode(t *testing.T) *bench {
	t.Helper()
	b := &bench{dir: t.TempDir(), listen: freeAddress(t)}
	b.write(t, "mappings/danh_muc.yaml", documented(t, "danh_muc.yaml"))
	b.write(t, "mappings/hang.yaml", "dataset: danhmuc.ma.v1\ntable: hang\nkey: { danh_muc: danhMuc, ma: ma }\nonly: danhMuc == \"danhmuc.hang\"\ncolumns: { ten: ten, het: hieuLucDen }\n")
	b.write(t, "truc.yaml", `agency: G99
registry: { url: https://chuan.vidu.example/ }
datasets: [chuan]
sources: { chuan: { reference: {} } }
publish: { danh_muc: { source: chuan, mapping: mappings/danh_muc.yaml, partitions: 1 } }
sinks: { cua_toi: { sqlite: { path: cua_toi.db } } }
subscribe: { hang: { agencies: [G99], sink: cua_toi, mapping: mappings/hang.yaml } }
http: { listen: "`+b.listen+`" }
`)
	return b
}

// session starts the node, waits until everything is delivered that is to be published, and gives the numbers of events by kind.
func referenceSession(t *testing.T, b *bench, want string) map[string]int64 {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(b.dir, "cua_toi.db")+"?_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec("CREATE TABLE IF NOT EXISTS hang (danh_muc TEXT, ma TEXT, ten TEXT, het TEXT, PRIMARY KEY (danh_muc, ma))"); err != nil {
		t.Fatal(err)
	}
	stop := b.run(t)
	rows := func() string {
		var out sql.NullString
		if err := db.QueryRow("SELECT group_concat(ma || '=' || ten || ifnull(' ' || het, ''), ', ') FROM (SELECT * FROM hang ORDER BY ma)").Scan(&out); err != nil {
			t.Fatal(err)
		}
		return out.String
	}
	var s portal.Status
	until(t, "the subscriber has "+want, func() bool {
		code, stdout, _ := b.truc(context.Background(), "status", "--json")
		return code == 0 && json.Unmarshal([]byte(stdout), &s) == nil && s.Readers[0].State == "running" && s.Deliveries[0].Behind == 0 && rows() == want
	})
	// The source has said all when it and the topic agree.
	if code, stdout, stderr := b.truc(context.Background(), "verify", "--lang", "en"); code != 0 {
		t.Errorf("verify: exit %d\n%s%s", code, stdout, stderr)
	}
	if code, stdout, _ := b.truc(context.Background(), "status", "--json"); code != 0 || json.Unmarshal([]byte(stdout), &s) != nil {
		t.Errorf("status: exit %d", code)
	}
	if code, log := stop(); code != exitInterrupted {
		t.Errorf("the node ended with %d\n%s", code, log)
	}
	return s.Readers[0].Pipelines[0].Published
}

// TestReferenceIsPublished: the lists that a node knows are on the bus and in a subscriber's table. A second start says nothing; a
// new version of a list says the difference, an ended code keeps its row, one that was withdrawn is deleted, and one that vanished
// without a word stops the source.
func TestReferenceIsPublished(t *testing.T) {
	b := referenceNode(t)
	list := func(version, codes string) {
		b.write(t, "chuan/codelists/danhmuc.hang.json", `{"id":"danhmuc.hang","version":"`+version+`","title":{"vi":"Hãng","en":"Maker"},"source":"mẫu","codes":[`+codes+`]}`)
	}
	list("1.0.0", `{"code":"A","vi":"Hãng A"},{"code":"B","vi":"Hãng B"},{"code":"C","vi":"Hãng C"},{"code":"D","vi":"Hãng D"}`)
	first := referenceSession(t, b, "A=Hãng A, B=Hãng B, C=Hãng C, D=Hãng D")
	if first["snapshot"] < 500 || first["created"]+first["updated"]+first["deleted"] != 0 {
		t.Errorf("the first start published %v", first)
	}
	if second := referenceSession(t, b, "A=Hãng A, B=Hãng B, C=Hãng C, D=Hãng D"); total(second) != 0 {
		t.Errorf("a second start published %v", second)
	}
	list("1.1.0", `{"code":"A","vi":"Hãng A"},{"code":"B","vi":"Hãng Bê","changed":"1.1.0"},{"code":"C","vi":"Hãng C","changed":"1.1.0","to":"2026-12-31","replacedBy":["E"]},
		{"code":"D","vi":"Hãng D","withdrawn":"1.1.0"},{"code":"E","vi":"Hãng E","since":"1.1.0"}`)
	third := referenceSession(t, b, "A=Hãng A, B=Hãng Bê, C=Hãng C 2026-12-31, E=Hãng E")
	if third["created"] != 1 || third["updated"] != 2 || third["deleted"] != 1 || total(third) != 4 {
		t.Errorf("the new version published %v, want one created, two updated, one deleted", third)
	}
	if fourth := referenceSession(t, b, "A=Hãng A, B=Hãng Bê, C=Hãng C 2026-12-31, E=Hãng E"); total(fourth) != 0 {
		t.Errorf("another start with the new version published %v", fourth)
	}
	list("1.2.0", `{"code":"A","vi":"Hãng A"}`)
	stop := b.run(t)
	until(t, "the source is refused", func() bool {
		_, stdout, _ := b.truc(context.Background(), "status", "--lang", "en")
		return strings.Contains(stdout, "3 rows of danh_muc that were published are not there any more")
	})
	stop()
}

func total(kinds map[string]int64) (n int64) {
	for _, kind := range slices.Collect(maps.Values(kinds)) {
		n += kind
	}
	return n
}
