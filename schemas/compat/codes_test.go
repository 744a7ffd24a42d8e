package compat

import (
	"fmt"
	"strings"
	"testing"
)

// lists are versions of two code lists: "thu" loses and gains codes, "dai" is longer than what is tried code by code.
func lists(id, version string) ([]string, bool) {
	var long []string
	for i := range 700 {
		long = append(long, fmt.Sprintf("%05d", i))
	}
	codes, known := map[string][]string{
		"thu@": {"01", "02"}, "thu@1": {"01", "02"}, "thu@2": {"01", "02", "03"}, "khac@1": {"01"},
		"dai@1": long, "dai@2": append(long[:len(long):len(long)], "x"), "dai@3": long[:699],
	}[id+"@"+version]
	return codes, known
}

// TestCodeLists compares lists like enums: a list that only gains codes accepts what it accepted.
func TestCodeLists(t *testing.T) {
	code := func(id, version string) string {
		return fmt.Sprintf(`{"type":"string","x-danh-muc":{"id":%q,"version":%q}}`, id, version)
	}
	for _, tt := range []struct {
		name, old, updated string
		want               bool
		witness            string
	}{
		{"a new code", code("thu", "1"), code("thu", "2"), true, ""},
		{"a code less", code("thu", "2"), code("thu", "1"), false, `"03"`},
		{"the same", code("thu", "1"), code("thu", "1"), true, ""},
		{"without a version", `{"type":"string","x-danh-muc":"thu"}`, code("thu", "2"), true, ""},
		{"another list", code("thu", "1"), code("khac", "1"), false, `"02"`},
		{"another list that holds it", code("khac", "1"), code("thu", "1"), true, ""},
		{"a long list grows", code("dai", "1"), code("dai", "2"), true, ""},
		{"a long list shrinks", code("dai", "1"), code("dai", "3"), false, `"00699"`},
		{"list dropped", code("thu", "1"), `{"type":"string"}`, true, ""},
		{"list added", `{"type":"string"}`, code("thu", "1"), false, `""`},
		{"list to enum", code("thu", "1"), `{"enum":["01","02","04"]}`, true, ""},
		{"list to a smaller enum", code("thu", "2"), `{"enum":["01","02"]}`, false, `"03"`},
		{"enum to list", `{"enum":["01"]}`, code("thu", "1"), true, ""},
		{"enum to a list that lacks it", `{"enum":["01","09"]}`, code("thu", "1"), false, `"09"`},
		{"list to pattern", code("thu", "1"), `{"type":"string","pattern":"^[0-9]{2}$"}`, true, ""},
		{"list to length", code("thu", "1"), `{"type":"string","maxLength":1}`, false, `"01"`},
		{"deep inside", `{"properties":{"a":{"items":` + code("thu", "2") + `}}}`, `{"properties":{"a":{"items":` + code("thu", "1") + `}}}`, false, `{"a":["03"]}`},
		{"null beside", `{"type":["string","null"],"x-danh-muc":"thu"}`, `{"type":["string","null"],"x-danh-muc":{"id":"thu","version":"2"}}`, true, ""},
		{"null beside, into an enum", `{"type":["string","null"],"x-danh-muc":"thu"}`, `{"enum":["01","02"]}`, false, `null`},
		{"unknown, the same", code("la", "1"), code("la", "1"), true, ""},
		{"unknown, another version", code("la", "1"), code("la", "2"), false, ""},
		{"unknown, and one that is known", code("la", "1"), code("thu", "1"), false, ""},
		{"unknown, another list", code("la", "1"), code("khong", "1"), false, ""},
		{"list dropped beside what stays", `{"properties":{"a":{"type":"array"},"b":` + code("thu", "1") + `}}`, `{"properties":{"a":{"type":"array"}}}`, true, ""},
		{"unknown, and a length", code("la", "1"), `{"type":"string","maxLength":2}`, false, ""},
		{"unknown, by null", `{"type":["string","null"]}`, code("la", "1"), false, `null`},
	} {
		for _, draft := range []string{"4", "7", "2020-12"} {
			t.Run(tt.name+" "+draft, func(t *testing.T) {
				parse := func(text string) *Document {
					d, err := World{Codes: lists}.Parse([]byte(strings.Replace(text, "{", fmt.Sprintf(`{"$schema":%q,`, schemaURI[draft]), 1)))
					if err != nil {
						t.Fatal(err)
					}
					return d
				}
				r, err := Includes(parse(tt.old), parse(tt.updated))
				if err != nil || (r == nil) != tt.want {
					t.Fatalf("%+v, %v", r, err)
				}
				if r != nil && string(r.Witness) != tt.witness {
					t.Errorf("shown %s, want %s (%s)", r.Witness, tt.witness, r.NotProven)
				}
			})
		}
	}
}

