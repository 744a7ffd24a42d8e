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
	w, n := newChecker(old.root()), newChecker(updated.root())
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
				if v, at, _ := refute(newProof(newWork(searchSteps)), old, updated); v != nil {
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
		{"an enum value that another keyword refuses", "7", `{"enum":["a","bbb"],"maxLength":2}`, `{"const":"a"}`, true},
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
		{"keywords of other types", "7", `{"type":"string"}`, `{"minimum":3,"minItems":2,"required":["a"]}`, true},
		{"names are texts", "7", `{"type":"object","propertyNames":{"maxLength":5}}`, `{"type":"object","propertyNames":{"type":"string"}}`, true},
		{"names that cannot be", "7", `{"type":"object","allOf":[{"propertyNames":{"type":"integer"}},{"propertyNames":{"maxLength":3}}]}`, `{"type":"object","propertyNames":{"maxLength":1}}`, true},
		{"type beside $ref", "7", `{"$ref":"#/definitions/d","type":"string","definitions":{"d":{}}}`, `{"type":"string"}`, false},
		{"not beside $ref", "7", `{"$ref":"#/definitions/d","not":{"type":"null"},"definitions":{"d":{}}}`, `{"not":{"type":"null"}}`, false},
		{"a length beside $ref, later", "2020-12", `{"$ref":"#/$defs/d","minLength":3,"$defs":{"d":{"type":"string"}}}`, `{"type":"string","minLength":3}`, true},
		{"what a $ref leads to", "7", `{"type":"string"}`, `{"$ref":"#/definitions/d","definitions":{"d":{"type":"string","maxLength":2}}}`, false},
		{"what a $ref leads to, narrower", "7", `{"properties":{"a":{"$ref":"#/definitions/d"}},"definitions":{"d":{"type":"number"}}}`, `{"properties":{"a":{"$ref":"#/definitions/d"}},"definitions":{"d":{"type":"integer"}}}`, false},
		{"const in draft 4 says nothing", "4", `{"const":1}`, `{"type":"integer"}`, false},
		{"const in draft 4 asks for nothing", "4", `{"type":"string"}`, `{"type":"string","const":"a"}`, true},
		{"the tightest bounds count", "7", `{"type":"string","allOf":[{"minLength":1,"maxLength":5},{"minLength":3,"maxLength":4}]}`, `{"type":"string","minLength":3,"maxLength":4}`, true},
		{"uniqueItems false", "7", `{"type":"array","uniqueItems":false}`, `{"type":"array","uniqueItems":true}`, false},
		{"uniqueItems kept", "7", `{"type":"array","uniqueItems":true,"minItems":1}`, `{"type":"array","uniqueItems":true}`, true},
		{"one item is unique", "7", `{"type":"array","maxItems":1}`, `{"type":"array","uniqueItems":true}`, true},
		{"minItems 0", "7", `{"type":"array"}`, `{"type":"array","minItems":0}`, true},
		{"a pattern that matches a name", "7", `{"patternProperties":{"^a":{"type":"integer"}}}`, `{"properties":{"a":{"type":"integer"}}}`, true},
		{"unevaluatedProperties in draft 7", "7", `{"type":"object","unevaluatedProperties":false}`, `{"type":"object","additionalProperties":false}`, false},
		{"unevaluated beside branches", "2020-12", `{"type":"object","anyOf":[{"properties":{"a":{"type":"string"}}}],"unevaluatedProperties":false}`, `{"type":"object","additionalProperties":false}`, false},
		{"unevaluated items beside branches", "2020-12", `{"type":"array","anyOf":[{"prefixItems":[{"type":"string"}]}],"unevaluatedItems":false}`, `{"type":"array","maxItems":0}`, false},
		{"unevaluated items without branches", "2020-12", `{"type":"array","prefixItems":[{"type":"string"}],"unevaluatedItems":false}`, `{"type":"array","prefixItems":[{}],"unevaluatedItems":false}`, true},
		{"branches without unevaluated items", "2020-12", `{"type":"array","maxItems":2,"minItems":1}`, `{"type":"array","anyOf":[{"minItems":1},{"type":"null"}]}`, true},
		{"unevaluated items in draft 7", "7", `{"type":"array","minItems":1}`, `{"type":"array","anyOf":[{"minItems":1}],"unevaluatedItems":false}`, true},
		{"unevaluated properties in draft 7, asked for", "7", `{"type":"object","minProperties":1}`, `{"type":"object","anyOf":[{"minProperties":1}],"unevaluatedProperties":false}`, true},
		{"branches without unevaluated properties", "2020-12", `{"type":"object","minProperties":1}`, `{"type":"object","anyOf":[{"minProperties":1},{"type":"null"}]}`, true},
		{"the same branches, unevaluated", "2020-12", `{"properties":{"a":{"anyOf":[{"properties":{"x":{}}},{"properties":{"y":{}}}],"unevaluatedProperties":false},"b":{"type":"string"}}}`, `{"properties":{"a":{"anyOf":[{"properties":{"x":{}}},{"properties":{"y":{}}}],"unevaluatedProperties":false}}}`, true},
		{"two alternatives at once", "7", `{"type":"object","allOf":[{"anyOf":[{"required":["a"]},{"required":["b"]}]},{"anyOf":[{"required":["c"]},{"required":["d"]}]}]}`, `{"anyOf":[{"required":["a","c"]},{"required":["a","d"]},{"required":["b","c"]},{"required":["b","d"]}]}`, true},
		{"both branches of anyOf may hold", "7", `{"anyOf":[{"type":"integer"},{"type":"number"}]}`, `{"not":{"type":"integer"}}`, false},
		{"if in draft 6", "6", `{"if":{"type":"string"},"then":{"maxLength":2}}`, `{"maxLength":2}`, false},
		{"if in draft 6, asked for", "6", `{"type":"string"}`, `{"type":"string","if":true,"then":{"maxLength":2}}`, true},
		{"a member that meets not anything", "7", `{"type":"object","required":["a"],"properties":{"a":{"not":{}}}}`, `{"type":"string"}`, true},
		{"a member that meets not true", "7", `{"type":"object","required":["a"],"properties":{"a":{"not":true}}}`, `{"type":"string"}`, true},
		{"a member that meets not false", "7", `{"type":"object","required":["a"],"properties":{"a":{"not":false}}}`, `{"type":"string"}`, false},
		{"a member that contradicts itself", "7", `{"type":"object","required":["a"],"properties":{"a":{"allOf":[{"maxLength":3},{"not":{"maxLength":3}}]}}}`, `{"type":"string"}`, true},
		{"a member that objects cannot have", "7", `{"type":["object","string"],"required":["a"],"properties":{"a":false}}`, `{"type":"object"}`, false},
		{"a value without an end", "7", `{"type":"object","required":["n"],"properties":{"n":{"$ref":"#"}}}`, `{"type":"object","required":["n"],"properties":{"n":{"$ref":"#"}}}`, true},
		{"into an enum", "7", `{"type":"string"}`, `{"enum":["a"]}`, false},
		{"a short list", "7", `{"type":"array","items":[{"type":"string"}],"maxItems":1}`, `{"type":"array","items":[{"type":"integer"}]}`, false},
		{"a list of three", "7", `{"type":"array","maxItems":3}`, `{"type":"array","items":{"type":"string"}}`, false},
		{"a short list without others", "7", `{"type":"array","items":[{}],"maxItems":1}`, `{"type":"array","items":[{}],"additionalItems":{"type":"string"}}`, true},
		{"contains in draft 4", "4", `{"type":"array"}`, `{"type":"array","contains":{"type":"string"}}`, true},
		{"minContains in draft 7", "7", `{"type":"array"}`, `{"type":"array","contains":{"type":"string"},"minContains":0}`, false},
		{"contains anything", "7", `{"type":"array"}`, `{"type":"array","contains":{}}`, false},
		{"minContains kept", "2020-12", `{"type":"array","contains":{"type":"string"},"minContains":2}`, `{"type":["array","null"],"contains":{"type":"string"},"minContains":2}`, true},
		{"two contains", "7", `{"type":"array","allOf":[{"contains":{"type":"string"}},{"contains":{"type":"integer"}}]}`, `{"type":"array","contains":{"type":"string"}}`, true},
		{"maxContains of something else", "2020-12", `{"type":"array","contains":{"type":"integer"},"minContains":0,"maxContains":1}`, `{"type":"array","contains":{"type":"string"},"minContains":0,"maxContains":1}`, false},
		{"contains by items", "7", `{"type":"array","items":{"type":"string"},"minItems":1}`, `{"type":"array","contains":{"type":"string"}}`, true},
		{"contains by items, maybe none", "7", `{"type":"array","items":{"type":"string"}}`, `{"type":"array","contains":{"type":"string"}}`, false},
		{"contains by other items", "7", `{"type":"array","items":{"type":"integer"},"minItems":1}`, `{"type":"array","contains":{"type":"string"}}`, false},
		{"contains by items after the first", "7", `{"type":"array","items":[{"type":"integer"}],"additionalItems":{"type":"string"},"minItems":1,"allOf":[{"minItems":1}]}`, `{"type":"array","contains":{"type":"string"}}`, false},
		{"contains beside minItems", "7", `{"type":"array","contains":{"type":"string"},"minItems":1}`, `{"type":"array","contains":{"type":"string"}}`, true},
		{"exclusive minimum as minimum", "7", `{"type":"number","exclusiveMinimum":5}`, `{"type":"number","minimum":5}`, true},
		{"a larger minimum as exclusive", "7", `{"type":"number","minimum":6}`, `{"type":"number","exclusiveMinimum":5}`, true},
		{"the same minimum as exclusive", "7", `{"type":"number","minimum":5}`, `{"type":"number","exclusiveMinimum":5}`, false},
		{"exclusive maximum as maximum", "7", `{"type":"number","exclusiveMaximum":5}`, `{"type":"number","maximum":5}`, true},
		{"the same maximum as exclusive", "7", `{"type":"number","maximum":5}`, `{"type":"number","exclusiveMaximum":5}`, false},
		{"multipleOf of numbers", "7", `{"type":"number"}`, `{"type":"number","multipleOf":1}`, false},
		{"multipleOf 2 of integers", "7", `{"type":"integer"}`, `{"type":"integer","multipleOf":2}`, false},
		{"minLength 0", "7", `{"type":"string"}`, `{"type":"string","minLength":0}`, true},
		{"pattern kept", "7", `{"type":"string","pattern":"^a","minLength":3}`, `{"type":"string","pattern":"^a"}`, true},
		{"maxProperties of a closed object", "7", `{"type":"object","properties":{"a":{}},"additionalProperties":false}`, `{"type":"object","maxProperties":1}`, true},
		{"maxProperties of a closed object with more", "7", `{"type":"object","properties":{"a":{},"b":{}},"additionalProperties":false}`, `{"type":"object","maxProperties":1}`, false},
		{"maxProperties of an open object", "7", `{"type":"object","properties":{"a":{}}}`, `{"type":"object","maxProperties":1}`, false},
		{"maxProperties of an object with a pattern", "7", `{"type":"object","properties":{"a":{}},"patternProperties":{"^b":{}},"additionalProperties":false}`, `{"type":"object","maxProperties":1}`, false},
		{"minProperties 0", "7", `{"type":"object"}`, `{"type":"object","minProperties":0}`, true},
		{"additional ones beside declared ones", "7", `{"type":"object","properties":{"a":{"type":"string","maxLength":3}},"additionalProperties":{"type":"integer"}}`, `{"type":"object","properties":{"a":{"type":"string"}},"additionalProperties":{"type":"number"}}`, true},
		{"additional ones beside a pattern", "7", `{"type":"object","properties":{"b1":{"type":"string"}},"patternProperties":{"^b":{"type":"string"}},"additionalProperties":{"type":"integer"}}`, `{"type":"object","patternProperties":{"^b":{"type":"string"}},"additionalProperties":{"type":"number"}}`, true},
		{"a declared one among additional ones", "7", `{"type":"object","properties":{"c":{"type":"integer"}},"additionalProperties":{"type":"integer"}}`, `{"type":"object","additionalProperties":{"type":"number"}}`, true},
		{"a pattern among additional ones", "7", `{"type":"object","patternProperties":{"^b":{"type":"integer"}},"additionalProperties":{"type":"integer"}}`, `{"type":"object","additionalProperties":{"type":"number"}}`, true},
		{"a declared one that a pattern judges", "7", `{"type":"object","properties":{"ab":{"type":"string"}},"additionalProperties":false}`, `{"type":"object","patternProperties":{"^a":{"type":"integer"}}}`, false},
		{"propertyNames in draft 4", "4", `{"type":"object"}`, `{"type":"object","propertyNames":{"maxLength":1}}`, true},
		{"propertyNames of an open object", "7", `{"type":"object","properties":{"a":{}}}`, `{"type":"object","propertyNames":{"maxLength":1}}`, false},
		{"propertyNames of a closed object with a long one", "7", `{"type":"object","properties":{"a":{},"bbb":{}},"additionalProperties":false}`, `{"type":"object","propertyNames":{"maxLength":1}}`, false},
		{"propertyNames of a closed object with a forbidden one", "7", `{"type":"object","properties":{"a":{},"bbb":false},"additionalProperties":false}`, `{"type":"object","propertyNames":{"maxLength":1}}`, true},
		{"propertyNames that are no texts", "7", `{"type":"object","propertyNames":{"enum":["a",5]}}`, `{"type":"object","propertyNames":{"maxLength":1,"type":"string"}}`, true},
		{"a dependency of what cannot be", "7", `{"type":"object","properties":{"a":{}},"additionalProperties":false}`, `{"type":"object","dependencies":{"b":["c"]}}`, true},
		{"a dependency on itself", "7", `{"type":"object"}`, `{"type":"object","dependencies":{"a":["a"]}}`, true},
		{"no branch of oneOf", "7", `{"type":"string"}`, `{"oneOf":[{"type":"integer"},{"type":"null"}]}`, false},
		{"a part of a branch of oneOf", "7", `{"type":"string"}`, `{"oneOf":[{"type":"string","maxLength":2},{"type":"null"}]}`, false},
		{"then without if", "7", `{"type":"string"}`, `{"type":"string","then":{"maxLength":2},"else":{"minLength":2}}`, true},
		{"a declared one beside a pattern", "7", `{"type":"object","properties":{"c":{"type":"string"}},"additionalProperties":{"type":"integer"}}`, `{"type":"object","patternProperties":{"^a":{"type":"integer"}}}`, true},
		{"a declared one that becomes an additional one", "7", `{"type":"object","properties":{"c":{"type":"string"}},"additionalProperties":{"type":"integer"}}`, `{"type":"object","patternProperties":{"^a":{}},"additionalProperties":{"type":"integer"}}`, false},
		{"branches of oneOf in another order", "7", `{"oneOf":[{"type":"string","minLength":2},{"type":"string","maxLength":5}]}`, `{"oneOf":[{"type":"string","maxLength":5},{"type":"string","minLength":2}]}`, true},
		{"not null", "7", `{"not":{"type":"null"}}`, `{"type":"string"}`, false},
		{"enum beside const in draft 4", "4", `{"enum":["a","b"],"const":"a"}`, `{"enum":["a"]}`, false},
		{"null or boolean", "7", `{"type":["null","boolean"]}`, `{"type":"boolean"}`, false},
		{"boolean or null", "7", `{"type":["null","boolean"]}`, `{"type":"null"}`, false},
		{"a pattern that may match", "7", `{"type":"object","patternProperties":{"(a{1,900}){1,900}":{}},"additionalProperties":{"type":"string"}}`, `{"type":"object","properties":{"x":{"type":"string"}}}`, false},
		{"items before unevaluated ones", "2020-12", `{"type":"array","items":{"type":"string"},"unevaluatedItems":false}`, `{"type":"array","items":{"type":"integer"}}`, false},
		{"unevaluated items in draft 7, known", "7", `{"type":"array","unevaluatedItems":{"type":"string"}}`, `{"type":"array","items":{"type":"string"}}`, false},
		{"unevaluated items after branches", "2020-12", `{"type":"array","anyOf":[{"prefixItems":[{"type":"integer"}]}],"unevaluatedItems":{"type":"string"}}`, `{"type":"array","items":{"type":"string"}}`, false},
		{"else of another type", "7", `{"if":{"type":"string"},"else":{"type":"integer","minimum":3}}`, `{"if":{"type":"string"},"else":{"type":"integer","minimum":2}}`, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			old, updated := parseText(t, tt.draft, tt.old), parseText(t, tt.draft, tt.updated)
			r, err := Includes(old, updated)
			if err != nil {
				t.Fatal(err)
			}
			if r == nil {
				if v, _, _ := refute(newProof(newWork(searchSteps)), old, updated); v != nil || !tt.want {
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

// TestEvaluateKnows tells what is refused from what cannot be told, and where it is refused.
func TestEvaluateKnows(t *testing.T) {
	large := strings.Repeat("a{1000}", 10)
	for _, tt := range []struct{ draft, schema, document, want string }{
		{"7", `{"format":"regex"}`, `"("`, "#/format"},
		{"7", `{"format":"regex"}`, `"a"`, "accepted"},
		{"7", `{"format":"regex"}`, `"` + large + `"`, "unknown"},
		{"7", `{"pattern":"` + large + `"}`, `"a"`, "unknown"},
		{"7", `{"pattern":"` + large + `"}`, `1`, "accepted"},
		{"7", `{"patternProperties":{"` + large + `":{}}}`, `{"a":1}`, "unknown"},
		{"7", `{"x-danh-muc":"la"}`, `"a"`, "unknown"},
		{"7", `{"x-danh-muc":"la"}`, `null`, "accepted"},
		{"4", `{"type":"integer"}`, `1.0`, "unknown"},
		{"4", `{"type":"integer"}`, `1`, "accepted"},
		{"4", `{"type":"integer"}`, `0`, "accepted"},
		{"7", `{"type":"integer"}`, `1.0`, "accepted"},
		{"7", `{"type":"integer"}`, `1e999`, "unknown"},
		{"7", `{"type":"string"}`, `1e999`, "#/type"},
		{"7", `{"minimum":3}`, `1e999`, "unknown"},
		{"7", `{"title":"x"}`, `1e999`, "accepted"},
		{"7", `{"const":1e999}`, `1.5`, "unknown"},
		{"7", `{"const":1.5}`, `1e999`, "unknown"},
		{"7", `{"const":1}`, `"a"`, "#/const"},
		{"7", `{"properties":{"a":{"$ref":"#/definitions/d"}},"definitions":{"d":{"maxLength":2}}}`, `{"a":"aaa"}`, "#/definitions/d/maxLength"},
		{"7", `{"anyOf":[{"type":"string"},{"minimum":3}]}`, `1`, "#/anyOf"},
		{"7", `{"oneOf":[{"type":"string"},{"minimum":3}]}`, `1`, "#/oneOf"},
		{"7", `{"oneOf":[{"type":"string"},{}]}`, `"a"`, "#/oneOf"},
		{"7", `{"not":{"allOf":[{"minimum":1}]}}`, `1`, "#/not"},
		{"7", `{"contains":{"type":"string"}}`, `[1]`, "#/contains"},
		{"7", `{"if":{"type":"string"},"then":{"maxLength":2}}`, `"aaa"`, "#/then/maxLength"},
		{"7", `{"if":{"type":"string"},"else":{"minimum":2}}`, `1`, "#/else/minimum"},
		{"7", `{"additionalProperties":false}`, `{"a":1}`, "#/additionalProperties"},
		{"7", `{"propertyNames":{"maxLength":1}}`, `{"ab":1}`, "#/propertyNames/maxLength"},
		{"7", `{"dependencies":{"a/b":["c"]}}`, `{"a/b":1}`, "#/dependencies/a~1b"},
		{"7", `{"required":["a"]}`, `{}`, "#/required"},
		{"7", `{"items":[{"enum":["a"]}]}`, `["b"]`, "#/items/0/enum"},
		{"7", `{"uniqueItems":true}`, `[1,1.0]`, "#/uniqueItems"},
		{"2020-12", `{"unevaluatedProperties":false}`, `{"a":1}`, "#/unevaluatedProperties"},
	} {
		d := parseText(t, tt.draft, tt.schema)
		var v any
		dec := json.NewDecoder(strings.NewReader(tt.document))
		dec.UseNumber()
		if err := dec.Decode(&v); err != nil {
			t.Fatal(err)
		}
		e, got := evaluation{work: newWork(searchSteps)}, "unknown"
		if e.accepts(d.root(), v) {
			got = "accepted"
		} else if e.refuses(d.root(), v) {
			got = e.refusedAt(d.root(), v)
		}
		if got != tt.want {
			t.Errorf("draft %s %.80s: %s: %s, want %s", tt.draft, tt.schema, tt.document, got, tt.want)
		}
	}
}

// TestSoundAcrossDrafts compares versions of two drafts: 1.0 is an integer from draft 6 on, to draft 4 it need not be one.
func TestSoundAcrossDrafts(t *testing.T) {
	four, seven := schemaURI["4"], schemaURI["7"]
	parse := func(draft, members string, references map[string][]byte) *Document {
		d, err := Parse([]byte(`{"$schema":"`+draft+`",`+members+`}`), references)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	number := map[string][]byte{"four.json": []byte(`{"$schema":"` + four + `","type":"number"}`)}
	for _, tt := range []struct {
		name         string
		old, updated *Document
		want         bool
		shown        string
	}{
		{"integer of 7 to 4", parse(seven, `"type":"integer"`, nil), parse(four, `"type":"integer"`, nil), false, ""},
		{"integer of 4 to 7", parse(four, `"type":"integer"`, nil), parse(seven, `"type":"integer"`, nil), true, ""},
		{"integer of 4 to 4", parse(four, `"type":"integer","minimum":3`, nil), parse(four, `"type":"integer"`, nil), true, ""},
		{"integer of 7 to number of 4", parse(seven, `"type":"integer"`, nil), parse(four, `"type":"number"`, nil), true, ""},
		{"text of 7 to integer or text of 4", parse(seven, `"type":"string"`, nil), parse(four, `"type":["integer","string"]`, nil), true, ""},
		{"the same words inside", parse(seven, `"properties":{"a":{"type":"integer"}}`, nil), parse(four, `"properties":{"a":{"type":"integer"}}`, nil), false, ""},
		{"integer of 7 and number of 4 to integer of 4", parse(seven, `"type":"integer","allOf":[{"$ref":"four.json"}]`, number), parse(four, `"type":"integer"`, nil), false, ""},
		{"contains of 4", parse(four, `"type":"array","contains":{"type":"string"}`, nil), parse(seven, `"type":"array","contains":{"type":"string"}`, nil), false, `[]`},
		{"propertyNames of 4", parse(four, `"type":"object","propertyNames":{"maxLength":1}`, nil), parse(seven, `"type":"object","propertyNames":{"maxLength":1}`, nil), false, `{"khac":0}`},
		{"a format", parse(seven, `"type":"string","format":"uri"`, nil), parse(schemaURI["2020-12"], `"type":"string","format":"uri"`, nil), false, ""},
		{"a wider format", parse(seven, `"type":"string","format":"uri"`, nil), parse(schemaURI["2020-12"], `"type":"string","format":"uri-reference"`, nil), false, ""},
	} {
		r, err := Includes(tt.old, tt.updated)
		if err != nil || (r == nil) != tt.want || r != nil && string(r.Witness) != tt.shown {
			t.Errorf("%s: %+v, %v", tt.name, r, err)
		}
	}
}

// TestEvaluate holds evaluation to the validator, for the schemas of all rows.
func TestEvaluate(t *testing.T) {
	var documents []any
	for _, text := range []string{
		`null`, `true`, `0`, `-0`, `1`, `1.0`, `2`, `5`, `6`, `9`, `0.5`, `2.5`, `-1`, `""`, `"a"`, `"b"`, `"ab"`, `"aaaaaaaaaa"`, `"2024-02-29"`, `"192.0.2.1"`, `"("`, `"01"`, `"03"`,
		`[]`, `["a"]`, `[1]`, `["a","a"]`, `["a",1]`, `[1,"a"]`, `[1,1.0]`, `[1,2,3]`, `[null,{},[]]`, `[["a"],["a"]]`, `[{"a":1},{"a":1.0}]`, `["a","b","c","d","e"]`,
		`{}`, `{"a":1}`, `{"a":"a"}`, `{"b":1}`, `{"a":1,"b":2}`, `{"a":"x","b":"y","c":"z"}`, `{"a":{"a":1}}`, `{"a":[1]}`, `{"khac":0}`, `{"a":null}`, `{"b":null}`, `{"x":0.5}`, `{"v":0.5}`, `{"ab":"a"}`, `{"k":1}`, `{"n":{"v":"a"}}`,
	} {
		var v any
		dec := json.NewDecoder(strings.NewReader(text))
		dec.UseNumber()
		if err := dec.Decode(&v); err != nil {
			t.Fatal(err)
		}
		documents = append(documents, v)
	}
	e := evaluation{work: newWork(1 << 40)}
	judged, unsure := 0, 0
	judge := func(draft, text string) {
		d := parseText(t, draft, text)
		c := newChecker(d.root())
		if !c.ok() {
			return
		}
		for _, v := range documents {
			e.unsure = false
			accepted := e.holds(d.root(), v, nil)
			if judged++; e.unsure {
				unsure++
			} else if accepted != c.valid(v) {
				t.Errorf("draft %s %s: %s accepted: %t, by the validator: %t", draft, text, encode(v), accepted, !accepted)
			}
		}
	}
	for _, r := range rows(t) {
		judge(r.draft, r.old)
		judge(r.draft, r.updated)
	}
	for _, text := range []string{
		`{"$ref":"#/$defs/d","minLength":2,"$defs":{"d":{"type":"string"}}}`, `{"dependentSchemas":{"a":{"properties":{"b":{"type":"integer"}}}},"unevaluatedProperties":false}`,
		`{"if":{"properties":{"a":{"type":"integer"}},"required":["a"]},"then":{"properties":{"b":{}}},"unevaluatedProperties":false}`,
		`{"anyOf":[{"properties":{"a":{}}},{"properties":{"b":{}}}],"unevaluatedProperties":{"type":"integer"}}`, `{"oneOf":[{"required":["a"],"properties":{"a":{}}},{"required":["b"]}],"unevaluatedProperties":false}`,
		`{"allOf":[{"patternProperties":{"^a":{}}}],"unevaluatedProperties":false}`, `{"allOf":[{"additionalProperties":{"type":"integer"}}],"unevaluatedProperties":false}`,
		`{"prefixItems":[{"type":"integer"}],"contains":{"type":"string"},"unevaluatedItems":false}`, `{"allOf":[{"items":{"type":"string"}}],"unevaluatedItems":false}`,
		`{"allOf":[{"unevaluatedProperties":{"type":"integer"}}],"unevaluatedProperties":false}`, `{"allOf":[{"unevaluatedItems":{"type":"string"}}],"unevaluatedItems":false}`,
		`{"not":{"properties":{"a":{}},"required":["a"]},"unevaluatedProperties":false}`, `{"$ref":"#/$defs/d","$defs":{"d":{"properties":{"a":{}}}},"unevaluatedProperties":false}`,
		`{"contains":{"type":"string"},"minContains":0}`, `{"contains":{"type":"string"},"minContains":2}`, `{"contains":{"type":"string"},"maxContains":1}`, `{"contains":{"type":"string"},"minContains":0,"maxContains":0}`,
		`{"dependentRequired":{"a":["b"]}}`, `{"dependencies":{"a":["b"],"b":{"maxProperties":2}}}`, `{"uniqueItems":true}`, `{"enum":[1,[1,1.0],{"a":1},"a",null,true]}`, `{"enum":[0,1,2,3,4,5,6,7,8,[],{"a":1.0}]}`,
		`{"anyOf":[{"properties":{"a":{}},"not":{}},{}],"unevaluatedProperties":false}`, `{"anyOf":[{"required":["a"]},{"required":["zz"]}],"unevaluatedProperties":true}`,
		`{"anyOf":[{"properties":{"a":{}}},{"properties":{"b":{}}}],"unevaluatedProperties":false}`, `{"const":""}`, `{"const":0}`, `{"const":true}`, `{"const":false}`, `{"const":1}`, `{"const":[]}`, `{"const":{}}`, `{"const":{"a":null}}`,
		`{"const":{"a":1}}`, `{"const":[1,1]}`, `{"const":null}`, `{"format":"regex"}`, `{"format":"date"}`, `{"format":"khong-co"}`, `{"type":["integer","null"]}`, `{"exclusiveMinimum":1,"exclusiveMaximum":6}`, `{"multipleOf":0.5}`, `{"multipleOf":2}`,
		`{"propertyNames":{"pattern":"^a"}}`, `{"patternProperties":{"^a":{"type":"integer"},"b$":{"type":"string"}},"additionalProperties":false}`, `{"if":{"type":"string"},"then":{"maxLength":1},"else":{"type":"array"}}`,
		`{"oneOf":[{"type":"integer"},{"type":"number"},{"minLength":1}]}`, `{"oneOf":[{"type":"string"}]}`, `{"minProperties":1,"maxProperties":2}`, `{"minItems":1,"maxItems":2}`, `{"minLength":1,"maxLength":2,"pattern":"a"}`,
	} {
		for draft := range schemaURI {
			judge(draft, text)
		}
	}
	if t.Logf("%d judged, %d unsure", judged, unsure); unsure*20 > judged {
		t.Error("too much is left open")
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
				w, n := newChecker(old.root()), newChecker(updated.root())
				var v any
				dec := json.NewDecoder(strings.NewReader(string(r.Witness)))
				dec.UseNumber()
				if dec.Decode(&v) != nil || !w.valid(v) || n.valid(v) {
					t.Fatalf("%s is no witness", r.Witness)
				}
			}
			return
		}
		w, n := newChecker(old.root()), newChecker(updated.root())
		for range 10 { // documents that owe nothing to the sampler
			if v := drawDocument(t, 3); w.ok() && n.ok() && w.valid(v) && !n.valid(v) {
				t.Fatalf("%s\n-> %s\ncalled compatible, but %s is refused", encode(a), encode(b), encode(v))
			}
		}
		if v, at, _ := refute(newProof(newWork(searchSteps)), old, updated); v != nil {
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
	}{{1500, `{"zz":0.5}`}, {8000, `{"zz":0.5}`}} {
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
