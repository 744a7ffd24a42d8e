package schemas

import (
	"encoding/json"
	"io/fs"
	"path"
	"strings"
)

// Example is a document that shows what a dataset takes, or refuses.
type Example struct {
	// Name is the file's name without ".json".
	Name string
	// About says in English why an invalid one is; "" for valid ones.
	About    string
	Document json.RawMessage
	// Violations are what Check says of it; none of a valid one.
	Violations []Violation
}

// exampleFile is an example as it was read from a folder, which may be closed by the time somebody wants to see it.
type exampleFile struct {
	name    string
	invalid bool
	raw     []byte
}

// Valid returns the dataset's valid examples, by name.
func (d *Dataset) Valid() []Example { return d.shown(false) }

// Invalid returns documents that the dataset refuses, by name.
func (d *Dataset) Invalid() []Example { return d.shown(true) }

func (d *Dataset) shown(invalid bool) []Example {
	var out []Example
	for _, f := range d.exampleFiles() {
		if f.invalid != invalid {
			continue
		}
		e := Example{Name: strings.TrimSuffix(path.Base(f.name), ".json"), Document: f.raw}
		if invalid {
			var file invalidExample
			if json.Unmarshal(f.raw, &file) != nil {
				continue // the gate has read it: it is one
			}
			e.About, e.Document = file.About, file.Document
			e.Violations = d.Check(file.Document)
		}
		out = append(out, e)
	}
	return out
}

// exampleFiles are the files of the examples. Those that come with truc are read from the binary each time: nothing of them is
// held by a node that runs.
func (d *Dataset) exampleFiles() []exampleFile {
	if d.builtin == "" {
		return d.kept
	}
	var out []exampleFile
	for _, kind := range []string{"valid", "invalid"} {
		names, _ := fs.Glob(embedded, path.Join("data", d.builtin, "examples", kind, "*.json")) // the pattern is well-formed
		for _, name := range names {
			if raw, err := embedded.ReadFile(name); err == nil {
				out = append(out, exampleFile{name, kind == "invalid", raw})
			}
		}
	}
	return out
}