// TestCodesOfTwoWorlds: the same words with other codes are another schema.
func TestCodesOfTwoWorlds(t *testing.T) {
	text := []byte(`{"properties":{"a":{"type":"string","x-danh-muc":"thu"}}}`)
	then, err := World{Codes: lists}.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	now, err := World{Codes: func(string, string) ([]string, bool) { return []string{"01"}, true }}.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	if r, err := Includes(then, now); err != nil || r == nil || string(r.Witness) != `{"a":"02"}` {
		t.Errorf(`%+v, %v: want {"a":"02"} refused`, r, err)
	}
	if r, err := Includes(now, then); err != nil || r != nil {
		t.Errorf("%+v, %v", r, err)
	}
	forbidden := []byte(`{"not":{"type":"string","x-danh-muc":"thu"}}`)
	few, err := World{Codes: func(string, string) ([]string, bool) { return []string{"01"}, true }}.Parse(forbidden)
	if err != nil {
		t.Fatal(err)
	}
	more, err := World{Codes: lists}.Parse(forbidden)
	if err != nil {
		t.Fatal(err)
	}
	if r, err := Includes(few, more); err != nil || r == nil || string(r.Witness) != `"02"` {
		t.Errorf(`%+v, %v: want "02" refused`, r, err)
	}
	nobody, err := World{}.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	if r, err := Includes(now, nobody); err != nil || r != nil {
		t.Errorf("a list of the same name and version, whose codes are not known: %+v, %v", r, err)
	}
}

// TestOwnFormats takes a format that no draft knows, and a stricter reading of one that they know.
func TestOwnFormats(t *testing.T) {
	w := World{Formats: map[string]func(string) bool{
		"so-nha": func(s string) bool { return s == "" || s == "a" },
		"date":   func(s string) bool { return s == "2024-02-29" },
	}}
	parse := func(w World, format string, more ...string) *Document {
		d, err := w.Parse([]byte(`{"type":"string","format":"` + format + `"` + strings.Join(more, "") + `}`))
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	for _, tt := range []struct {
		name         string
		old, updated *Document
		want         bool
		witness      string
	}{
		{"kept", parse(w, "so-nha"), parse(w, "so-nha"), true, ""},
		{"kept, without a length", parse(w, "so-nha", `,"maxLength":9`), parse(w, "so-nha"), true, ""},
		{"changed", parse(w, "so-nha"), parse(w, "date"), false, `""`},
		{"loosened", parse(w, "date"), parse(World{}, "date"), true, ""},
		{"tightened", parse(World{}, "date"), parse(w, "date"), false, ""},
		{"a wider one of one's own", parse(World{}, "uri"), parse(World{Formats: map[string]func(string) bool{"uri-reference": func(string) bool { return false }}}, "uri-reference"), false, `"http://mau.test/"`},
		{"a format for any text", parse(World{}, "khong-co"), parse(w, "so-nha"), false, `" "`},
	} {
		r, err := Includes(tt.old, tt.updated)
		if err != nil || (r == nil) != tt.want || r != nil && string(r.Witness) != tt.witness {
			t.Errorf("%s: %+v, %v", tt.name, r, err)
		}
	}
}
