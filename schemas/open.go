package schemas

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	santhosh "github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/xeipuuv/gojsonschema"

	"github.com/lienthong/truc/problem"
)

// open is the last part of the gate: both validators compile the schema and agree on its examples.
func (l loadedDataset) open(in *loader) problem.List {
	d := l.dataset
	d.root = newTree(d.file.root)
	if ps := append(d.checkKey(), d.declares(l.folder.builtin)...); ps.Err() != nil {
		return ps
	}
	if l.folder.builtin { // proven by the test of the build
		d.builtin = l.dir
	} else {
		if ps := d.compile(); ps.Err() != nil {
			return ps
		}
		if ps := l.examples(in); ps.Err() != nil {
			return ps
		}
	}
	in.set.datasets[d.ID()] = d
	return nil
}

// compile hands the schema and the files it refers to to the validator that decides.
func (d *Dataset) compile() problem.List {
	if _, err := d.validator(); err != nil {
		return d.refused("gojsonschema")
	}
	return nil
}

func (d *Dataset) refused(who string) problem.List {
	return problem.List{{
		Code: "schema.compile", Where: d.file.path, What: problem.Say("the schema passed truc's own checks, but %s cannot compile it", who),
		Fix: problem.Say("simplify it keyword by keyword until it compiles, and report the keyword as a defect of truc"),
	}}
}

func (f *schemaFile) compileSanthosh() (*santhosh.Schema, error) {
	c := santhosh.NewCompiler()
	c.DefaultDraft(santhosh.Draft7)
	c.UseLoader(noLoader{})
	santhoshFormats(c)
	for _, r := range f.reached() {
		value, fault := decodeJSON(r.raw, nil)
		if fault != nil {
			return nil, errNotJSON
		}
		if err := c.AddResource(r.id, value); err != nil {
			return nil, fmt.Errorf("add %s: %w", r.path, err)
		}
	}
	return c.Compile(f.id)
}

func (f *schemaFile) compileGoJSONSchema() (*gojsonschema.Schema, error) {
	registerFormats()
	l := gojsonschema.NewSchemaLoader()
	l.Draft, l.AutoDetect, l.Validate = gojsonschema.Draft7, false, false
	for _, r := range f.reached() {
		value, fault := decodeJSON(r.raw, nil) // its own copy: gojsonschema rewrites the $refs in it
		if fault != nil {
			return nil, errNotJSON
		}
		if err := l.AddSchema(r.id, setLoader{gojsonschema.NewRawLoader(value)}); err != nil {
			return nil, fmt.Errorf("add %s: %w", r.path, err)
		}
	}
	return l.Compile(setLoader{gojsonschema.NewReferenceLoader(f.id)})
}

var errNotJSON = errors.New("not JSON")

// setLoader keeps gojsonschema from fetching: what is not in the set comes from a loader that refuses.
type setLoader struct{ gojsonschema.JSONLoader }

func (setLoader) LoaderFactory() gojsonschema.JSONLoaderFactory { return refuser{} }

type refuser struct{ gojsonschema.JSONLoader }

func (refuser) New(source string) gojsonschema.JSONLoader {
	return refuser{gojsonschema.NewReferenceLoader(source)}
}

func (refuser) LoadJSON() (any, error) { return nil, errOutsideSet }

func (r refuser) LoaderFactory() gojsonschema.JSONLoaderFactory { return r }

// invalidExample is a file under examples/invalid: a document and every violation it has.
type invalidExample struct {
	About    string          `json:"about"`
	Expect   []expectation   `json:"expect"`
	Document json.RawMessage `json:"document"`
}

type expectation struct {
	Pointer string `json:"pointer"`
	Rule    string `json:"rule"`
}

func (e expectation) compare(o expectation) int {
	return cmp.Or(strings.Compare(e.Pointer, o.Pointer), strings.Compare(e.Rule, o.Rule))
}

// violations are the violations of a document, sorted.
func (d *Dataset) violations(document []byte) []expectation {
	var out []expectation
	for _, v := range d.Check(document) {
		out = append(out, expectation{v.Pointer, v.Rule})
	}
	slices.SortFunc(out, expectation.compare)
	return out
}

