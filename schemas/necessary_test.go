package schemas

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"
)

// validating are the keywords that decide whether a document is valid; each one in a built-in schema must be needed.
var validating = []string{
	"type", "pattern", "format", "enum", "const", "required", "minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems", "additionalProperties", "anyOf", "x-danh-muc",
}

// bench compiles changed schemas against what is built in, without loading all of that again.
type bench struct {
	set   *Set
	types map[string][]byte // shared types by path
	texts map[string][]byte // dataset schemas by name
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{set: builtin(t), types: map[string][]byte{}, texts: map[string][]byte{}}
	names, err := fs.Glob(embedded, "data/types/*.json")
	if err != nil || len(names) == 0 {
		t.Fatal(names, err)
	}
	for _, name := range names {
		if b.types[name], err = embedded.ReadFile(name); err != nil {
			t.Fatal(err)
		}
	}
	for _, d := range b.set.Datasets() {
		b.texts[d.Name()] = d.Raw()
	}
	return b
}

// dataset compiles a dataset from its text and the texts of the shared types. ok is false when the gate refuses it.
func (b *bench) dataset(name string, text []byte, types map[string][]byte) (d *Dataset, ok bool) {
	byID := map[string]*schemaFile{}
	var files []*schemaFile
	for path, raw := range types {
		f, ps := parseSchema(path, raw, true)
		if ps.Err() != nil {
			return nil, false
		}
		byID[f.id], files = f, append(files, f)
	}
	f, ps := parseSchema(name, text, true)
	if ps.Err() != nil {
		return nil, false
	}
	byID[f.id] = f
	for _, f := range append(files, f) {
		if ps := append(f.resolve(byID), f.bindCodeLists(b.set)...); ps.Err() != nil {
			return nil, false
		}
	}
	d, ps = datasetOf(name+"/v1/schema.json", f)
	if ps.Err() != nil || d.compile().Err() != nil {
		return nil, false
	}
	d.root = newTree(f.root)
	return d, true
}

// mutants calls try with the schema once for every validating keyword in it, without that keyword.
func mutants(t *testing.T, raw []byte, try func(pointer, keyword string, mutant []byte)) {
	t.Helper()
	var root any
	if err := json.Unmarshal(raw, &root); err != nil {
		t.Fatal(err)
	}
	var visit func(v any, pointer string)
	visit = func(v any, pointer string) {
		if list, ok := v.([]any); ok {
			for i, inner := range list {
				visit(inner, fmt.Sprintf("%s/%d", pointer, i))
			}
		}
		m, ok := v.(map[string]any)
		if !ok {
			return
		}
		names := strings.HasSuffix(pointer, "/properties") || strings.HasSuffix(pointer, "/definitions") // of properties, not keywords
		for _, k := range keys(m) {
			value := m[k]
			if !names && slices.Contains(validating, k) {
				delete(m, k)
				mutant, err := json.Marshal(root)
				if err != nil {
					t.Fatal(err)
				}
				m[k] = value
				try(appendPointer(pointer, k), k, mutant)
			}
			visit(value, appendPointer(pointer, k))
		}
	}
	visit(root, "")
}

// judge says of each invalid example whether a dataset still refuses it just so.
type judge struct {
	examples []invalidExample
}

// notices reports whether some example has other violations than it names, asking those first that name the keyword.
func (j judge) notices(d *Dataset, keyword string) bool {
	rule := keyword
	if rule == "x-danh-muc" {
		rule = RuleCode
	}
	about := func(e invalidExample) bool {
		return slices.ContainsFunc(e.Expect, func(x expectation) bool { return x.Rule == rule })
	}
	missed := func(e invalidExample) bool { return !slices.Equal(d.violations(e.Document), e.Expect) }
	return slices.ContainsFunc(j.examples, func(e invalidExample) bool { return about(e) && missed(e) }) ||
		slices.ContainsFunc(j.examples, func(e invalidExample) bool { return !about(e) && missed(e) })
}

// lets reports whether some example passes, the one that was refused for a keyword alone.
func (j judge) lets(d *Dataset) bool {
	return slices.ContainsFunc(j.examples, func(e invalidExample) bool { return len(d.violations(e.Document)) == 0 })
}

// shows reports whether an example shows what a keyword is for that d has not any more. A code list takes an example that it alone refuses:
// those that are wrong in many places show a reader nothing about one of them.
func (j judge) shows(d *Dataset, keyword string) bool {
	if keyword == "x-danh-muc" {
		return j.lets(d)
	}
	return j.notices(d, keyword)
}

