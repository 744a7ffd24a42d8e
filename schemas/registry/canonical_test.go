package registry

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// What is canonical is what encoding/json makes of a text on the long way through a tree, byte for byte, and what is refused is
// what it refuses, besides members named twice and what is nested too deeply.
func TestCanonicalAsThroughATree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := drawText(t, 4)
		if rapid.IntRange(0, 3).Draw(t, "whole") == 0 { // one byte more, less or other
			at := rapid.IntRange(0, len(text)).Draw(t, "at")
			upTo := min(len(text), at+rapid.IntRange(0, 1).Draw(t, "gone"))
			text = text[:at] + rapid.SampledFrom([]string{"", "", "{", "]", ",", ":", `"`, `\`, "0", "-", ".", "e", "t", "\x00", "\xff", " ", "\u2028"}).Draw(t, "new") + text[upTo:]
		}
		sorted := rapid.Bool().Draw(t, "sorted")
		got, err := canonicalJSON(text, sorted)
		want, wantErr := throughATree(text, sorted)
		if got != want || (err == nil) != (wantErr == nil) {
			t.Fatalf("%q: %q %v, through a tree %q %v", text, got, err, want, wantErr)
		}
	})
}

// drawText is a JSON text with much that can be written in several ways.
func drawText(t *rapid.T, depth int) string {
	space := func() string {
		return rapid.SampledFrom([]string{"", "", "", " ", "\n\t", "\r "}).Draw(t, "space")
	}
	str := func() string {
		parts := rapid.SliceOfN(rapid.SampledFrom([]string{
			"a", "b", "ab", "Tên gọi", "€", "\u2028", `\u2029`, `\"`, `\\`, `\/`, `\n`, `\u0061`, `\u00e9`, `\ud83d\ude00`, `\ud800`, "\xff", "😀", "<&>", "\x7f", `\u0000`, `\u001f`,
		}), 0, 4).Draw(t, "string")
		return `"` + strings.Join(parts, "") + `"`
	}
	kinds := []string{"string", "number", "word"}
	if depth > 0 {
		kinds = append(kinds, "object", "object", "array")
	}
	out := space()
	switch rapid.SampledFrom(kinds).Draw(t, "kind") {
	case "string":
		out += str()
	case "number":
		out += rapid.SampledFrom([]string{"0", "-0", "1.50", "10", "1e2", "1E+2", "-3.0e-7", "12345678901234567890", "01", "1.", "-", ".5", "1e"}).Draw(t, "number")
	case "word":
		out += rapid.SampledFrom([]string{"true", "false", "null", "nul", "True"}).Draw(t, "word")
	case "object", "array":
		n := rapid.IntRange(0, 5).Draw(t, "members")
		if rapid.IntRange(0, 9).Draw(t, "many") == 0 {
			n = rapid.IntRange(14, 20).Draw(t, "how many")
		}
		object := rapid.Bool().Draw(t, "object")
		var members []string
		for i := range n {
			m := ""
			if object {
				name := str()
				if rapid.IntRange(0, 4).Draw(t, "numbered") > 0 { // or nearly all would have two of one name
					name = fmt.Sprintf(`"%d%s`, (i*7)%20, name[1:])
				}
				m = space() + name + space() + ":"
			}
			if n > 6 {
				m += "1"
			} else {
				m += drawText(t, depth-1)
			}
			members = append(members, m)
		}
		between := [2]string{"[", "]"}
		if object {
			between = [2]string{"{", "}"}
		}
		out += between[0] + strings.Join(members, ",") + space() + between[1]
	}
	return out + space()
}

// throughATree is canonicalJSON by encoding/json.
func throughATree(text string, sorted bool) (string, error) {
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	v, err := readTree(dec, 0)
	if err != nil {
		return "", err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return "", errors.New("more")
	}
	return string(v.append(nil, sorted)), nil
}

type tree struct {
	scalar  string
	open    json.Delim
	names   []string
	members []tree
}

func readTree(dec *json.Decoder, depth int) (v tree, err error) {
	token, err := dec.Token()
	if err != nil {
		return v, err
	}
	switch token := token.(type) {
	case json.Delim:
		v.open = token
	case string:
		return tree{scalar: string(quote(nil, token))}, nil
	case nil:
		return tree{scalar: "null"}, nil
	default:
		return tree{scalar: fmt.Sprint(token)}, nil
	}
	if depth >= maxDepth {
		return v, errors.New("deep")
	}
	for dec.More() {
		if v.open == '{' {
			name, err := dec.Token()
			if err != nil {
				return v, err
			}
			if slices.Contains(v.names, fmt.Sprint(name)) {
				return v, errors.New("twice")
			}
			v.names = append(v.names, fmt.Sprint(name))
		}
		m, err := readTree(dec, depth+1)
		if err != nil {
			return v, err
		}
		v.members = append(v.members, m)
	}
	_, err = dec.Token()
	return v, err
}

func (v tree) append(b []byte, sorted bool) []byte {
	if v.open == 0 {
		return append(b, v.scalar...)
	}
	order := make([]int, len(v.members))
	for i := range order {
		order[i] = i
	}
	if sorted && v.open == '{' {
		slices.SortFunc(order, func(i, j int) int { return strings.Compare(v.names[i], v.names[j]) })
	}
	b = append(b, byte(v.open))
	for n, i := range order {
		if n > 0 {
			b = append(b, ',')
		}
		if v.open == '{' {
			b = append(quote(b, v.names[i]), ':')
		}
		b = v.members[i].append(b, sorted)
	}
	return append(b, byte(v.open)+2)
}

// What is wrong with a text is said as precisely as encoding/json says it.
func TestCanonicalRefusals(t *testing.T) {
	deep := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	if _, err := canonicalJSON(deep(maxDepth), false); err != nil {
		t.Error(err)
	}
	for text, want := range map[string]string{
		"":                       "the text ends too early",
		" {":                     "the text ends too early",
		`{"a":"b`:                "the text ends too early",
		`{"a":tru`:               "invalid character",
		`{"a":1}}`:               "more text follows the value",
		`{"a" 1}`:                "invalid character '1' after object key",
		`[1,]`:                   "invalid character ']' looking for beginning of value",
		"[\"a\nb\"]":             "invalid character '\\n' in string literal",
		`{a:1}`:                  "invalid character 'a' looking for beginning of object key string",
		`["\x"]`:                 "invalid character 'x' in string escape code",
		deep(maxDepth + 1):       "nested more than 128 levels deep at byte 129",
		strings.Repeat("[", 1e6): "nested more than 128 levels deep at byte 129",
		`{"a":1,"b":2,"a":3}`:    `the member "a" stands twice in one object, at byte 16`,
		`{"a":1,"\u0061":3}`:     `the member "a" stands twice in one object, at byte 15`,
	} {
		if got, err := canonicalJSON(text, false); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40s: %q %v, want %s", text, got, err, want)
		}
	}
}

func BenchmarkCanonical(b *testing.B) {
	var s strings.Builder
	s.WriteString(`{"$schema":"http://json-schema.org/draft-07/schema#","title":"Hồ sơ","type":"object","properties":{`)
	for i := range 10 {
		fmt.Fprintf(&s, `"p%d":{"type":"string","description":"Thuộc tính thứ %d","minLength":1,"maxLength":%d},`, i, i, 10+i)
	}
	s.WriteString(`"last":true}}`)
	b.SetBytes(int64(s.Len()))
	for b.Loop() {
		if _, err := canonicalJSON(s.String(), false); err != nil {
			b.Fatal(err)
		}
	}
}
