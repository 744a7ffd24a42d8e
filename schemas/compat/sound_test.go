package compat

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/xeipuuv/gojsonschema"
	"pgregory.net/rapid"
)

// verifyWitness lets the other validator confirm a witness, for the drafts it knows.
func verifyWitness(t rapid.TB, old, updated *Document, r *Refusal) {
	w, n := newChecker(old.root), newChecker(updated.root)
	var v any
	dec := json.NewDecoder(strings.NewReader(string(r.Witness)))
	dec.UseNumber()
	if err := dec.Decode(&v); err != nil {
		t.Fatalf("witness %s: %v", r.Witness, err)
	}
	if w.err != nil || n.err != nil || !w.valid(v) || n.valid(v) {
		t.Fatalf("witness %s: the old version must accept it and the new one refuse it", r.Witness)
	}
	if old.draft > Draft7 {
		return
	}
	for i, d := range []*Document{old, updated} {
		s, err := gojsonschema.NewSchema(gojsonschema.NewGoLoader(d.raw[""]))
		if err != nil {
			t.Fatalf("gojsonschema: %v", err)
		}
		result, err := s.Validate(gojsonschema.NewBytesLoader(r.Witness))
		if err != nil || result.Valid() != (i == 0) {
			t.Fatalf("witness %s for version %d: gojsonschema says valid=%t, %v", r.Witness, i, result.Valid(), err)
		}
	}
}

// TestSoundOnRules holds sound against every row: what the table allows is allowed, or a document shows why not; what
// is allowed has no counterexample among the samples.
func TestSoundOnRules(t *testing.T) {
	for i, r := range rows(t) {
		t.Run(fmt.Sprintf("%d %s", i, r.rule), func(t *testing.T) {
			old, updated := parseText(t, r.draft, r.old), parseText(t, r.draft, r.updated)
			refusal, err := Includes(old, updated)
			switch {
			case err != nil:
				t.Fatal(err)
			case refusal == nil:
				if v, at, _ := refute(newProof(), old, updated); v != nil {
					t.Fatalf("%s -> %s: called compatible, but %s is refused at %s", r.old, r.updated, v, at)
				}
			case refusal.Witness == nil && r.rule == "PATTERN_CHANGED": // patterns are compared by their text
			case refusal.Witness == nil:
				t.Errorf("%s -> %s (table: %t): no document shown: %s", r.old, r.updated, r.compatible, refusal.NotProven)
			default:
				verifyWitness(t, old, updated, refusal)
				if refusal.Remedy.Empty() {
					t.Error("no fix")
				}
			}
		})
	}
}

