package schemas

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	santhosh "github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/lienthong/truc/problem"
)

func builtin(tb testing.TB) *Set {
	tb.Helper()
	set, err := Builtin()
	if err != nil {
		tb.Fatalf("Builtin: %v", err)
	}
	return set
}

func birth(tb testing.TB) *Dataset {
	tb.Helper()
	d, err := builtin(tb).Dataset("hotich.khaisinh.v1")
	if err != nil {
		tb.Fatal(err)
	}
	return d
}

// birthExamples returns the built-in examples, by file name, without white space; of invalid ones the document.
func birthExamples(tb testing.TB, kind string) map[string][]byte {
	tb.Helper()
	dir := "data/hotich.khaisinh/v1/examples/" + kind
	entries, err := os.ReadDir(dir)
	if err != nil {
		tb.Fatal(err)
	}
	out := map[string][]byte{}
	for _, e := range entries {
		raw, err := os.ReadFile(path.Join(dir, e.Name()))
		if err != nil {
			tb.Fatal(err)
		}
		if kind == "invalid" {
			var ex invalidExample
			if err := json.Unmarshal(raw, &ex); err != nil {
				tb.Fatal(err)
			}
			raw = ex.Document
		}
		out[e.Name()] = compact(tb, raw)
	}
	return out
}

// invalidExamples returns the invalid examples of a built-in dataset, "hotich.khaisinh/v1".
func invalidExamples(tb testing.TB, dataset string) []invalidExample {
	tb.Helper()
	names, err := fs.Glob(embedded, "data/"+dataset+"/examples/invalid/*.json")
	if err != nil || len(names) == 0 {
		tb.Fatalf("examples of %s: %d, %v", dataset, len(names), err)
	}
	out := make([]invalidExample, len(names))
	for i, name := range names {
		raw, err := embedded.ReadFile(name)
		if err != nil {
			tb.Fatal(err)
		}
		if err := json.Unmarshal(raw, &out[i]); err != nil {
			tb.Fatal(err)
		}
		slices.SortFunc(out[i].Expect, expectation.compare)
	}
	return out
}

// compileBoth compiles the schema for both validators, as the gate does where it runs examples.
func compileBoth(d *Dataset) (*santhosh.Schema, problem.List) {
	if ps := d.compile(); ps.Err() != nil {
		return nil, ps
	}
	second, err := d.file.compileSanthosh()
	if err != nil {
		return nil, d.refused("santhosh-tekuri/jsonschema")
	}
	return second, nil
}

func compact(tb testing.TB, raw []byte) []byte {
	tb.Helper()
	var b bytes.Buffer
	if err := json.Compact(&b, raw); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

// datasetFS is a directory with the dataset "thu.v1", whose key is "k", one valid and one invalid example, and a code list.
func datasetFS(schema string) fstest.MapFS {
	return fstest.MapFS{
		"thu/v1/schema.json":                   {Data: []byte(schema)},
		"thu/v1/examples/valid/a.json":         {Data: []byte(`{"k":"1"}`)},
		"thu/v1/examples/invalid/b.json":       {Data: []byte(`{"expect":[{"pointer":"/k","rule":"required"}],"document":{}}`)},
		"thu/v1/examples/valid/ignored.md":     {Data: []byte("not an example")},
		"codelists/danhmuc.thu.json":           {Data: []byte(`{"id":"danhmuc.thu","version":"1.0.0","source":"test","codes":[{"code":"1","vi":"một"},{"code":"ạ","vi":"a"}]}`)},
		"somewhere/else/that/is/not/read.json": {Data: []byte("{")},
	}
}

// withProperties is a schema whose object has the key k and the given further properties and root members.
func withProperties(properties, members string) string {
	return `{"$schema":"http://json-schema.org/draft-07/schema#","$id":"https://test.example/thu/1.0.0","x-khoa":["k"],
		"type":"object","required":["k"],"properties":{"k":{"type":"string"}` + properties + `}` + members + `}`
}

func loadSchema(schema string) (*Dataset, error) { return loadFS(datasetFS(schema)) }

func loadFS(fsys ...fs.FS) (*Dataset, error) {
	set, err := loadAll(fsys...)
	if err != nil {
		return nil, err
	}
	return set.Dataset("thu.v1")
}

// loadAll is a set without what is built in.
func loadAll(fsys ...fs.FS) (*Set, error) {
	var folders []Folder
	for _, f := range fsys {
		folders = append(folders, Folder{FS: f})
	}
	l := newLoader()
	if err := l.load(folders...); err != nil {
		return nil, err
	}
	return l.set, nil
}

func mustLoad(tb testing.TB, schema string) *Dataset {
	tb.Helper()
	d, err := loadSchema(schema)
	if err != nil {
		tb.Fatalf("load: %v\n%s", err, schema)
	}
	return d
}

// compileOnly runs a schema through the gate and both validators, without key and examples. ok is false when the
// gate refuses it, which for a generated schema is a fine answer.
func compileOnly(schema string, lists ...*CodeList) (d *Dataset, second *santhosh.Schema, ps problem.List) {
	f, ps := parseSchema("test.json", []byte(schema), false)
	if ps.Err() != nil {
		return nil, nil, ps
	}
	set := &Set{codeLists: map[string]*CodeList{}}
	for _, l := range lists {
		set.codeLists[l.ID] = l
	}
	ps = append(ps, f.resolve(map[string]*schemaFile{f.id: f})...)
	ps = append(ps, f.bindCodeLists(set)...)
	if ps.Err() == nil {
		ps = append(conditionalCodes([]*schemaFile{f}), recursion([]*schemaFile{f})...)
	}
	if ps.Err() != nil {
		return nil, nil, ps
	}
	d = newDataset(f)
	d.name, d.major, d.version = "thu", 1, "1.0.0"
	if second, ps = compileBoth(d); ps.Err() != nil {
		return nil, nil, ps
	}
	d.root = newTree(f.root)
	return d, second, nil
}

func codes(err error) string {
	var list problem.List
	if !errors.As(err, &list) {
		return "not a problem.List"
	}
	var out []string
	for _, p := range list {
		out = append(out, p.Code)
	}
	return strings.Join(out, " ")
}

func rules(vs []Violation) []expectation {
	var out []expectation
	for _, v := range vs {
		out = append(out, expectation{v.Pointer, v.Rule})
	}
	return out
}
