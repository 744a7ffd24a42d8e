package compat

import (
	"errors"
	"strings"
	"testing"

	"github.com/lienthong/truc/problem"
	"github.com/lienthong/truc/tests/messages"
)

// TestRefusalsInWords reads refusals as a person does: who breaks, on what, where, and what would pass.
func TestRefusalsInWords(t *testing.T) {
	codes := func(id, version string) ([]string, bool) {
		return map[string][]string{"1": {"01", "02", "03"}, "2": {"01", "02"}}[version], id == "danhmuc.thu"
	}
	for _, tt := range []struct {
		name           string
		level          Level
		mode           Mode
		old, updated   string
		code, where    string
		what, fix      string
		vi, viFix      string
		codes          func(id, version string) ([]string, bool)
		earlier, newer string // names, none for the numbers
	}{
		{
			name: "a length, backward", level: Backward, mode: Sound,
			old: `{"properties":{"ten":{"type":"string","maxLength":5}}}`, updated: `{"properties":{"ten":{"type":"string","maxLength":4}}}`,
			code: "compat.refused", where: "#/properties/ten/maxLength",
			what: `subscribers who read by the new version would refuse what producers may write by version 1: version 1 accepts {"ten":"aaaaa"}, the new version does not`,
			fix:  "write at #/properties/ten/maxLength what stood there before: 5",
			vi:   `bên nhận đọc theo phiên bản mới sẽ từ chối dữ liệu mà bên công bố có thể ghi theo phiên bản 1: phiên bản 1 chấp nhận {"ten":"aaaaa"}, còn phiên bản mới thì không`, viFix: "viết lại tại #/properties/ten/maxLength nội dung trước đây: 5",
		},
		{
			name: "a length, forward", level: Forward, mode: Sound, earlier: "dancu.congdan.v1@1.0.0", newer: "dancu.congdan.v1@1.1.0",
			old: `{"properties":{"ten":{"type":"string","maxLength":4}}}`, updated: `{"properties":{"ten":{"type":"string","maxLength":5}}}`,
			code: "compat.refused", where: "dancu.congdan.v1@1.0.0#/properties/ten/maxLength",
			what: `subscribers who read by dancu.congdan.v1@1.0.0 would refuse what producers may write by dancu.congdan.v1@1.1.0: dancu.congdan.v1@1.1.0 accepts {"ten":"aaaaa"}, dancu.congdan.v1@1.0.0 does not`,
			fix:  "write at #/properties/ten/maxLength what stood there before: 4",
		},
		{
			name: "two new bounds", level: Backward, mode: Sound,
			old: `{"type":"object"}`, updated: `{"type":"object","required":["a"],"maxProperties":1}`,
			code: "compat.refused", where: "#/required", what: "accepts {}", fix: "leave out #/required; leave out #/maxProperties",
		},
		{
			name: "an optional property for readers of a closed object", level: Forward, mode: Sound,
			old: `{"properties":{"a":{}},"additionalProperties":false}`, updated: `{"properties":{"a":{},"b":{}},"additionalProperties":false}`,
			code: "compat.refused", where: "#/additionalProperties", what: `accepts {"b":`, fix: "leave out #/properties/b",
		},
		{
			name: "the rules of the registries", level: Backward, mode: Strict,
			old: `{"type":"string"}`, updated: `{"type":"string","maxLength":4,"pattern":"a"}`,
			code: "compat.rule", where: "#/maxLength", fix: "leave out #/maxLength; leave out #/pattern",
			what: "by the rules of the registries: #/maxLength: maxLength is new; #/pattern: pattern is new",
			vi:   "theo quy tắc của các sổ đăng ký lược đồ: #/maxLength: maxLength là mới; #/pattern: pattern là mới",
		},
		{
			name: "nothing proven", level: Backward, mode: Sound,
			old: `{"type":"string","pattern":"^a$"}`, updated: `{"type":"string","pattern":"a"}`,
			code: "compat.not-proven", where: "#/pattern", fix: `write at #/pattern what stood there before: "^a$"`,
			what: "it is not proven that subscribers who read by the new version can read all that producers write by version 1: no document was found",
		},
		{
			name: "a code that is gone", level: Backward, mode: Sound, codes: codes,
			old: `{"type":"string","x-danh-muc":{"id":"danhmuc.thu","version":"1"}}`, updated: `{"type":"string","x-danh-muc":{"id":"danhmuc.thu","version":"2"}}`,
			code: "compat.refused", where: "#/x-danh-muc", what: `accepts "03"`,
			fix: `write at #/x-danh-muc what stood there before: {"id":"danhmuc.thu","version":"1"}`,
		},
		{
			name: "a list that nobody knows", level: Backward, mode: Sound,
			old: `{"type":"string"}`, updated: `{"type":"string","x-danh-muc":"danhmuc.thu"}`,
			code: "compat.not-proven", where: "#", what: "the codes of danhmuc.thu are not known here", fix: "leave out #/x-danh-muc",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			parse := func(text string) *Document {
				d, err := World{Codes: tt.codes}.Parse([]byte(text))
				if err != nil {
					t.Fatal(err)
				}
				return d
			}
			v, err := Check(tt.level, tt.mode, parse(tt.updated), []*Document{parse(tt.old)})
			if err != nil || len(v.Refusals) != 1 {
				t.Fatalf("%+v, %v", v, err)
			}
			p := v.Refusals[0].Problem()
			if tt.earlier != "" {
				p = v.Refusals[0].Between(tt.earlier, tt.newer)
			}
			if p.Code != tt.code || p.Where != tt.where || !strings.Contains(p.What.EN, tt.what) || !strings.HasPrefix(p.Fix.EN, tt.fix) {
				t.Errorf("%s at %s: %s -> %s", p.Code, p.Where, p.What.EN, p.Fix.EN)
			}
			if !strings.Contains(p.What.VI, tt.vi) || !strings.HasPrefix(p.Fix.VI, tt.viFix) {
				t.Errorf("%s -> %s", p.What.VI, p.Fix.VI)
			}
			for _, text := range []problem.Text{p.What, p.Fix} {
				if why := messages.Foreign(text); why != "" {
					t.Error(why)
				}
			}
		})
	}
}