// TestSound tries what the table does not compare, and what it is too strict about.
func TestSound(t *testing.T) {
	for _, tt := range []struct {
		name, draft, old, updated string
		want                      bool
	}{
		{"format changed", "7", `{"type":"string","format":"date"}`, `{"type":"string","format":"ipv4"}`, false},
		{"format dropped", "7", `{"type":"string","format":"date"}`, `{"type":"string"}`, true},
		{"format kept", "2020-12", `{"type":"string","format":"date","maxLength":3}`, `{"type":"string","format":"date"}`, true},
		{"format for numbers", "7", `{"type":"integer"}`, `{"type":["integer","string"],"format":"date"}`, true},
		{"propertyNames narrower", "7", `{"type":"object","propertyNames":{"maxLength":9}}`, `{"type":"object","propertyNames":{"maxLength":1}}`, false},
		{"propertyNames wider", "7", `{"type":"object","propertyNames":{"maxLength":1}}`, `{"type":"object","propertyNames":{"maxLength":9}}`, true},
		{"propertyNames of a closed object", "7", `{"type":"object","properties":{"a":{}},"additionalProperties":false}`, `{"type":"object","propertyNames":{"maxLength":1}}`, true},
		{"then narrower", "7", `{"if":{"type":"string"},"then":{"minLength":1}}`, `{"if":{"type":"string"},"then":{"minLength":9}}`, false},
		{"then wider", "7", `{"if":{"type":"string"},"then":{"minLength":9}}`, `{"if":{"type":"string"},"then":{"minLength":1}}`, true},
		{"then follows from itself only", "7", `{"if":{"minLength":3},"then":{"minLength":3}}`, `{"type":["string","number"],"minLength":3}`, false},
		{"else kept", "7", `{"if":{"required":["a"]},"then":{"required":["b"]},"else":{"required":["c"]}}`, `{"if":{"required":["a"]},"else":{"required":["c"]}}`, true},
		{"else narrower", "7", `{"if":{"required":["a"]},"else":{}}`, `{"if":{"required":["a"]},"else":{"required":["c"]}}`, false},
		{"contains narrower", "7", `{"type":"array","contains":{"minimum":1}}`, `{"type":"array","contains":{"type":"number","minimum":9}}`, false},
		{"contains wider", "7", `{"type":"array","contains":{"type":"number","minimum":9}}`, `{"type":"array","contains":{"type":"number","minimum":1}}`, true},
		{"contains dropped to zero", "2020-12", `{"type":"array"}`, `{"type":"array","contains":{"type":"string"},"minContains":0}`, true},
		{"maxContains", "2020-12", `{"type":"array","contains":{"type":"string"},"maxContains":2}`, `{"type":"array","contains":{"type":"string"},"maxContains":1}`, false},
		{"patternProperties narrower", "7", `{"type":"object","patternProperties":{"^a":{"type":"number","minimum":1}}}`, `{"type":"object","patternProperties":{"^a":{"type":"number","minimum":9}}}`, false},
		{"patternProperties wider", "7", `{"type":"object","patternProperties":{"^a":{"type":"number","minimum":9}}}`, `{"type":"object","patternProperties":{"^a":{"type":"number","minimum":1}}}`, true},
		{"patternProperties new", "7", `{"type":"object"}`, `{"type":"object","patternProperties":{"^a":{"type":"number"}}}`, false},
		{"undeclared required", "7", `{"type":"object"}`, `{"type":"object","required":["b"]}`, false},
		{"undeclared required dropped", "7", `{"type":"object","required":["b"]}`, `{"type":"object"}`, true},
		{"required with default", "7", `{"type":"object","properties":{"a":{"default":1}}}`, `{"type":"object","properties":{"a":{"default":1}},"required":["a"]}`, false},
		{"empty properties", "7", `{}`, `{"properties":{}}`, true},
		{"pattern for numbers", "7", `{"type":"integer"}`, `{"type":"integer","pattern":"^a"}`, true},
		{"max as exclusive", "7", `{"type":"number","maximum":4}`, `{"type":"number","exclusiveMaximum":5}`, true},
		{"exclusive as max", "7", `{"type":"number","exclusiveMaximum":5}`, `{"type":"number","maximum":4}`, false},
		{"const into enum", "7", `{"const":"a"}`, `{"enum":["b","a"]}`, true},
		{"enum by pattern", "7", `{"enum":["a1","a2"]}`, `{"type":"string","pattern":"^a[0-9]$"}`, true},
		{"enum and a wrong value", "7", `{"type":"string","enum":["a",1]}`, `{"type":"string"}`, true},
		{"oneOf by kind", "7", `{"oneOf":[{"type":"string"},{"type":"null"}]}`, `{"oneOf":[{"type":"null"},{"type":"string"},{"type":"boolean"}]}`, true},
		{"oneOf with overlap", "7", `{"oneOf":[{"type":"string"},{"type":"null"}]}`, `{"oneOf":[{"type":"null"},{"type":"string"},{"minLength":3}]}`, false},
		{"one branch too many", "7", `{"type":"string"}`, `{"oneOf":[{"type":"string"},{"minLength":3}]}`, false},
		{"union by const", "7", `{"oneOf":[{"type":"object","required":["k"],"properties":{"k":{"const":1}}}]}`, `{"oneOf":[{"type":"object","required":["k"],"properties":{"k":{"const":1}}},{"type":"object","required":["k"],"properties":{"k":{"const":2}}}]}`, true},
		{"allOf to anyOf", "7", `{"allOf":[{"minLength":1},{"maxLength":3}]}`, `{"anyOf":[{"maxLength":3},{"type":"null"}]}`, true},
		{"allOf merged", "7", `{"allOf":[{"type":"string"},{"maxLength":3}]}`, `{"type":"string","maxLength":3}`, true},
		{"not narrower", "7", `{"not":{"type":"number"}}`, `{"not":{"type":"integer"}}`, true},
		{"not wider", "7", `{"not":{"type":"integer"}}`, `{"not":{"type":"number"}}`, false},
		{"not by type", "7", `{"type":"string"}`, `{"not":{"type":"integer"}}`, true},
		{"recursion", "7", `{"type":"object","properties":{"n":{"$ref":"#"},"v":{"type":"integer"}}}`, `{"type":"object","properties":{"n":{"$ref":"#"},"v":{"type":"number"}}}`, true},
		{"recursion narrower", "7", `{"type":"object","properties":{"n":{"$ref":"#"},"v":{"type":"number"}}}`, `{"type":"object","properties":{"n":{"$ref":"#"},"v":{"type":"integer"}}}`, false},
		{"unevaluated closed grows", "2020-12", `{"type":"object","unevaluatedProperties":false}`, `{"type":"object","properties":{"a":{"type":"string"}},"unevaluatedProperties":false}`, true},
		{"dependency by required", "7", `{"type":"object","required":["b"]}`, `{"type":"object","dependencies":{"a":["b"]}}`, true},
		{"dependency into schema", "2019-09", `{"type":"object","dependentRequired":{"a":["b"]}}`, `{"type":"object","dependentSchemas":{"a":{"required":["b"]}}}`, false},
		{"false accepts nothing", "7", `{"type":"object","required":["a"],"properties":{"a":false}}`, `{"type":"string"}`, true},
		{"tuple closed", "7", `{"type":"array","items":[{"type":"integer"}],"additionalItems":false}`, `{"type":"array","items":{"type":"number"},"maxItems":1}`, false},
		{"minProperties by required", "7", `{"type":"object","required":["a","b"]}`, `{"type":"object","minProperties":2}`, true},
		{"multipleOf of integers", "7", `{"type":"integer"}`, `{"type":"number","multipleOf":0.5}`, true},
		{"const beside $ref", "7", `{"$ref":"#/definitions/d","definitions":{"d":{"type":"string"}}}`, `{"$ref":"#/definitions/d","const":2,"definitions":{"d":{"type":"string"}}}`, true},
		{"const beside $ref, later", "2020-12", `{"$ref":"#/definitions/d","definitions":{"d":{"type":"string"}}}`, `{"$ref":"#/definitions/d","const":2,"definitions":{"d":{"type":"string"}}}`, false},
		{"date in ten characters", "7", `{"type":"string","format":"date"}`, `{"type":"string","minLength":10,"maxLength":10}`, true},
		{"date in nine characters", "7", `{"type":"string","format":"date"}`, `{"type":"string","maxLength":9}`, false},
		{"date of eleven characters", "7", `{"type":"string","format":"date"}`, `{"type":"string","minLength":11}`, false},
		{"uuid in 36 characters", "7", `{"type":"string","format":"uuid"}`, `{"type":"string","minLength":36,"maxLength":36}`, true},
		{"a wider format", "7", `{"type":"string","format":"uri"}`, `{"type":"string","format":"uri-reference"}`, true},
		{"a narrower format", "7", `{"type":"string","format":"uri-reference"}`, `{"type":"string","format":"uri"}`, false},
		{"bounds that exclude each other", "7", `{"type":"number","minimum":3,"maximum":2}`, `{"type":"string"}`, true},
		{"lengths that exclude each other", "7", `{"type":"string","minLength":3,"maxLength":2}`, `{"type":"null"}`, true},
		{"counts that exclude each other", "7", `{"type":"array","minItems":3,"maxItems":2}`, `{"type":"null"}`, true},
		{"members that exclude each other", "7", `{"type":"object","minProperties":3,"maxProperties":2}`, `{"type":"null"}`, true},
		{"bounds that leave one number", "7", `{"type":"number","minimum":2,"maximum":2}`, `{"type":"string"}`, false},
		{"else that is never asked", "7", `{"if":{},"then":{"uniqueItems":true},"else":{"const":"a"},"minItems":1}`, `{"if":{},"then":{"uniqueItems":true},"else":{"const":"a"}}`, true},
		{"else of another type", "7", `{"if":{"type":"string"},"else":{"type":"integer","minimum":3}}`, `{"if":{"type":"string"},"else":{"type":"integer","minimum":2}}`, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			old, updated := parseText(t, tt.draft, tt.old), parseText(t, tt.draft, tt.updated)
			r, err := Includes(old, updated)
			if err != nil {
				t.Fatal(err)
			}
			if r == nil {
				if v, _, _ := refute(newProof(), old, updated); v != nil || !tt.want {
					t.Errorf("called compatible; counterexample %s", v)
				}
				return
			}
			if r.Witness != nil {
				verifyWitness(t, old, updated, r)
			}
			if tt.want {
				t.Errorf("refused: %+v", *r)
			}
			t.Logf("witness %s fix %s not proven %s", r.Witness, r.Remedy, r.NotProven)
		})
	}
}

