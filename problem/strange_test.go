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

func TestVisible(t *testing.T) {
	for text, want := range map[string]string{
		"Họ và tên":           "Họ và tên",
		"a\x1b[31mb":          `a\x1B[31mb`,
		"a\nb\tc\x7f":         `a\x0Ab\x09c\x7F`,
		"c1\u009b31m":         `c1\u{009B}31m`,
		"right\u202eleft":     `right\u{202E}left`,
		"two\u2028lines":      `two\u{2028}lines`,
		"no utf-8 \xc3( \xff": `no utf-8 \xC3( \xFF`,
		"said \ufffd":         "said \ufffd",
	} {
		if got := Visible(text); got != want {
			t.Errorf("%q is shown as %s, want %s", text, got, want)
		}
	}
}
