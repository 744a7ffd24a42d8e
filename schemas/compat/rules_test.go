package compat

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// patience is how long an answer may take; the tests, which count processor time, allow some times that, for slow machines.
const patience = time.Second

//go:embed testdata/rules.txt
var rulesText string

// row is a case of the rule table.
type row struct {
	section, rule string
	compatible    bool
	draft         string
	old, updated  string
}

func rows(t testing.TB) []row {
	t.Helper()
	var out []row
	section := ""
	for line := range strings.SplitSeq(strings.TrimSpace(rulesText), "\n") {
		if title, comment := strings.CutPrefix(line, "# "); comment {
			section = title
			continue
		}
		cells := strings.Split(line, " | ")
		if len(cells) != 5 {
			t.Fatalf("%d cells, want 5: %s", len(cells), line)
		}
		out = append(out, row{section, cells[0], cells[1] == "ok", cells[2], cells[3], cells[4]})
	}
	return out
}

var schemaURI = map[string]string{
	"4": "http://json-schema.org/draft-04/schema#", "6": "http://json-schema.org/draft-06/schema#",
	"7": "http://json-schema.org/draft-07/schema#", "2019-09": "https://json-schema.org/draft/2019-09/schema",
	"2020-12": "https://json-schema.org/draft/2020-12/schema",
}

func parseText(t testing.TB, draft, text string) *Document {
	t.Helper()
	if members, isObject := strings.CutPrefix(text, "{"); isObject && draft != "" {
		comma := ","
		if members == "}" {
			comma = ""
		}
		text = fmt.Sprintf(`{"$schema":%q%s%s`, schemaURI[draft], comma, members)
	}
	d, err := Parse([]byte(text), nil)
	if err != nil {
		t.Fatalf("parse %s: %v", text, err)
	}
	return d
}

// TestRules holds strict to the table, row by row.
func TestRules(t *testing.T) {
	for i, r := range rows(t) {
		t.Run(fmt.Sprintf("%d %s", i, r.rule), func(t *testing.T) {
			old, updated := parseText(t, r.draft, r.old), parseText(t, r.draft, r.updated)
			differences, err := Diff(old, updated)
			if err != nil {
				t.Fatal(err)
			}
			compatible := !slices.ContainsFunc(differences, func(d Difference) bool { return !d.Compatible })
			name, absent := strings.CutPrefix(r.rule, "-")
			found := slices.ContainsFunc(differences, func(d Difference) bool { return string(d.Rule) == name })
			if compatible != r.compatible || found == absent {
				t.Errorf("%s\n-> %s\ngot compatible=%t %v", r.old, r.updated, compatible, differences)
			}
			for _, d := range differences {
				if _, known := ruleTable()[d.Rule]; !known {
					t.Errorf("rule %s is not in the table", d.Rule)
				}
				if d.Compatible != d.Fix().Empty() {
					t.Errorf("%s: a refusal, and only a refusal, says what would pass", d.Rule)
				}
			}
		})
	}
}