// Every validating keyword of the built-in schemas is shown necessary by an example: without it, some invalid one passes, or is refused
// for other reasons than it names. The gate itself holds some of the types: what has a format or a code list must be text.
func TestEveryKeywordIsNecessary(t *testing.T) {
	b := newBench(t)
	judges := map[string]judge{}
	for name := range b.texts {
		judges[name] = judge{invalidExamples(t, name+"/v1")}
	}
	for name, text := range b.texts {
		t.Run(name, func(t *testing.T) {
			if testing.Short() && name != "hotich.khaisinh" {
				t.Skip("compiles hundreds of schemas, and this is a short run")
			}
			t.Parallel()
			tried := 0
			if d, ok := b.dataset(name, text, b.types); !ok || judges[name].notices(d, "") {
				t.Fatal("the bench refuses the schema as it is, or its examples: nothing would be shown")
			}
			mutants(t, text, func(pointer, keyword string, mutant []byte) {
				tried++
				d, ok := b.dataset(name, mutant, b.types)
				if !ok && keyword != "type" {
					t.Errorf("%s#%s cannot be removed: the gate refuses the schema", name, pointer)
				}
				if ok && !judges[name].shows(d, keyword) {
					t.Errorf("%s#%s can be removed, and no example notices", name, pointer)
				}
			})
			t.Logf("%d keywords", tried)
		})
	}
	for path, text := range b.types { // the shared types are held by the examples of any dataset
		t.Run(path, func(t *testing.T) {
			if testing.Short() {
				t.Skip("compiles hundreds of schemas, and this is a short run")
			}
			t.Parallel()
			uses := b.users(t)
			tried := 0
			mutants(t, text, func(pointer, keyword string, mutant []byte) {
				tried++
				definition := strings.Split(pointer, "/")[2]
				types := map[string][]byte{path: mutant}
				noticed := slices.ContainsFunc(uses[definition], func(name string) bool {
					d, ok := b.dataset(name, b.texts[name], types)
					if !ok && keyword != "type" {
						t.Errorf("%s#%s cannot be removed: the gate refuses %s", path, pointer, name)
					}
					return !ok || judges[name].shows(d, keyword)
				})
				if !noticed {
					t.Errorf("%s#%s can be removed, and no example notices", path, pointer)
				}
			})
			t.Logf("%d keywords", tried)
		})
	}
}

// users names the datasets in which a shared definition is, by definition; those with small schemas first.
func (b *bench) users(t *testing.T) map[string][]string {
	t.Helper()
	out := map[string][]string{}
	for _, name := range keys(b.texts) {
		d, err := b.set.Dataset(name + ".v1")
		if err != nil {
			t.Fatal(err)
		}
		seen := map[*schema]bool{}
		var visit func(s *schema)
		visit = func(s *schema) {
			if seen[s] {
				return
			}
			seen[s] = true
			if at, is := strings.CutPrefix(s.pointer, "/definitions/"); is && s.file != d.file && !strings.Contains(at, "/") {
				out[at] = append(out[at], name)
			}
			for _, next := range slices.Concat(s.sameValue(), s.innerValue()) {
				visit(next)
			}
		}
		visit(d.file.root)
	}
	for _, names := range out {
		slices.SortStableFunc(names, func(x, y string) int { return len(b.texts[x]) - len(b.texts[y]) })
	}
	return out
}

// Every dataset shows enough: five documents that it takes, ten that it refuses, and each of those fails for one reason: its violations
// are all of one rule. Those that show several reasons at once are named here.
func TestExamplesShowOneReasonEach(t *testing.T) {
	several := map[string]bool{
		"hotich.khaisinh.v1/hai-loi": true, // that both are told
		// A precision that is a number breaks the branch that would say what goes with it, which is told instead.
		"hotich.khaisinh.v1/moi-truong-sai-kieu": true,
	}
	for _, d := range builtin(t).Datasets() {
		if valid, invalid := len(d.Valid()), len(d.Invalid()); valid < 5 || invalid < 10 {
			t.Errorf("%s has %d valid and %d invalid examples, want 5 and 10", d.ID(), valid, invalid)
		}
		for _, e := range d.Invalid() {
			id := d.ID() + "/" + e.Name
			reasons := map[string]bool{}
			for _, v := range e.Violations {
				reasons[reason(v.Rule)] = true
			}
			if e.About == "" || (len(reasons) > 1) != several[id] {
				t.Errorf("%s (%s) fails for %v", id, e.About, keys(reasons))
			}
		}
	}
}

// reason is what a rule is about: text that has not the form it must have, whether a pattern or a format says so, is one.
func reason(rule string) string {
	switch rule {
	case "pattern", "format":
		return "form"
	case "const", "enum", "anyOf":
		return "choice"
	}
	return rule
}
