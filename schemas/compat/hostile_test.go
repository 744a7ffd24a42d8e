package compat

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/lienthong/truc/problem"
)

// many makes a list of n things.
func many(n int, one func(i int) any) []any {
	out := make([]any, n)
	for i := range n {
		out[i] = one(i)
	}
	return out
}

// members makes an object of n things, under names with a number.
func members(n int, name string, one func(i int) any) obj {
	out := make(obj, n)
	for i := range n {
		out[fmt.Sprintf(name, i)] = one(i)
	}
	return out
}

type obj = map[string]any

func text(t testing.TB, v any) string {
	t.Helper()
	out, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// hostilePair is a pair made to take for ever. want is what sound must say of it: "yes", "no", "no document" when it is refused and
// nothing can be shown, "error", "" when any answer will do.
type hostilePair struct {
	name         string
	old, updated any
	want         string
}

func hostilePairs() []hostilePair {
	object := func(step int) func(i int) any {
		return func(i int) any {
			return obj{"type": "object", "properties": obj{fmt.Sprintf("p%d", i): obj{"type": "string", "maxLength": i*step + 1}}}
		}
	}
	tagged := func(leaf string) func(i int) any {
		return func(i int) any {
			return obj{"type": "object", "required": []any{"k"}, "properties": obj{"k": obj{"const": i}, "v": obj{"type": leaf}}}
		}
	}
	// layers refer to the layer below: d0 is the leaf, d<n> the root.
	layers := func(n int, leaf any, one func(below obj) any) obj {
		definitions := obj{"d0": leaf}
		for i := range n {
			definitions[fmt.Sprintf("d%d", i+1)] = one(obj{"$ref": fmt.Sprintf("#/definitions/d%d", i)})
		}
		return obj{"definitions": definitions, "$ref": fmt.Sprintf("#/definitions/d%d", n)}
	}
	alternating := func(leaf any) obj {
		return layers(9, leaf, func(b obj) any {
			return obj{"allOf": []any{obj{"anyOf": []any{b, obj{"not": b}, obj{"maxLength": 3}}}}}
		})
	}
	laughing := func(leaf any) obj {
		return layers(30, leaf, func(b obj) any { return obj{"properties": obj{"a": b, "b": b}} })
	}
	conditions := func(n int, leaf string) any {
		var s any = obj{"type": leaf}
		for i := range n {
			s = obj{"if": obj{"minimum": i}, "then": s, "else": obj{"maximum": i}}
		}
		return s
	}
	inline := func(leaf string) any {
		definitions := obj{}
		for i := range 12 {
			definitions[fmt.Sprintf("t%d", i)] = obj{"oneOf": many(12, func(j int) any {
				return obj{"type": "object", "required": []any{"k"}, "properties": obj{
					"k": obj{"const": j}, "n": obj{"$ref": fmt.Sprintf("#/definitions/t%d", (i+j)%12)}, "v": obj{"type": leaf},
				}}
			})}
		}
		return obj{"definitions": definitions, "$ref": "#/definitions/t0"}
	}
	named := func(name string) any {
		return obj{"type": "object", "properties": members(5000, name, func(i int) any {
			return obj{"type": "object", "properties": obj{"ma": obj{"type": "string", "maxLength": i%40 + 1}}, "required": []any{"ma"}}
		})}
	}
	wide := func(n int, last any) any {
		p := members(n, "thuoc_tinh_%05d", func(int) any { return obj{"type": "string", "maxLength": 12, "description": strings.Repeat("x", 30)} })
		p["zz"] = last
		return obj{"type": "object", "properties": p, "required": slices.Collect(maps.Keys(members(n, "thuoc_tinh_%05d", func(int) any { return nil })))}
	}
	chain := func(n int, leaf string) any {
		definitions := obj{}
		for i := range n {
			definitions[fmt.Sprintf("c%d", i)] = obj{"properties": obj{"next": obj{"$ref": fmt.Sprintf("#/definitions/c%d", i+1)}}}
		}
		definitions[fmt.Sprintf("c%d", n)] = obj{"type": leaf}
		return obj{"definitions": definitions, "$ref": "#/definitions/c0"}
	}
	matching := func(step int) any {
		return obj{
			"patternProperties": members(300, "^p%d_[a-z]{1,40}$", func(i int) any { return obj{"type": "string", "minLength": i * step} }),
			"propertyNames":     obj{"anyOf": many(100, func(i int) any { return obj{"pattern": fmt.Sprintf("^p%d", i*step)} })},
			"properties":        members(300, "p%d_abc", func(i int) any { return obj{"maxLength": i + 400} }),
		}
	}
	dependents := func(n int, word string, first any) any {
		d := members(n, "a%d", func(i int) any {
			return obj{"required": []any{fmt.Sprintf("a%d", i+1)}, "properties": obj{fmt.Sprintf("a%d", i+1): obj{"minLength": i}}}
		})
		d["a0"] = first
		return obj{"$schema": schemaURI["2019-09"], word: d}
	}
	nested := func(levels int, name string, in any) any {
		for i := range levels {
			in = obj{"properties": obj{fmt.Sprintf("%s%d", name, i): in}}
		}
		return in
	}
	return []hostilePair{
		{"one MiB of values", obj{"enum": many(150_000, func(i int) any { return i })}, obj{"enum": many(150_000, func(i int) any { return i + 1 })}, "no"},
		{"200 branches of anyOf", obj{"anyOf": many(200, object(1))}, obj{"anyOf": many(200, object(2))}, ""},
		{"60 branches of oneOf that overlap", obj{"oneOf": many(60, object(1))}, obj{"oneOf": many(60, object(2))}, ""},
		{"60 branches of oneOf with a tag, wider", obj{"oneOf": many(60, tagged("integer"))}, obj{"oneOf": many(60, tagged("number"))}, "yes"},
		{"60 branches of oneOf with a tag, narrower", obj{"oneOf": many(60, tagged("number"))}, obj{"oneOf": many(60, tagged("integer"))}, "no"},
		{"600 branches of oneOf with a tag", obj{"oneOf": many(600, tagged("number"))}, obj{"oneOf": many(600, tagged("integer"))}, ""},
		{"branches in branches", alternating(obj{"type": "string", "maxLength": 4}), alternating(obj{"type": "string", "maxLength": 5}), ""},
		{"a billion laughs of properties, wider", laughing(obj{"type": "integer"}), laughing(obj{"type": "number"}), "yes"},
		{"a billion laughs of properties, narrower", laughing(obj{"type": "number"}), laughing(obj{"type": "integer"}), ""},
		{"a wide enum beside patterns", obj{"enum": many(20_000, func(i int) any { return fmt.Sprintf("a%d", i) }), "pattern": "^a"}, obj{"type": "string", "pattern": "^(a|b|c)[0-9]{1,5}$", "not": obj{"pattern": "7{6}"}}, "yes"},
		{"1000 branches of 100 values", obj{"anyOf": many(300, func(i int) any { return obj{"enum": many(100, func(j int) any { return i + j })} })}, obj{"anyOf": many(300, func(i int) any { return obj{"enum": many(100, func(j int) any { return i + j + 1 })} })}, ""},
		{"a chain of dependentSchemas", dependents(300, "dependentSchemas", true), dependents(300, "dependentSchemas", obj{"required": []any{"a2"}}), "no"},
		{"patterns times names", matching(1), matching(2), ""},
		{"if in then, 40 levels", conditions(40, "integer"), conditions(40, "number"), ""},
		{"if in then, other conditions", conditions(40, "integer"), conditions(41, "integer"), ""},
		{"numbers with many digits", obj{"maximum": json.Number("1e399")}, obj{"maximum": json.Number(strings.Repeat("9", 900)), "multipleOf": json.Number("1e-390")}, ""},
		{"huge counts", obj{"minItems": json.Number("1e300"), "minLength": json.Number("1e300"), "multipleOf": json.Number("1e300")}, obj{"minItems": json.Number("2e300"), "minLength": 5, "multipleOf": json.Number("3e300")}, ""},
		{"12 types that contain each other, inline", inline("integer"), inline("integer"), "yes"},
		{"12 types that contain each other, inline, wider", inline("integer"), inline("number"), ""},
		{"12 types that contain each other, inline, narrower", inline("number"), inline("integer"), "no"},
		{"8,000 properties, all required", wide(8000, obj{"type": "number"}), wide(8000, obj{"type": "integer"}), ""},
		{"8,000 properties, wider", wide(8000, obj{"type": "integer"}), wide(8000, obj{"type": "number"}), "yes"},
		{"5,000 properties renamed", named("cu_%d"), named("moi_%d"), ""},
		{"10,000 definitions in a row", chain(10_000, "number"), chain(10_000, "integer"), ""},
		{"10,000 definitions in a row, wider", chain(10_000, "integer"), chain(10_000, "number"), "yes"},
		{"5,000 branches of allOf", obj{"allOf": many(5000, func(i int) any { return obj{"maxLength": 9000 - i} })}, obj{"allOf": many(5000, func(i int) any { return obj{"maxLength": 9001 - i} })}, ""},
		{"500 branches under not", obj{"not": obj{"anyOf": many(500, object(2))}}, obj{"not": obj{"anyOf": many(500, object(1))}}, ""},
		{"20,000 first items", obj{"items": many(20_000, func(i int) any { return obj{"maximum": i} })}, obj{"items": many(20_000, func(i int) any { return obj{"maximum": i + 1} })}, ""},
		{"a list that must be unique", obj{"const": many(60_000, func(i int) any { return i })}, obj{"uniqueItems": true}, "yes"},
		{"a pattern that backtracks", obj{"type": "string", "pattern": "^(a+)+$"}, obj{"type": "string", "pattern": "^((a|a)+)+b$"}, "no"},
		{"a pattern that nobody can run", obj{"type": "string"}, obj{"type": "string", "pattern": "((a{1,900}){1,900}){1,900}"}, "no document"},
		{"a pattern of a name that nobody can run", obj{"type": "object"}, obj{"patternProperties": obj{"((a{1,900}){1,900}){1,900}": obj{"type": "string"}}}, "no document"},
		{"a pattern of a million steps", obj{"type": "string"}, obj{"type": "string", "pattern": strings.Repeat("a{1000}", 1000)}, "no document"},
		{"3,000 patterns", obj{"anyOf": many(3000, func(i int) any { return obj{"pattern": fmt.Sprintf("^[a-z]{1,300}%d$", i)} })}, obj{"anyOf": many(3000, func(i int) any { return obj{"pattern": fmt.Sprintf("^[a-z]{1,300}%d$", i+1)} })}, ""},
		{"what no branch has seen", obj{"$schema": schemaURI["2020-12"], "anyOf": many(300, object(1)), "unevaluatedProperties": false}, obj{"$schema": schemaURI["2020-12"], "anyOf": many(300, object(2)), "unevaluatedProperties": false}, ""},
		{"10,000 code lists", obj{"properties": members(10_000, "p%d", func(i int) any { return obj{"x-danh-muc": fmt.Sprintf("thu%d", i)} })}, obj{"properties": members(10_000, "p%d", func(i int) any { return obj{"x-danh-muc": fmt.Sprintf("thu%d", i+1)} })}, ""},
		{"1,000 steps of 900 digits", obj{"allOf": many(1000, func(i int) any {
			return obj{"multipleOf": json.Number(fmt.Sprintf("%d%s", i+1, strings.Repeat("7", 900)))}
		})}, obj{"allOf": many(1000, func(i int) any {
			return obj{"multipleOf": json.Number(fmt.Sprintf("%d%s", i+1, strings.Repeat("3", 900)))}
		})}, ""},
		{"values of 390 digits", obj{"enum": many(90_000, func(i int) any { return json.Number(fmt.Sprintf("%de385", i)) })}, obj{"enum": many(90_000, func(i int) any { return json.Number(fmt.Sprintf("%de386", i)) })}, ""},
		{"20,000 $refs beside a long id", obj{"$id": "http://mau.test/" + strings.Repeat("i", 900), "definitions": obj{"a": obj{"$id": "a", "type": "integer"}}, "properties": members(20_000, "p%d", func(int) any { return obj{"$ref": "a"} })}, true, "yes"},
		{"names of 8 KiB", nested(60, strings.Repeat("n", 8000), obj{"properties": members(20_000, "p%d", func(int) any { return true })}), true, "error"},
		{"an id of half a MiB", obj{"$id": "http://mau.test/" + strings.Repeat("i", 500_000), "definitions": obj{"a": true}, "properties": members(10_000, "p%d", func(int) any { return obj{"$ref": "#/definitions/a"} })}, true, "error"},
		{"100,000 subschemas", obj{"anyOf": many(100_000, func(int) any { return obj{} })}, true, "error"},
		{"branches of branches of branches", obj{"anyOf": many(12, func(i int) any {
			return obj{"oneOf": many(12, func(j int) any {
				return obj{"anyOf": many(12, func(k int) any { return obj{"minimum": i + j + k, "required": []any{strconv.Itoa(k)}} })}
			})}
		})}, obj{"anyOf": many(12, func(i int) any {
			return obj{"oneOf": many(12, func(j int) any {
				return obj{"anyOf": many(12, func(k int) any { return obj{"minimum": i + j + k + 1, "required": []any{strconv.Itoa(k)}} })}
			})}
		})}, ""},
	}
}

// TestHostilePairs wants an answer, or a reason why there is none with what to do, in less than a second of processor time for each
// of the two judgements: and twice the same one, for the same work.
func TestHostilePairs(t *testing.T) {
	for i, tt := range hostilePairs() {
		if slowdown > 1 && i%6 != 0 {
			continue // a comparison is one goroutine: there is nothing to race, and all of them would take two minutes
		}
		t.Run(tt.name, func(t *testing.T) {
			start := used(t)
			old, err := Parse(encode(tt.old), nil)
			var updated *Document
			if err == nil {
				updated, err = Parse(encode(tt.updated), nil)
			}
			parsed, refused := used(t)-start, err
			check := func(mode Mode) (Verdict, error) {
				if refused != nil {
					return Verdict{}, refused
				}
				return Check(Backward, mode, updated, []*Document{old})
			}
			for _, mode := range []Mode{Strict, Sound} {
				start := used(t)
				v, err := check(mode)
				took := parsed + used(t) - start
				t.Logf("%s: %v, %d steps, compatible %t, %v", mode, took.Round(time.Millisecond), v.Work, v.Compatible, err)
				if took > 3*patience*slowdown { // machines differ; what explodes takes minutes
					t.Errorf("%s took %v", mode, took)
				}
				if v.Work > MaxWork*5/4 {
					t.Errorf("%s: %d steps, more than a comparison may cost (%d)", mode, v.Work, MaxWork)
				}
				said := "yes"
				var p problem.Problem
				switch {
				case err != nil:
					if said = "error"; !errors.As(err, &p) || p.Fix.Empty() {
						t.Errorf("%s: %v does not say what to do", mode, err)
					}
				case !v.Compatible:
					if said = "no"; v.Refusals[0].Witness == nil {
						said = "no document"
					}
					if r := v.Refusals[0]; r.Remedy.Empty() || mode == Sound && r.Witness == nil && r.NotProven == "" {
						t.Errorf("%s: %+v", mode, r)
					}
				}
				if mode == Sound && tt.want != "" && said != tt.want {
					t.Errorf("sound says %q, want %q (%v)", said, tt.want, err)
				}
				if took > patience/4 {
					continue
				}
				if again, _ := check(mode); again.Work != v.Work {
					t.Errorf("%s: %d steps, and %d the second time", mode, v.Work, again.Work)
				}
			}
		})
	}
}

// TestBoundsOfParsing wants the same of Parse alone, at and above its bounds.
func TestBoundsOfParsing(t *testing.T) {
	for levels, want := range map[int]bool{maxDepth / 2: true, 200: false, 100_000: false} {
		_, err := Parse([]byte(strings.Repeat(`{"not":`, levels)+"{}"+strings.Repeat("}", levels)), nil)
		if (err == nil) != want {
			t.Errorf("%d levels: %v", levels, err)
		}
	}
}

func seeds(f *testing.F) []row {
	var out []row
	for i, r := range rows(f) {
		if i%12 == 0 {
			out = append(out, r)
		}
	}
	return out
}

// FuzzParse wants a document or a finding with a remedy, whatever the text.
func FuzzParse(f *testing.F) {
	for _, r := range seeds(f) {
		f.Add([]byte(r.old))
	}
	for _, text := range []string{`{"$ref":"#"}`, `{"allOf":[{"$ref":"#/allOf/0"}]}`, `{"maximum":1e999999999}`, `[[`, `{"$ref":"#/%zz"}`, `{"items":[{}],"$id":"::"}`, `{"x-danh-muc":{"id":1}}`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		d, err := Parse(text, nil)
		var p problem.Problem
		switch {
		case err != nil && (!errors.As(err, &p) || p.Fix.Empty() || p.Where == ""):
			t.Fatalf("%v has no place or no remedy", err)
		case err == nil && (d == nil || d.root() == nil):
			t.Fatal("neither a document nor an error")
		}
	})
}

