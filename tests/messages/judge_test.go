package messages

import (
	"slices"
	"strings"
	"testing"

	"github.com/lienthong/truc/problem"
)

func TestJudge(t *testing.T) {
	good := problem.Problem{
		Where: "m.yaml:3:4 fields.so",
		What:  problem.Text{VI: `không có cột "x"`, EN: `unknown column "x"`},
		Fix:   problem.Text{VI: "có phải là y?", EN: "did you mean y?"},
	}
	for name, c := range map[string]struct {
		change func(p *problem.Problem)
		want   string
	}{
		"good":          {func(*problem.Problem) {}, ""},
		"no place":      {func(p *problem.Problem) { p.Where = "" }, "place"},
		"no remedy":     {func(p *problem.Problem) { p.Fix = problem.Text{} }, "remedy"},
		"a repetition":  {func(p *problem.Problem) { p.Fix = p.What }, "repeats"},
		"no deed":       {func(p *problem.Problem) { p.Fix.EN = "it is bad" }, "act on"},
		"English alone": {func(p *problem.Problem) { p.What = problem.Verbatim("the column is missing") }, "English in both"},
		"English words": {func(p *problem.Problem) { p.What.VI = "cột này nhận whole number" }, "whole"},
		"no diacritics": {func(p *problem.Problem) { p.What.VI = "khong co cot nay" }, "letter"},
		"a statement":   {func(p *problem.Problem) { p.Fix = problem.Verbatim("ALTER TABLE x REPLICA IDENTITY is FULL") }, ""},
	} {
		p := good
		c.change(&p)
		got := strings.Join(Faults(p), "; ")
		if (c.want == "") != (got == "") || !strings.Contains(got, c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
	m := NewMarks("Qxzvw", "Ỷỗẫữ")
	for text, want := range map[string]string{"a xzvw b": "xzvw", "QXZ VW": "", "tên ỶỖẪỮ": "ỷỗẫữ", "xzv": ""} {
		if got := m.In(text); got != want {
			t.Errorf("%q holds %q, want %q", text, got, want)
		}
	}
	if !slices.Equal(Faults(good), nil) {
		t.Error("the good one changed")
	}
}
