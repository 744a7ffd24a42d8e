package mapping

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/lienthong/truc/problem"
	"github.com/lienthong/truc/record"
	"github.com/lienthong/truc/schemas"
)

// The rules that testdata/problems_*.txt cannot break: they need another schema, another table or file, or no table.

func inWords(list problem.List) []string {
	var out []string
	for _, p := range list {
		out = append(out, fmt.Sprintf("%s | %s | %s | %s", strings.TrimPrefix(p.Code, "mapping."), strings.TrimPrefix(p.Where, "m.yaml:"), p.What, p.Fix))
	}
	return out
}

// TestRulesOfOtherSchemas: a dataset with an object whose type its schema leaves open, and with a constant.
func TestRulesOfOtherSchemas(t *testing.T) {
	files := fstest.MapFS{}
	root := os.DirFS("testdata/schemas")
	err := fs.WalkDir(root, ".", func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		data, err := fs.ReadFile(root, path)
		files[path] = &fstest.MapFile{Data: data}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	schema := files["thu.khaisinh/v1/schema.json"]
	for _, change := range [][2]string{
		{`"Office", "type": "object",`, `"Office",`},
		{`"Note", "type": "string"`, `"Note", "type": "string", "const": "x"`},
	} {
		if !strings.Contains(string(schema.Data), change[0]) {
			t.Fatalf("no %s", change[0])
		}
		schema.Data = []byte(strings.Replace(string(schema.Data), change[0], change[1], 1))
	}
	set, err := schemas.Load(files)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ old, new, want string }{
		{"noiDangKy: { const: { ma: H44.15 } }", "noiDangKy: [quyen]", "wrong-key | 19:14 fields.noiDangKy | key property noiDangKy.ma is a list | give it an expression of its own under fields"},
		{"noiDangKy: { const: { ma: H44.15 } }", "noiDangKy: { each: 'split(quyen, \";\")', as: s, value: s }", "wrong-key | 19:14 fields.noiDangKy | key property noiDangKy.ma is a list | give it an expression of its own under fields"},
		{"noiDangKy: { const: { ma: H44.15 } }", "noiDangKy: { const: H44.15 }", "wrong-key | 19:14 fields.noiDangKy | key property noiDangKy.ma is not in the constant | give it an expression of its own under fields"},
		{"ghiChu: ghi_chu", "ghiChu: { const: y }", `unknown-code | 34:11 fields.ghiChu | "y" is not possible for ghiChu, which is always "x" | write that`},
	} {
		data, err := os.ReadFile("testdata/khai_sinh.yaml")
		if err != nil {
			t.Fatal(err)
		}
		f, problems := Parse("m.yaml", []byte(strings.Replace(string(data), c.old, c.new, 1)), nil)
		if problems != nil {
			t.Fatal(problems)
		}
		p, problems := CompileSource(f, khaiSinhTable(), testDataset(t, set), Env{Set: set})
		if diff := cmp.Diff([]string{c.want}, inWords(problems)); diff != "" || p != nil {
			t.Errorf("%s: plan %v, %s", c.new, p != nil, diff)
		}
	}
}

// TestWrongDirection: each compiler refuses the other's mapping, and one for a dataset that it does not get.
func TestWrongDirection(t *testing.T) {
	set := testSet(t)
	d := testDataset(t, set)
	source, sink := mustParse(t, "testdata/khai_sinh.yaml"), mustParse(t, "testdata/tre_em.yaml")
	_, asSource := CompileSource(sink, nil, d, Env{Set: set})
	_, asSink := CompileSink(source, d, nil, Env{Set: set})
	unknown := mustParse(t, "testdata/khai_sinh.yaml")
	unknown.Dataset = "thu.khaisin.v1"
	_, without := CompileSource(unknown, nil, nil, Env{Set: set})
	for _, c := range []struct {
		got  problem.List
		want string
	}{
		{asSource, "wrong-direction | testdata/tre_em.yaml:1:1 | this is a sink mapping: it has no fields | name it under subscribe, or write fields"},
		{asSink, "wrong-direction | testdata/khai_sinh.yaml:1:1 | this is a source mapping: it has fields | name it under publish, or write columns with expressions"},
		{without, `unknown-dataset | testdata/khai_sinh.yaml:1:10 dataset | there is no dataset "thu.khaisin.v1" | did you mean "thu.khaisinh.v1"?`},
	} {
		if diff := cmp.Diff([]string{c.want}, inWords(c.got)); diff != "" {
			t.Error(diff)
		}
	}
}

