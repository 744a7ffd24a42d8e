package problem

import "testing"

func TestStrange(t *testing.T) {
	for text, want := range map[string]string{
		"Nguyễn Thị Mẫu, 'x' - \"y\" → z": "",
		"so_dk\u200b":  "an invisible character (U+200B)",
		"\ufeffagency": "an invisible character (U+FEFF)",
		"a\u00a0b":     "a blank that is none (U+00A0, as word processors write it)",
		"“dd/MM/yyyy”": "the typographic quotation mark “ instead of \" or '",
		"text（x）":      "the full-width （ instead of (",
		"a – b":        "the dash – instead of the minus sign -",
	} {
		_, got, found := Strange(text)
		if got.EN != want || found != (want != "") {
			t.Errorf("%q: %q, %t; want %q", text, got, found, want)
		}
	}
	if got := Plain("\ufeff\u00a0date（x，“dd/MM/yyyy”） – ‘a’"); got != ` date(x,"dd/MM/yyyy") - 'a'` {
		t.Errorf("plain: %q", got)
	}
	if at, _, _ := Strange("số\u200b"); at != len("số") {
		t.Errorf("offset %d", at)
	}
}
