package compat

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// applied is a schema with the changes of a refusal, made by a hand of its own.
func applied(t rapid.TB, schema any, changes []Change) any {
	var copied any
	decode := func(text []byte) (v any) {
		dec := json.NewDecoder(strings.NewReader(string(text)))
		dec.UseNumber()
		if err := dec.Decode(&v); err != nil {
			t.Fatal(err)
		}
		return v
	}
	copied = decode(encode(schema))
	for _, c := range changes {
		tokens := strings.Split(c.Pointer, "/")[1:]
		var walk func(v any, tokens []string) any
		walk = func(v any, tokens []string) any {
			last := len(tokens) == 1
			switch v := v.(type) {
			case map[string]any:
				name := unescape(tokens[0])
				switch {
				case last && c.Value == nil:
					delete(v, name)
				case last:
					v[name] = decode(c.Value)
				default:
					v[name] = walk(v[name], tokens[1:])
				}
				return v
			case []any:
				i, err := strconv.Atoi(tokens[0])
				switch {
				case err != nil || i > len(v):
					t.Fatalf("%s leads nowhere", c.Pointer)
				case last && c.Value == nil:
					return append(v[:i:i], v[i+1:]...)
				case i == len(v):
					return append(v, decode(c.Value))
				case last:
					v[i] = decode(c.Value)
				default:
					v[i] = walk(v[i], tokens[1:])
				}
				return v
			}
			t.Fatalf("%s leads nowhere in %s", c.Pointer, encode(schema))
			return nil
		}
		copied = walk(copied, tokens)
	}
	return copied
}

// suggestionPasses does what the refusals of a version say, and asks again. It returns how many refusals there were, and how
// many of them told what to change.
func suggestionPasses(t rapid.TB, mode Mode, old, updated *Document) (refusals, told int) {
	for _, level := range []Level{Backward, Forward} {
		v, err := Check(level, mode, updated, []*Document{old})
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range v.Refusals {
			refusals++
			if r.Remedy.Empty() {
				t.Fatalf("%s: a refusal without a fix", level)
			}
			if r.Changes == nil {
				continue
			}
			told++
			text := encode(applied(t, updated.raw[""], r.Changes))
			mended, err := Parse(text, nil)
			if err != nil {
				t.Fatalf("%s %s: %s does not parse: %v", mode, level, text, err)
			}
			if again, err := Check(level, mode, mended, []*Document{old}); err != nil || !again.Compatible {
				t.Fatalf("%s %s: %s\n-> %s\nis refused still after %s: %s", mode, level, encode(old.raw[""]), encode(updated.raw[""]), r.Remedy.EN, text)
			}
		}
	}
	return refusals, told
}

// TestSuggestionsPass makes each suggested change of each row, both ways: the version passes then.
func TestSuggestionsPass(t *testing.T) {
	refusals, told := map[Mode]int{}, map[Mode]int{}
	for i, r := range rows(t) {
		t.Run(fmt.Sprintf("%d %s", i, r.rule), func(t *testing.T) {
			for _, mode := range []Mode{Strict, Sound} {
				n, m := suggestionPasses(t, mode, parseText(t, r.draft, r.old), parseText(t, r.draft, r.updated))
				refusals[mode] += n
				told[mode] += m
				if m < n {
					t.Logf("%s: %s -> %s: no change found", mode, r.old, r.updated)
				}
			}
		})
	}
	t.Logf("%v refusals, %v with a change that passes", refusals, told)
	for mode, n := range refusals {
		if n < 80 || told[mode]*10 < n*9 {
			t.Errorf("%s: %d of %d refusals told what to change", mode, told[mode], n)
		}
	}
}

// TestSuggestionsPassProperty does so for drawn schemas.
func TestSuggestionsPassProperty(t *testing.T) {
	refusals, told := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		a := drawSchema(t, 2)
		b := loosen(t, a)
		n, m := suggestionPasses(t, Sound, parseDrawn(t, a), parseDrawn(t, b))
		refusals, told = refusals+n, told+m
	})
	t.Logf("%d refusals, %d with a change that passes", refusals, told)
	if refusals == 0 || told*10 < refusals*8 {
		t.Errorf("%d of %d refusals told what to change", told, refusals)
	}
}