// FuzzDiff wants no difference of a schema to itself, and an end to each comparison.
func FuzzDiff(f *testing.F) {
	for _, r := range seeds(f) {
		f.Add([]byte(r.old), []byte(r.updated))
	}
	f.Fuzz(func(t *testing.T, old, updated []byte) {
		a, err := Parse(old, nil)
		b, errB := Parse(updated, nil)
		if err != nil || errB != nil {
			return
		}
		if _, err := Diff(a, b); err != nil && !errors.Is(err, ErrTooComplex) {
			t.Fatal(err)
		}
		same, err := Diff(a, a)
		if i := slices.IndexFunc(same, func(d Difference) bool { return !d.Compatible }); err == nil && i >= 0 {
			t.Fatalf("%s differs from itself: %v", old, same[i])
		}
	})
}

// FuzzEvaluate wants the validator to judge as evaluation does, where both can tell.
func FuzzEvaluate(f *testing.F) {
	for _, r := range seeds(f) {
		for _, document := range []string{`{"a":[1,"b",null]}`, `"aaaa"`, `[1,1.5,"a"]`, `7`} {
			f.Add([]byte(r.old), []byte(document))
		}
	}
	f.Fuzz(func(t *testing.T, schema, document []byte) {
		d, err := Parse(schema, nil)
		if err != nil || len(schema) > 4000 || d.dynamic() {
			return
		}
		var v any
		dec := json.NewDecoder(strings.NewReader(string(document)))
		dec.UseNumber()
		if dec.Decode(&v) != nil || len(document) > 1000 {
			return
		}
		c := newChecker(d.root())
		if !c.ok() {
			return
		}
		e := evaluation{work: newWork(allSteps)}
		if accepted := e.holds(d.root(), v, nil); !e.unsure && accepted != c.valid(v) {
			t.Fatalf("accepted %t, by the validator %t; refused at %s", accepted, !accepted, e.refusedAt(d.root(), v))
		}
	})
}

// FuzzIncludes wants what is called compatible to accept the document, when the old version does.
func FuzzIncludes(f *testing.F) {
	for _, r := range seeds(f) {
		f.Add([]byte(r.old), []byte(r.updated), []byte(`{"a":[1,"b",null]}`))
	}
	f.Fuzz(func(t *testing.T, old, updated, document []byte) {
		a, err := Parse(old, nil)
		b, errB := Parse(updated, nil)
		if err != nil || errB != nil || len(old)+len(updated) > 4000 {
			return
		}
		r, err := Includes(a, b)
		if errors.Is(err, ErrTooComplex) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		w, n := newChecker(a.root()), newChecker(b.root())
		if !w.ok() || !n.ok() {
			return
		}
		var v any
		dec := json.NewDecoder(strings.NewReader(string(document)))
		dec.UseNumber()
		if dec.Decode(&v) == nil && r == nil && w.valid(v) && n.refuses(v) {
			t.Fatalf("called compatible, but %s is refused", document)
		}
	})
}
