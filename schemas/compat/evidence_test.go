package compat

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	santhosh "github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/xeipuuv/gojsonschema"
	"pgregory.net/rapid"
)

// dialects are all drafts with their keywords.
func dialects() []dialect {
	four := []string{
		"type", "minLength", "maxLength", "pattern", "format", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum",
		"multipleOf", "minItems", "maxItems", "uniqueItems", "items", "additionalItems", "minProperties", "maxProperties",
		"required", "properties", "patternProperties", "additionalProperties", "dependencies", "enum", "allOf", "anyOf",
		"oneOf", "not", "$ref",
	}
	without := func(list []string, leave ...string) []string {
		return slices.DeleteFunc(slices.Clone(list), func(k string) bool { return slices.Contains(leave, k) })
	}
	six := append(slices.Clone(four), "contains", "propertyNames", "const")
	seven := append(slices.Clone(six), "if", codesKeyword)
	y2019 := append(without(seven, "dependencies"), "dependentRequired", "dependentSchemas", "minContains", "maxContains", "unevaluatedItems", "unevaluatedProperties")
	y2020 := append(without(y2019, "additionalItems"), "prefixItems")
	return []dialect{{"4", four}, {"6", six}, {"7", seven}, {"2019-09", y2019}, {"2020-12", y2020}}
}

// oracle judges documents and owes nothing to the code under test: gojsonschema for the drafts that it knows, and for the
// others a schema compiled from its text, code lists written out as enums.
type oracle struct {
	old *gojsonschema.Schema
	new *santhosh.Schema
}

func newOracle(draft string, schema any) (o oracle, err error) {
	older := draft == "4" || draft == "6" || draft == "7"
	schema = spelledOut(schema, older)
	if older {
		if o.old, err = gojsonschema.NewSchema(gojsonschema.NewGoLoader(schema)); err == nil {
			return o, nil // it refuses some schemas that are odd and valid, such as a minimum above the maximum
		}
	}
	c := santhosh.NewCompiler()
	c.AssertFormat()
	if err = c.AddResource("urn:o", schema); err == nil {
		o.new, err = c.Compile("urn:o")
	}
	return o, err
}

func (o oracle) valid(v any) bool {
	if o.old != nil {
		r, err := o.old.Validate(gojsonschema.NewGoLoader(v))
		return err == nil && r.Valid()
	}
	return o.new.Validate(v) == nil
}

// spelledOut writes code lists as enums and, for the older drafts, leaves out what stands beside a $ref: they ignore it, and
// not all validators do.
func spelledOut(v any, older bool) any {
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for k, inner := range v {
			if _, alone := v["$ref"].(string); !alone || !older || k == "$ref" || k == "$schema" || k == "definitions" {
				out[k] = spelledOut(inner, older)
			}
		}
		if l := (&set{world: World{Codes: lists}, lists: map[string]*codeList{}}).listOf(v); l != nil && (out["$ref"] == nil || !older) {
			every, _ := out["allOf"].([]any)
			codes := []any{map[string]any{"not": map[string]any{"type": "string"}}, map[string]any{"enum": anyOf(l.codes)}}
			out["allOf"] = append(slices.Clone(every), map[string]any{"anyOf": codes})
		}
		return out
	case []any:
		out := make([]any, 0, len(v))
		for _, e := range v {
			out = append(out, spelledOut(e, older))
		}
		return out
	}
	return v
}

// tally is what was tried about a keyword.
type tally struct{ checks, accepted, compatible, refused, unproven int }

// evidence is what a run found.
type evidence struct {
	keywords                map[string]*tally
	checks, pairs           int
	widened, proven, differ int
}

// drawnPair is a drawn pair of schemas with documents.
type drawnPair struct {
	old, updated any
	widening     bool
	documents    []any
}

func drawPair(d dialect, keyword string) *rapid.Generator[drawnPair] {
	return rapid.Custom(func(t *rapid.T) drawnPair {
		root := func() any {
			m := clone(d.draw(t, 2, keyword).(map[string]any))
			m["$schema"] = schemaURI[d.draft]
			m["definitions"] = map[string]any{"d": map[string]any{"type": []any{"string", "null"}, "maxLength": json.Number("2")}}
			return m
		}
		p := drawnPair{old: root()}
		switch rapid.IntRange(0, 3).Draw(t, "relation") {
		case 0:
			p.updated = root()
		case 1: // the other way round
			p.updated = p.old
			p.old = loosen(t, loosen(t, p.old))
		default:
			p.updated, p.widening = loosen(t, p.old), true
		}
		for range 10 {
			p.documents = append(p.documents, drawDocument(t, 3))
		}
		return p
	})
}

// ofTexts keeps a format of gojsonschema from judging numbers.
type ofTexts struct{ gojsonschema.FormatChecker }

func (f ofTexts) IsFormat(v any) bool {
	_, isText := v.(string)
	return !isText || f.FormatChecker.IsFormat(v)
}

