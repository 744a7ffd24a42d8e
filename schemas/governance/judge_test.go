package governance

import (
	"errors"
	"strings"
	"testing"
)

// What schemas do not say to validators is judged by itself: every document is valid under both versions, and one of them goes by
// another key, or by codes that the other side does not know.
func TestJudgedBesideTheSchema(t *testing.T) {
	const list = `{"id": "danhmuc.hangxe", "version": "1.0.0", "title": {"vi": "Hãng", "en": "Maker"}, "source": "mẫu", "codes": [{"code": "A", "vi": "Hãng A", "en": "A"}]}`
	const named = `"x-danh-muc": {"id": "danhmuc.hangxe", "version": "1.0.0"}`
	for name, row := range map[string]struct {
		first, then []string
		direction   string
		says        string
	}{
		"another key": {
			[]string{`["so"], "additional`, `["so", "chu"], "additional`},
			[]string{`"x-khoa": ["so"]`, `"x-khoa": ["so", "chu"]`},
			"", "the key is",
		},
		"the same key in another order": {
			[]string{`["so"], "additional`, `["so", "chu"], "additional`, `"x-khoa": ["so"]`, `"x-khoa": ["so", "chu"]`},
			[]string{`"x-khoa": ["so", "chu"]`, `"x-khoa": ["chu", "so"]`},
			"", "the key is",
		},
		"codes of a list only":       {nil, []string{`"maxLength": 20`, `"maxLength": 20, ` + named}, "BACKWARD", "takes codes of danhmuc.hangxe only"},
		"any text, where codes were": {[]string{`"maxLength": 20`, `"maxLength": 20, ` + named}, []string{", " + named, ""}, "FORWARD", "what is no code of danhmuc.hangxe"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStandards(t)
			s.put("codelists/danhmuc.hangxe.json", list)
			s.put("phuongtien.bienso/v1/examples/valid/1.json", `{"so": "A", "chu": "Lê Văn Ví Dụ"}`)
			s.put("phuongtien.bienso/v1/examples/invalid/1.json", `{"about": "none", "expect": [{"pointer": "/so", "rule": "required"}], "document": {"chu": "Lê Văn Ví Dụ"}}`)
			s.edit(schemaFile, row.first...)
			s.release()
			s.edit(schemaFile, row.then...)
			s.version("1.0.0", "1.1.0")
			var no *RefusedError
			if err := s.propose(); !errors.As(err, &no) {
				t.Fatalf("got %v", err)
			}
			r := no.Comparison.Judgement.Refusals // the first is by the rule, a second by the comparison of the schemas
			if string(r[0].Direction) != row.direction || !strings.Contains(r[0].What.EN, row.says) || r[0].Fix.Empty() || row.direction == "" && len(r) != 1 {
				t.Errorf("refused: %+v", r)
			}
		})
	}
}

// The remedy of a refusal is about the new version: what was published does not change any more, whoever breaks.
func TestRemedyIsAboutTheNewVersion(t *testing.T) {
	for direction, length := range map[string]string{"BACKWARD": "10", "FORWARD": "30"} {
		s := newStandards(t)
		s.release()
		s.edit(schemaFile, `"maxLength": 20`, `"maxLength": `+length)
		s.version("1.0.0", "1.1.0")
		var no *RefusedError
		if err := s.propose(); !errors.As(err, &no) {
			t.Fatal(err)
		}
		r := no.Comparison.Judgement.Refusals
		if len(r) != 1 || string(r[0].Direction) != direction || !strings.HasSuffix(r[0].Fix.EN, "/so/maxLength what stood there before: 20") || !strings.Contains(r[0].Fix.VI, "trước đây: 20") {
			t.Errorf("%s: %+v", direction, r)
		}
		s.edit(schemaFile, `"maxLength": `+length, `"maxLength": 20`, "Biển số", "Biển số xe")
		if err := s.propose(); err != nil {
			t.Errorf("%s, as the remedy has it: %v", direction, err)
		}
	}
}
