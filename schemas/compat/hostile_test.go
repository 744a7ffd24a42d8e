package compat

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/lienthong/truc/problem"
)

// TestHostilePairs wants an answer, or a reason why there is none, for pairs that were made to take for ever.
func TestHostilePairs(t *testing.T) {
	text := func(v any) string {
		out, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return string(out)
	}
	type m = map[string]any
	many := func(n int, one func(i int) any) []any {
		out := make([]any, n)
		for i := range n {
			out[i] = one(i)
		}
		return out
	}
	object := func(step int) func(i int) any {
		return func(i int) any {
			return m{"type": "object", "properties": m{fmt.Sprintf("p%d", i): m{"type": "string", "maxLength": i*step + 1}}}
		}
	}
	for _, tt := range []struct{ name, old, updated string }{
		{"one MiB of values", text(m{"enum": many(150_000, func(i int) any { return i })}), text(m{"enum": many(150_000, func(i int) any { return i + 1 })})},
		{"200 branches", text(m{"anyOf": many(200, object(1))}), text(m{"anyOf": many(200, object(2))})},
		{"a pattern that backtracks", `{"type":"string","pattern":"^(a+)+$"}`, `{"type":"string","pattern":"^((a|a)+)+b$"}`},
		{"a pattern that nobody can run", `{"type":"string"}`, `{"type":"string","pattern":"((a{1,900}){1,900}){1,900}"}`},
		{"a pattern of a name that nobody can run", `{"type":"object"}`, `{"patternProperties":{"((a{1,900}){1,900}){1,900}":{"type":"string"}}}`},
		{"numbers with many digits", `{"maximum":1e399}`, text(m{"maximum": json.Number(strings.Repeat("9", 900)), "multipleOf": json.Number("1e-390")})},
	} {
		t.Run(tt.name, func(t *testing.T) {
			start := used(t)
			old, err := Parse([]byte(tt.old), nil)
			if err == nil {
				var updated *Document
				if updated, err = Parse([]byte(tt.updated), nil); err == nil {
					for _, mode := range []Mode{Strict, Sound} {
						var v Verdict
						v, err = Check(Backward, mode, updated, []*Document{old})
						if err == nil && !v.Compatible {
							if r := v.Refusals[0]; r.Remedy.Empty() || mode == Sound && r.Witness == nil && r.NotProven == "" {
								t.Errorf("%s: %+v", mode, r)
							}
						}
						t.Logf("%s: compatible %t, %v, after %v", mode, v.Compatible, err, used(t)-start)
					}
				}
			}
			var p problem.Problem
			if err != nil && (!errors.As(err, &p) || p.Fix.Empty()) {
				t.Errorf("%v does not say what to do", err)
			}
			if d := used(t) - start; d > 10*patience {
				t.Errorf("took %v", d)
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
		case err == nil && (d == nil || d.root == nil):
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
		if err != nil {
			t.Fatal(err)
		}
		w, n := newChecker(a.root), newChecker(b.root)
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