// TestRulesOfFiles: what a file may not be, before anything in it is read.
func TestRulesOfFiles(t *testing.T) {
	for _, c := range []struct{ name, file, want string }{
		{"larger than the bound", "dataset: x\n" + strings.Repeat("#", maxFile), "too-large | 1:1 | the file is larger than 1048576 bytes | a mapping is a page or two; check that this is one"},
		{"Latin-1", "dataset: x\nfields: { so: 'h\xe3' }\n", "not-utf8 | 2:1 | the file is not UTF-8 text | save it as UTF-8"},
		{"a control character", "dataset: x\nfields: { so: 'a\x01' }\n", "yaml-document | 2:1 | the line holds a control character | remove it: a mapping is plain text"},
		{"a text", "dataset\n", "wrong-type | 1:1 | a mapping file holds name: value lines, found text | begin with dataset: …"},
		{"declarations of columns only", "dataset: x\ncolumns: { a: { text: tcvn3 } }\n", "missing-key | 1:1 | fields is missing: nothing says what the documents are made of | add fields: with the document's properties"},
		{"what only a source says", "dataset: x\ndeleted: a\n", "missing-key | 1:1 | fields is missing: nothing says what the documents are made of | add fields: with the document's properties"},
	} {
		_, problems := Parse("m.yaml", []byte(c.file), nil)
		if diff := cmp.Diff([]string{c.want}, inWords(problems)); diff != "" {
			t.Errorf("%s: %s", c.name, diff)
		}
	}
}

// TestBoundOfFields: shapes that use shapes multiply, and one finding says so.
func TestBoundOfFields(t *testing.T) {
	_, problems := Parse("m.yaml", []byte(manyFields(12)), nil)
	got := inWords(problems)
	if len(got) != 1 || !strings.HasPrefix(got[0], "too-large | ") || !strings.HasSuffix(got[0], " | with its shapes written out the document has more than 10000 fields | use fewer shapes inside shapes") {
		t.Errorf("%q", got)
	}
	if f, problems := Parse("m.yaml", []byte(manyFields(9)), nil); problems != nil || f == nil {
		t.Errorf("below the bound: %v", problems)
	}
}

// manyFields is a mapping whose shapes use each other twice, n deep: more than 3·2ⁿ fields.
func manyFields(n int) string {
	var b strings.Builder
	b.WriteString("dataset: x\nfields: { a: { use: s0, prefix: p_ } }\nshapes:\n")
	for i := range n {
		fmt.Fprintf(&b, "  s%d: { a: { use: s%d, prefix: a_ }, b: { use: s%d, prefix: b_ } }\n", i, i+1, i+1)
	}
	fmt.Fprintf(&b, "  s%d: { x: x, y: y }\n", n)
	return b.String()
}

// TestPartsOfUndescribedColumns: nothing is known of the column but that it has no parts.
func TestPartsOfUndescribedColumns(t *testing.T) {
	set := testSet(t)
	f, problems := Parse("m.yaml", []byte("dataset: thu.hoso.v1\nfields: { so: so, nguoiNop: { hoTen: text(nguoi.ten) } }\n"), nil)
	if problems != nil {
		t.Fatal(problems)
	}
	d, err := set.Dataset("thu.hoso.v1")
	if err != nil {
		t.Fatal(err)
	}
	_, problems = CompileSource(f, nil, d, Env{Set: set})
	if diff := cmp.Diff([]string{"wrong-type | 2:43 fields.nguoiNop.hoTen | nguoi.ten: nguoi is a column, which has no parts | use the column by itself"}, inWords(problems)); diff != "" {
		t.Error(diff)
	}
}