// TestSoundProperty draws pairs of schemas: what is called compatible has no counterexample, and a witness is one.
// Run it longer with -rapid.checks=100000.
func TestSoundProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := drawSchema(t, 2)
		var b any
		if rapid.Bool().Draw(t, "related") {
			b = loosen(t, loosen(t, a))
		} else {
			b = drawSchema(t, 2)
		}
		old, updated := parseDrawn(t, a), parseDrawn(t, b)
		r, err := Includes(old, updated)
		if err != nil {
			t.Fatal(err)
		}
		if r != nil {
			if r.Witness != nil {
				w, n := newChecker(old.root), newChecker(updated.root)
				var v any
				dec := json.NewDecoder(strings.NewReader(string(r.Witness)))
				dec.UseNumber()
				if dec.Decode(&v) != nil || !w.valid(v) || n.valid(v) {
					t.Fatalf("%s is no witness", r.Witness)
				}
			}
			return
		}
		w, n := newChecker(old.root), newChecker(updated.root)
		for range 10 { // documents that owe nothing to the sampler
			if v := drawDocument(t, 3); w.ok() && n.ok() && w.valid(v) && !n.valid(v) {
				t.Fatalf("%s\n-> %s\ncalled compatible, but %s is refused", encode(a), encode(b), encode(v))
			}
		}
		if v, at, _ := refute(newProof(), old, updated); v != nil {
			t.Fatalf("%s\n-> %s\ncalled compatible, but %s is refused at %s", encode(a), encode(b), v, at)
		}
	})
}

