package docs

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/lienthong/truc/mapping"
	"github.com/lienthong/truc/schemas"
)

// TestMappingStructurePage reads the files of the page as they stand there, compiles its mappings and runs their examples.
func TestMappingStructurePage(t *testing.T) {
	root := fstest.MapFS{}
	for _, b := range blocks(t, "docs/mapping-structure.md") {
		root[b.file] = &fstest.MapFile{Data: []byte(b.text)}
	}
	set, err := schemas.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	dataset, err := set.Dataset("hotich.khaisinh.v1")
	if err != nil {
		t.Fatal(err)
	}
	env, mappings := mapping.Env{Set: set, Agency: "H44.15"}, 0
	for name, content := range root {
		if !strings.HasPrefix(name, "mappings/") {
			continue
		}
		mappings++
		f, problems := mapping.Parse(name, content.Data, &mapping.Files{Root: root, Path: name})
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		results, problems := f.RunExamples(nil, dataset, env)
		if len(problems) > 0 || len(results) != len(f.Examples) {
			t.Errorf("%s: %v", name, problems)
		}
		if f.Direction == mapping.Sink {
			if _, problems := mapping.CompileSink(f, dataset, nil, env); len(problems) > 0 {
				t.Error(problems)
			}
		}
	}
	if mappings != 2 {
		t.Errorf("the page has %d mappings, this test knows of 2", mappings)
	}
}