// TestEvidence holds sound to generated schemas and documents, as many as TRUC_COMPAT_CHECKS says: `make compat-check
// N=100000`. Where it fails it names the seed; TRUC_COMPAT_SEED=n begins there.
func TestEvidence(t *testing.T) {
	checks, seed := 2500, 1
	for name, n := range map[string]*int{"TRUC_COMPAT_CHECKS": &checks, "TRUC_COMPAT_SEED": &seed} {
		if text := os.Getenv(name); text != "" {
			var err error
			if *n, err = strconv.Atoi(text); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
	}
	for name, matches := range map[string]gojsonschema.FormatChecker{"date": gojsonschema.DateFormatChecker{}, "ipv4": gojsonschema.IPV4FormatChecker{}} {
		gojsonschema.FormatCheckers.Add(name, ofTexts{matches})
	}
	e := evidence{keywords: map[string]*tally{}}
	for ; e.checks < checks; seed++ {
		all := dialects()
		d := all[seed%len(all)]
		e.try(t, seed, d, drawPair(d, d.keywords[seed/len(all)%len(d.keywords)]).Example(seed))
	}
	t.Logf("\n%s", e.report())
	if os.Getenv("TRUC_COMPAT_KEEP") != "" && !t.Failed() {
		if err := os.WriteFile("testdata/evidence.md", []byte(e.report()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, k := range sortedKeys(e.keywords) {
		n := e.keywords[k]
		if checks >= 100_000 && n.checks < checks/100 {
			t.Errorf("%s was in %d checks only, of %d", k, n.checks, checks)
		}
	}
	for _, d := range dialects() {
		for _, k := range d.keywords {
			if checks >= 2500 && e.keywords[k] == nil {
				t.Errorf("%s was never tried", k)
			}
		}
	}
	if e.widened > 500 && e.proven*100 < e.widened*99 {
		t.Errorf("%d of %d widenings were accepted", e.proven, e.widened)
	}
	if e.differ*50 > e.checks {
		t.Errorf("the validators differed about %d of %d documents", e.differ, e.checks)
	}
}

// report is what the page shows.
func (e *evidence) report() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d checks of %d pairs of schemas, no false verdict. %d of %d generated widenings were accepted. The validators disagreed on\n%d documents; then both had to bear the verdict out.\n\n", e.checks, e.pairs, e.proven, e.widened, e.differ)
	b.WriteString("| Keyword | Checks | of them accepted by the old version | Pairs called compatible | refused by a document | not proven |\n|---|---|---|---|---|---|\n")
	for _, k := range sortedKeys(e.keywords) {
		n := e.keywords[k]
		fmt.Fprintf(&b, "| `%s` | %d | %d | %d | %d | %d |\n", k, n.checks, n.accepted, n.compatible, n.refused, n.unproven)
	}
	return b.String()
}

func (e *evidence) try(t *testing.T, seed int, d dialect, p drawnPair) {
	t.Helper()
	fail := func(format string, args ...any) {
		t.Helper()
		t.Fatalf("TRUC_COMPAT_SEED=%d: %s\n%s\n-> %s", seed, fmt.Sprintf(format, args...), encode(p.old), encode(p.updated))
	}
	var documents [2]*Document
	var oracles [2]oracle
	for i, schema := range []any{p.old, p.updated} {
		var err error
		if documents[i], err = (World{Codes: lists}).Parse(encode(schema)); err != nil {
			fail("%v", err)
		}
		if oracles[i], err = newOracle(d.draft, schema); err != nil {
			fail("oracle: %v", err)
		}
	}
	r, err := Includes(documents[0], documents[1])
	if err != nil {
		fail("%v", err)
	}
	e.pairs++
	var about []*tally
	known := append(slices.Clone(dialects()[3].keywords), "dependencies", "prefixItems")
	used := map[string]bool{}
	keywordsIn(p.old, used)
	keywordsIn(p.updated, used)
	for k := range used {
		if !slices.Contains(known, k) {
			continue // the name of a property
		}
		if e.keywords[k] == nil {
			e.keywords[k] = &tally{}
		}
		about = append(about, e.keywords[k])
	}
	if p.widening && !equal(p.old, p.updated) {
		if e.widened++; r == nil {
			e.proven++
		}
	}
	documentsToTry := p.documents
	if r != nil && r.Witness != nil {
		var v any
		dec := json.NewDecoder(strings.NewReader(string(r.Witness)))
		dec.UseNumber()
		if err := dec.Decode(&v); err != nil {
			fail("%v", err)
		}
		documentsToTry = []any{v}
	}
	own := evaluation{work: newWork(allSteps)}
	for _, v := range documentsToTry {
		before, after := oracles[0].valid(v), oracles[1].valid(v)
		e.checks++
		for _, n := range about {
			if n.checks++; before {
				n.accepted++
			}
		}
		if ours, theirs := own.accepts(documents[0].root(), v), own.accepts(documents[1].root(), v); before != ours || after != theirs {
			// A matter between validators, not of versions (1.0 as an integer): either must bear the verdict out.
			if e.differ++; e.differ <= 3 {
				t.Logf("the validators differ about %s in draft %s: %s -> %s", encode(v), d.draft, encode(p.old), encode(p.updated))
			}
			if before && !after && r == nil {
				fail("called compatible, but one validator refuses %s", encode(v))
			}
			before, after = ours, theirs
		}
		switch {
		case r == nil && before && !after:
			fail("called compatible, but %s is refused", encode(v))
		case r != nil && r.Witness != nil && (!before || after):
			fail("%s is no witness", encode(v))
		case p.widening && before && !after:
			fail("%s: the widening is none", encode(v))
		}
	}
	for _, n := range about {
		switch {
		case r == nil:
			n.compatible++
		case r.Witness != nil:
			n.refused++
		default:
			n.unproven++
		}
	}
}

// keywordsIn notes the keywords of a drawn schema.
func keywordsIn(v any, used map[string]bool) {
	m, isObject := v.(map[string]any)
	if !isObject {
		return
	}
	for k, inner := range m {
		switch k {
		case "$schema", "definitions", "then", "else":
		default:
			used[k] = true
		}
		switch inner := inner.(type) {
		case []any:
			for _, e := range inner {
				keywordsIn(e, used)
			}
		case map[string]any:
			if slices.Contains(schemaMaps, k) && k != "definitions" {
				for _, e := range inner {
					keywordsIn(e, used)
				}
			} else if k != "const" && k != codesKeyword && k != "definitions" {
				keywordsIn(inner, used)
			}
		}
	}
}
