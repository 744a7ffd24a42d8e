package mapping

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lienthong/truc/problem"
	"github.com/lienthong/truc/record"
	"github.com/lienthong/truc/tests/messages"
)

var update = flag.Bool("update", false, "write the problems found into testdata")

// treEmTable is an insurer's table.
func treEmTable() *record.Table {
	c := func(name string, k record.Kind) record.Column {
		return record.Column{Name: name, Kind: k, Type: k.String(), Nullable: true}
	}
	return &record.Table{Schema: "bhyt", Name: "tre_em", Version: 1, Columns: []record.Column{
		c("co_quan", record.Text), c("so_ks", record.Text), c("quyen", record.Text), c("noi", record.Text), c("ho_ten", record.Text),
		c("gioi_tinh", record.Text), c("nam_sinh", record.Text), c("nam", record.Int), c("ngay_sinh", record.Date), c("ngay_dk", record.Date),
		c("le_phi", record.Decimal), c("cap_nhat", record.Timestamp), c("huy_luc", record.DateTime), c("trang_thai", record.Text), c("co_con", record.Bool),
		{Name: "ten_bat_buoc", Kind: record.Text, Type: "text"},
	}}
}

// TestProblems holds every rule of the reader and the type checker to its exact words. Each block of testdata/problems_*.txt
// replaces a text (--) of a sound mapping by another (++) and lists what is found: code | line:column path | what | fix.
func TestProblems(t *testing.T) {
	set := testSet(t)
	d := testDataset(t, set)
	env := Env{Set: set, Agency: "H44.15", Pseudonyms: map[string][]byte{"cong_dann": bytes.Repeat([]byte("k"), MinPseudonymKey), "ngan": []byte("secret")}}
	source := func(f *File) problem.List {
		_, l := CompileSource(f, khaiSinhTable(), d, env)
		return l
	}
	sink := func(f *File) problem.List {
		_, l := CompileSink(f, d, treEmTable(), env)
		return l
	}
	structure := func(f *File) problem.List {
		d, err := set.Dataset("thu.hoso.v1")
		if err != nil {
			t.Fatal(err)
		}
		_, l := CompileSource(f, hoSoTable(), d, env)
		return l
	}
	kinds := map[string]bool{}
	for _, c := range []struct {
		mapping, cases string
		compile        func(*File) problem.List
	}{
		{"testdata/khai_sinh.yaml", "testdata/problems_source.txt", source},
		{"testdata/tre_em.yaml", "testdata/problems_sink.txt", sink},
		{"testdata/ho_so.yaml", "testdata/problems_structure.txt", structure},
	} {
		base, err := os.ReadFile(c.mapping)
		if err != nil {
			t.Fatal(err)
		}
		cases, err := os.ReadFile(c.cases)
		if err != nil {
			t.Fatal(err)
		}
		var all []string
		for _, block := range strings.Split(strings.TrimSpace(string(cases)), "\n\n") {
			lines := strings.Split(block, "\n")
			old, replacement := unescape(lines[0], "-- "), unescape(lines[1], "++ ")
			if !strings.Contains(string(base), old) {
				t.Errorf("%s does not hold %q", c.mapping, old)
				continue
			}
			found := lines[:2:2]
			f, list := Parse("m.yaml", []byte(strings.Replace(string(base), old, replacement, 1)), nil)
			if f != nil {
				list = append(list, c.compile(f)...)
			}
			for _, p := range list {
				kinds[p.Code+p.What.EN] = true
				for _, fault := range messages.Faults(p) {
					t.Errorf("%s | %s: %s", p.Code, p.Where, fault)
				}
				found = append(found, fmt.Sprintf("%s | %s | %s | %s", strings.TrimPrefix(p.Code, "mapping."), strings.TrimPrefix(p.Where, "m.yaml:"), p.What, p.Fix))
			}
			if len(list) == 0 {
				t.Errorf("%s: nothing is wrong with %q", c.cases, replacement)
			}
			if diff := cmp.Diff(lines, found); diff != "" && !*update {
				t.Errorf("%s: %s", c.cases, diff)
			}
			all = append(all, strings.Join(found, "\n"))
		}
		if *update {
			if err := os.WriteFile(c.cases, []byte(strings.Join(all, "\n\n")+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	if len(kinds) < 400 {
		t.Errorf("%d different findings were read", len(kinds))
	}
}

func unescape(line, prefix string) string {
	return strings.NewReplacer(`\n`, "\n", `\t`, "\t", `\\`, `\`).Replace(strings.TrimPrefix(line, prefix))
}