// TestWidenings wants nearly every loosened schema accepted.
func TestWidenings(t *testing.T) {
	accepted, refused := 0, 0
	defer func() { t.Logf("%d proven, %d not", accepted, refused) }()
	rapid.Check(t, func(t *rapid.T) {
		a := drawSchema(t, 2)
		b := loosen(t, a)
		if equal(a, b) {
			return
		}
		old, updated := parseDrawn(t, a), parseDrawn(t, b)
		r, err := Includes(old, updated)
		switch {
		case err != nil:
			t.Fatal(err)
		case r == nil:
			accepted++
		case r.Witness != nil:
			t.Fatalf("%s: a widening to %s was refuted by %s: the generator is wrong", encode(a), encode(b), r.Witness)
		default:
			refused++
			t.Logf("not proven: %s -> %s: %s", encode(a), encode(b), r.NotProven)
		}
	})
	// A hundred say little of one in a hundred: that is judged in long runs (-rapid.checks=10000).
	if all := accepted + refused; all >= 1000 && refused*100 > all || refused*10 > all {
		t.Errorf("%d of %d widenings were not proven", refused, accepted+refused)
	}
}

// TestSoundIsQuick wants an answer within a person's patience, also for unions of many types that contain each other.
func TestSoundIsQuick(t *testing.T) {
	for _, tt := range []struct {
		old, updated string
		want         bool
	}{
		{`{"type":"integer"}`, `{"type":"number"}`, true},
		{`{"type":"number"}`, `{"type":"integer"}`, false},
	} {
		start := used(t)
		r, err := Includes(parseText(t, "", union(12, tt.old)), parseText(t, "", union(12, tt.updated)))
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%v %+v", used(t)-start, r)
		if tt.want != (r == nil) {
			t.Errorf("accepted: %t", r == nil)
		}
		if !tt.want && (r == nil || string(r.Witness) != `{"kind":11,"v":0.5}`) {
			t.Error("no document shown")
		}
		if d := used(t) - start; d > 5*patience {
			t.Errorf("took %v", d)
		}
	}
}

// TestLarge compares large schemas: a change in the last of many properties is found and, up to a size, shown.
func TestLarge(t *testing.T) {
	many := func(n int, last string) *Document {
		var b strings.Builder
		b.WriteString(`{"type":"object","properties":{`)
		for i := range n {
			fmt.Fprintf(&b, `"thuoc_tinh_%05d":{"type":"object","properties":{"ma":{"type":"string","maxLength":12}},"required":["ma"]},`, i)
		}
		b.WriteString(`"zz":{"type":"` + last + `"}}}`)
		return parseText(t, "", b.String())
	}
	for _, tt := range []struct {
		n       int
		witness string
	}{{1500, `{"zz":0.5}`}, {8000, ""}} {
		old, updated := many(tt.n, "number"), many(tt.n, "integer")
		for _, mode := range []Mode{Strict, Sound} {
			start := used(t)
			v, err := Check(Backward, mode, updated, []*Document{old})
			if err != nil {
				t.Fatal(err)
			}
			if v.Compatible || mode == Sound && string(v.Refusals[0].Witness) != tt.witness {
				t.Errorf("%s of %d: %+v", mode, tt.n, v)
			}
			t.Log(mode, tt.n, used(t)-start)
			if d := used(t) - start; d > 5*patience {
				t.Errorf("%s of %d took %v", mode, tt.n, d)
			}
		}
	}
}
