package value_test

import (
	"bytes"
	"testing"

	"golang.org/x/text/unicode/norm"
	"pgregory.net/rapid"

	"github.com/lienthong/truc/mapping/value"
)

func TestAppendTitle(t *testing.T) {
	for in, want := range map[string]string{
		"NGUYỄN  VĂN ĐỨC ":             "Nguyễn Văn Đức",
		norm.NFD.String("NGUYỄN ĐỨC"):  "Nguyễn Đức",
		"nguyễn thị ánh":               "Nguyễn Thị Ánh",
		"H'HEN NIÊ":                    "H'Hen Niê",
		"Y-BIÊN ÊBAN":                  "Y-Biên Êban",
		"số 12A ngõ 3b":                "Số 12A Ngõ 3b",
		"(TRẦN) VĂN.AN/bình":           "(Trần) Văn.An/Bình",
		"":                             "",
		" \u200b":                      "",
		"ỷ lan":                        "Ỷ Lan",
		"n\u0302GUYEN":                 "N\u0302guyen",
		"tp. hồ chí minh, việt nam 1a": "Tp. Hồ Chí Minh, Việt Nam 1a",
	} {
		if got, ok := value.AppendTitle([]byte("e"), []byte(in)); !ok || string(got) != "e"+want {
			t.Errorf("%q: %q, %v; want %q", in, got, ok, want)
		}
	}
	if got, ok := value.AppendTitle([]byte("x"), []byte("a\xff")); ok || string(got) != "x" {
		t.Errorf("got %q, %v; want a refusal", got, ok)
	}
}

func TestTitleProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := vietnamese().Draw(t, "text")
		got, ok := value.AppendTitle(nil, []byte(in))
		if !ok || !norm.NFC.IsNormal(got) {
			t.Fatalf("%q, %v", got, ok)
		}
		if again, _ := value.AppendTitle(nil, got); string(again) != string(got) {
			t.Fatalf("not idempotent: %q → %q → %q", in, got, again)
		}
		text, _ := value.AppendText(nil, []byte(in))
		// Some letters, like U+1C80, are small forms of capitals that have another one.
		a, _ := value.AppendMatchKey(nil, bytes.ToUpper(text))
		if b, _ := value.AppendMatchKey(nil, bytes.ToUpper(got)); string(a) != string(b) {
			t.Fatalf("another word: %q, %q", a, b)
		}
	})
}