// TestDifferences holds all that Diff says of each row, in both directions, to testdata/differences.txt; -update writes it.
func TestDifferences(t *testing.T) {
	const golden = "testdata/differences.txt"
	var b strings.Builder
	for i, r := range rows(t) {
		old, updated := parseText(t, r.draft, r.old), parseText(t, r.draft, r.updated)
		for _, pair := range [][2]*Document{{old, updated}, {updated, old}} {
			differences, err := Diff(pair[0], pair[1])
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(&b, "%d:", i)
			for _, d := range differences {
				fmt.Fprintf(&b, " %s %s", d.Rule, d.Pointer)
			}
			b.WriteByte('\n')
		}
	}
	if *update {
		if err := os.WriteFile(golden, []byte(b.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	then, now := strings.Split(string(have), "\n"), strings.Split(b.String(), "\n")
	for i := range now {
		if i >= len(then) || then[i] != now[i] {
			t.Fatalf("%s line %d\nhas %s\nnow %s", golden, i+1, then[min(i, len(then)-1)], now[i])
		}
	}
}

// TestEveryRuleHasARow fails for a rule that no row shows.
func TestEveryRuleHasARow(t *testing.T) {
	shown := map[Rule]bool{}
	for _, r := range rows(t) {
		shown[Rule(r.rule)] = true
	}
	for _, name := range slices.Sorted(maps.Keys(ruleTable())) {
		if !shown[name] {
			t.Errorf("no row for %s", name)
		}
	}
}

// TestManyDifferences: a difference is found behind more compatible ones than are listed.
func TestManyDifferences(t *testing.T) {
	schema := func(title, last string) string {
		return text(t, obj{"properties": obj{"a": obj{"properties": members(1200, "p%d", func(int) any { return obj{"title": title} })}, "z": obj{"type": last}}})
	}
	differences, err := Diff(parseText(t, "", schema("A", "number")), parseText(t, "", schema("B", "integer")))
	if err != nil || !slices.Contains(differences, Difference{Rule: "TYPE_NARROWED", Pointer: "#/properties/z"}) || len(differences) != maxDifferences+1 {
		t.Errorf("%d differences, %v; the last: %v", len(differences), err, differences[len(differences)-1])
	}
}

// TestValueKey: 1.0 equals 1 at any depth, and no text equals a number.
func TestValueKey(t *testing.T) {
	n := func(text string) any { return json.Number(text) }
	for _, tt := range []struct {
		a, b any
		want bool
	}{
		{n("1"), n("1.0"), true},
		{n("0"), n("-0"), true},
		{[]any{n("1")}, []any{n("1.0")}, true},
		{obj{"a": n("10")}, obj{"a": n("1e1")}, true},
		{[]any{n("1")}, []any{"number 1"}, false},
		{n("1"), "number 1", false},
		{[]any{[]any{}}, []any{obj{}}, false},
	} {
		if equal(tt.a, tt.b) != tt.want {
			t.Errorf("%s = %s: %t, want %t", encode(tt.a), encode(tt.b), !tt.want, tt.want)
		}
	}
}

// TestSharedShapes: what is compared once for all places that say the same is reported at each of them.
func TestSharedShapes(t *testing.T) {
	schema := func(leaf string) string {
		return `{"properties":{"a":{"items":{"type":"` + leaf + `"}},"b":{"items":{"type":"` + leaf + `"}}}}`
	}
	differences, err := Diff(parseText(t, "", schema("number")), parseText(t, "", schema("integer")))
	if err != nil || len(differences) != 2 || differences[0].Pointer != "#/properties/a/items" || differences[1].Pointer != "#/properties/b/items" {
		t.Errorf("%v, %v", differences, err)
	}
}

// union is n types, each an object with a oneOf over all n types; the last type carries leaf.
func union(n int, leaf string) string {
	definitions := map[string]any{}
	var branches []any
	for i := range n {
		branches = append(branches, map[string]any{"$ref": fmt.Sprintf("#/definitions/t%d", i)})
	}
	for i := range n {
		properties := map[string]any{
			"kind": map[string]any{"const": i}, "child": map[string]any{"oneOf": branches},
		}
		if i == n-1 {
			properties["v"] = json.RawMessage(leaf)
		}
		definitions[fmt.Sprintf("t%d", i)] = map[string]any{"type": "object", "required": []any{"kind"}, "properties": properties}
	}
	text, _ := json.Marshal(map[string]any{"definitions": definitions, "oneOf": branches})
	return string(text)
}

// TestCyclicUnion compares 12 types that contain each other; a naive walk takes longer than the sun will shine, and a
// plain visited-set hides what differs at the end of a cycle.
func TestCyclicUnion(t *testing.T) {
	for _, tt := range []struct {
		old, updated string
		want         bool
	}{
		{`{"type":"integer"}`, `{"type":"integer"}`, true},
		{`{"type":"integer"}`, `{"type":"number"}`, true},
		{`{"type":"number"}`, `{"type":"integer"}`, false},
	} {
		start := used(t)
		old, updated := parseText(t, "", union(12, tt.old)), parseText(t, "", union(12, tt.updated))
		v, err := Check(Backward, Strict, updated, []*Document{old})
		if err != nil {
			t.Fatal(err)
		}
		if v.Compatible != tt.want {
			t.Errorf("%s -> %s: compatible %t, want %t", tt.old, tt.updated, v.Compatible, tt.want)
		}
		if d := used(t) - start; d > 5*patience {
			t.Errorf("took %v", d)
		}
	}
}

// TestLevels tries three versions: number, integer, number. Going back to integer breaks the readers of the first and
// the third only.
func TestLevels(t *testing.T) {
	number, integer := parseText(t, "7", `{"type":"number"}`), parseText(t, "7", `{"type":"integer"}`)
	for _, tt := range []struct {
		level   Level
		updated *Document
		history []*Document
		want    bool
	}{
		{None, integer, []*Document{number}, true},
		{Backward, number, []*Document{integer}, true},
		{Backward, integer, []*Document{number}, false},
		{Backward, integer, []*Document{number, integer}, true},
		{BackwardTransitive, integer, []*Document{number, integer}, false},
		{Forward, integer, []*Document{number}, true},
		{Forward, number, []*Document{integer}, false},
		{Forward, number, []*Document{integer, number}, true},
		{ForwardTransitive, number, []*Document{integer, number}, false},
		{Full, number, []*Document{integer}, false},
		{Full, integer, []*Document{number}, false},
		{Full, number, []*Document{integer, number}, true},
		{FullTransitive, number, []*Document{integer, number}, false},
		{FullTransitive, number, []*Document{number, number}, true},
		{FullTransitive, number, nil, true},
	} {
		for _, mode := range []Mode{Strict, Sound} {
			v, err := Check(tt.level, mode, tt.updated, tt.history)
			if err != nil {
				t.Fatal(err)
			}
			if v.Compatible != tt.want || v.Compatible != (len(v.Refusals) == 0) {
				t.Errorf("%s %s with %d versions: %+v, want %t", tt.level, mode, len(tt.history), v, tt.want)
			}
		}
	}
	if _, err := Check("BACKWARDS", Strict, number, nil); err == nil {
		t.Error("an unknown level passed")
	}
	if _, err := Check(Full, "loose", number, nil); err == nil {
		t.Error("an unknown mode passed")
	}
}

// TestHostile wants a clear error for each attack, quickly.
func TestHostile(t *testing.T) {
	laughs := map[string]any{"l0": map[string]any{"type": "string"}}
	for i := range 30 {
		ref := map[string]any{"$ref": fmt.Sprintf("#/definitions/l%d", i)}
		laughs[fmt.Sprintf("l%d", i+1)] = map[string]any{"allOf": []any{ref, ref}}
	}
	bomb, _ := json.Marshal(map[string]any{"definitions": laughs, "$ref": "#/definitions/l30"})
	for name, tt := range map[string]struct{ text, want string }{
		"itself":       {`{"$ref":"#"}`, "refers back to itself"},
		"allOf itself": {`{"allOf":[{"$ref":"#"}]}`, "refers back to itself"},
		"a b a":        {`{"definitions":{"a":{"$ref":"#/definitions/b"},"b":{"$ref":"#/definitions/a"}},"$ref":"#/definitions/a"}`, "refers back to itself"},
		"large":        {`{"description":"` + strings.Repeat("a", maxBytes) + `"}`, "larger than"},
		"deep":         {strings.Repeat(`{"not":`, 200) + "{}" + strings.Repeat("}", 200), "levels deep"},
		"http":         {`{"$ref":"http://169.254.169.254/latest"}`, "nothing is ever fetched"},
		"file":         {`{"$ref":"file:///etc/passwd"}`, "nothing is ever fetched"},
		"laughs":       {string(bomb), "more than 50000 subschemas"},
		"not JSON":     {`{"a":`, "not JSON"},
		"two values":   {`{} {}`, "more text follows"},
		"no schema":    {`[1]`, "is no schema"},
		"no draft":     {`{"$schema":"https://example.test/"}`, "names no draft"},
		"nowhere":      {`{"$ref":"#/definitions/x"}`, "does not exist"},
		"exponent":     {`{"maximum":1e999999999}`, "no number that can be compared"},
		"length":       {`{"maxLength":-1}`, "no whole number"},
		"type":         {`{"type":"text"}`, "this is no type"},
	} {
		t.Run(name, func(t *testing.T) {
			start := used(t)
			_, err := Parse([]byte(tt.text), nil)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
			if d := used(t) - start; d > 5*patience {
				t.Errorf("took %v", d)
			}
		})
	}
}

// TestReferences resolves $refs to given schemas by their exact names.
func TestReferences(t *testing.T) {
	parse := func(leaf string) *Document {
		d, err := Parse([]byte(`{"properties":{"a":{"$ref":"chung.json"},"b":{"$ref":"chung.json#/definitions/x"}}}`), map[string][]byte{
			"chung.json": []byte(`{"type":"string","definitions":{"x":{"type":"` + leaf + `"}}}`),
		})
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	v, err := Check(Backward, Strict, parse("integer"), []*Document{parse("number")})
	if err != nil || v.Compatible || v.Refusals[0].Differences[0].Pointer != "#/properties/b" {
		t.Errorf("%+v, %v: want TYPE_NARROWED at #/properties/b", v, err)
	}
}

// TestShared compares the same documents in several goroutines; the race detector watches.
func TestShared(t *testing.T) {
	old, updated := parseText(t, "", union(4, `{"type":"integer"}`)), parseText(t, "", union(4, `{"type":"number"}`))
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for _, mode := range []Mode{Strict, Sound} {
				if v, err := Check(Backward, mode, updated, []*Document{old}); err != nil || !v.Compatible {
					t.Errorf("%s: %+v, %v", mode, v, err)
				}
			}
		})
	}
	wg.Wait()
}