// TestValuesOfExamples: an example gives every kind of column a value of its kind, or is told how one is written.
func TestValuesOfExamples(t *testing.T) {
	for _, c := range []struct {
		kind        record.Kind
		good, wrong string
		want        string
	}{
		{record.Int, "5", "5.5", "column c holds a whole number, the example gives 5.5"},
		{record.Float, "5.5", "a", "column c holds a floating-point number, the example gives a"},
		{record.Bool, "true", "1", "column c holds true/false, the example gives 1"},
		{record.Decimal, "5.50", "5,5", "column c holds a decimal number, the example gives 5,5"},
		{record.Date, "2026-01-02", "02/01/2026", "column c holds a date, the example gives 02/01/2026; write it like 2006-01-02"},
		{record.DateTime, "2026-01-02T03:04:05", "2026-01-02T03:04:05Z", "column c holds a date and time without a zone, the example gives 2026-01-02T03:04:05Z; write it like 2006-01-02T15:04:05"},
		{record.Timestamp, "2026-01-02T03:04:05Z", "2026-01-02T03:04:05", "column c holds a date and time, the example gives 2026-01-02T03:04:05; write it like 2006-01-02T15:04:05Z"},
	} {
		v, fault := exampleValue(ExampleCell{Column: "c", Tag: "!!str", Text: c.good}, c.kind, nil)
		if !fault.Empty() || v.Kind != c.kind || c.kind != record.Decimal && string(v.Append(nil)) != c.good {
			t.Errorf("%s %s: %s %s, %s", c.kind, c.good, v.Kind, v.Append(nil), fault)
		}
		if _, fault = exampleValue(ExampleCell{Column: "c", Tag: "!!str", Text: c.wrong}, c.kind, nil); fault.EN != c.want {
			t.Errorf("%s %s: %q, want %q", c.kind, c.wrong, fault.EN, c.want)
		}
	}
}

// failingFS has one file that cannot be looked at, or cannot be read.
type failingFS struct {
	fs.FS
	name string
	stat error
}

func (f failingFS) Open(name string) (fs.File, error) {
	file, err := f.FS.Open(name)
	if err != nil || name != f.name {
		return file, err
	}
	if f.stat != nil {
		return nil, f.stat
	}
	return unreadable{file}, nil
}

type unreadable struct{ fs.File }

func (unreadable) Read([]byte) (int, error) { return 0, errors.New("input/output error") }

// TestUnreadableFiles: an included file that is there and cannot be read, or leads away.
func TestUnreadableFiles(t *testing.T) {
	const readable = "check that it is a file that the user running truc may read"
	for _, c := range []struct {
		stat error
		want string
	}{
		{&fs.PathError{Op: "open", Path: "/secret/place/chung.yaml", Err: fs.ErrPermission}, "unreadable | 2:11 include[0] | the file chung.yaml cannot be read: permission denied | " + readable},
		{errors.New("no such device"), "unreadable | 2:11 include[0] | the file chung.yaml cannot be read: no such device | " + readable},
		{nil, "unreadable | 2:11 include[0] | the file chung.yaml cannot be read: input/output error | " + readable},
	} {
		root := failingFS{fstest.MapFS{"chung.yaml": {Data: []byte("let: { a: b }\n")}}, "chung.yaml", c.stat}
		_, problems := Parse("m.yaml", []byte("dataset: x\ninclude: [chung.yaml]\nfields: { so: so }\n"), &Files{Root: root, Path: "m.yaml"})
		if diff := cmp.Diff([]string{c.want}, inWords(problems)); diff != "" {
			t.Errorf("%v: %s", c.stat, diff)
		}
	}
	dir := t.TempDir()
	if err := os.Symlink(t.TempDir(), dir+"/ngoai"); err != nil {
		t.Skip(err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	_, problems := Parse("m.yaml", []byte("dataset: x\ninclude: [ngoai/chung.yaml]\nfields: { so: so }\n"), &Files{Root: root.FS(), Path: "m.yaml"})
	want := `outside | 2:11 include[0] | "ngoai/chung.yaml" is a link that leads out of the configuration's folder: a mapping reads nothing outside it | put the file itself below the configuration's folder`
	if diff := cmp.Diff([]string{want}, inWords(problems)); diff != "" {
		t.Error(diff)
	}
}