// TestEveryRuleInWords wants both languages for what each rule says and asks for.
func TestEveryRuleInWords(t *testing.T) {
	for name := range ruleTable() {
		d := Difference{Rule: name, Pointer: "#/properties/a"}
		for _, text := range []problem.Text{d.Text(), d.Fix()} {
			if why := messages.Foreign(text); why != "" || text.VI == text.EN && !text.Empty() {
				t.Errorf("%s: %q, %q %s", name, text.VI, text.EN, why)
			}
		}
	}
	unknown := Difference{Rule: "NO_SUCH_RULE"}
	if unknown.Fix().Empty() {
		t.Error("a rule that is in no table is compatible")
	}
}

// TestTooComplexInWords wants the place to begin at.
func TestTooComplexInWords(t *testing.T) {
	d := parseText(t, "", `{"properties":{"a":{"anyOf":[true,true]},"b":{"oneOf":[true,true,true]}}}`)
	err := tooComplex(d, d)
	var p problem.Problem
	if !errors.Is(err, ErrTooComplex) || !errors.As(err, &p) || p.Where != "#/properties/b/oneOf" {
		t.Errorf("%v: want ErrTooComplex at #/properties/b/oneOf", err)
	}
	for _, fault := range messages.Faults(p) {
		t.Error(fault)
	}
	wide := parseText(t, "", text(t, obj{"properties": obj{"a": obj{"properties": members(20, "p%d", func(int) any { return true })}}}))
	if err := tooComplex(wide, d); !errors.As(err, &p) || p.Where != "#/properties/a" || !strings.Contains(p.Fix.EN, "fewer properties") {
		t.Errorf("%v: want the widest place, #/properties/a", err)
	}
	for _, fault := range messages.Faults(p) {
		t.Error(fault)
	}
}