// examples runs the dataset's examples: valid ones have no violation, invalid ones exactly those they name, the second
// validator, which is there for them alone, agrees, and the fast check accepts none that is invalid.
func (l loadedDataset) examples(in *loader) problem.List {
	second, err := l.dataset.file.compileSanthosh()
	if err != nil {
		return l.dataset.refused("santhosh-tekuri/jsonschema")
	}
	var ps problem.List
	for _, kind := range []string{"valid", "invalid"} {
		dir := path.Join(l.dir, "examples", kind)
		names, err := fs.Glob(l.folder.FS, path.Join(dir, "*.json"))
		if err != nil || len(names) == 0 {
			ps = append(ps, problem.Problem{
				Code: "schema.example", Where: l.folder.shown(dir), What: problem.Say("the dataset has no %s examples", kind),
				Fix: problem.Say("add at least one; examples are how both validators and readers of the standard are kept in agreement"),
			})
		}
		for _, name := range names {
			raw, found := l.folder.text(name)
			if found == nil {
				l.dataset.kept = append(l.dataset.kept, exampleFile{name, kind == "invalid", raw})
				if found = l.dataset.example(l.folder.shown(name), raw, kind == "invalid", second); found != nil {
					in.texts[l.folder.shown(name)] = raw
				}
			}
			ps = append(ps, found...)
		}
	}
	return ps
}

func (d *Dataset) example(name string, raw []byte, invalid bool, second *santhosh.Schema) problem.List {
	at := "" // what in the file is wrong
	bad := func(what, fix problem.Text) problem.List {
		return problem.List{{Code: "schema.example", Where: name + "#" + at, What: what, Fix: fix}}
	}
	document, expect, inside := raw, []expectation(nil), ""
	if invalid {
		var e invalidExample
		dec := json.NewDecoder(bytes.NewReader(raw))
		dec.DisallowUnknownFields()
		if err := dec.Decode(&e); err != nil || len(e.Expect) == 0 {
			return bad(problem.Say("the invalid example is not of the form it must have"), problem.Say(`write {"about": "...", "expect": [{"pointer": "/x", "rule": "required"}], "document": {...}}`))
		}
		document, expect, inside = e.Document, e.Expect, "/document"
	}
	slices.SortFunc(expect, expectation.compare)
	got := d.violations(document)
	if !slices.Equal(got, expect) {
		at = strings.Replace(inside, "/document", "/expect", 1)
		if i := slices.IndexFunc(got, func(e expectation) bool { return !slices.Contains(expect, e) }); i >= 0 {
			at = inside + got[i].Pointer
		}
		return bad(problem.Say("the example has the violations %s, expected were %s", printed(got), printed(expect)), problem.Say("correct the example or the schema"))
	}
	// santhosh does not know code lists: on a document whose only fault is a code it must say valid.
	value, fault := decodeJSON(document, nil)
	if fault != nil {
		return nil
	}
	valid := !slices.ContainsFunc(got, func(e expectation) bool { return e.Rule != RuleCode })
	if (second.Validate(value) == nil) != valid {
		return bad(problem.Say("gojsonschema and santhosh-tekuri/jsonschema disagree on the example"), problem.Say("express what it tests with other keywords: subscribers with other validators would disagree too"))
	}
	if ok, _ := d.Fast(); ok {
		var compact bytes.Buffer
		if err := json.Compact(&compact, document); err == nil && len(got) > 0 && d.Accepts(compact.Bytes()) {
			return bad(problem.Say("the fast check accepts an example that the validator refuses"), problem.Say("report this as a defect of truc"))
		}
	}
	return nil
}

func printed(es []expectation) string {
	if len(es) == 0 {
		return "none"
	}
	out := make([]string, len(es))
	for i, e := range es {
		out[i] = fmt.Sprintf("%s at %q", e.Rule, e.Pointer)
	}
	return strings.Join(out, ", ")
}
