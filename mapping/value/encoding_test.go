package value_test

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/lienthong/truc/mapping/value"
)

// TestEveryLetterInEveryEncoding: each of the 134 letters goes out and comes back, composed or decomposed, and in a word. TCVN3 has no toned
// capitals; its capital fonts have nothing else.
func TestEveryLetterInEveryEncoding(t *testing.T) {
	for _, e := range value.Encodings() {
		for _, letter := range letters134() {
			want, lower := letter, strings.ToLower(letter) == letter
			switch {
			case strings.HasSuffix(e.Name, "-hoa"):
				want = strings.ToUpper(letter)
			case strings.HasPrefix(e.Name, "tcvn3") && !lower && onlyVN1(letter):
				want = ""
			}
			raw, ok := e.Encode([]byte("x"), []byte(letter))
			if ok != (want != "") {
				t.Errorf("%s: encode %s: %v", e.Name, letter, ok)
			}
			if !ok {
				if string(raw) != "x" {
					t.Errorf("%s: a refusal left %q", e.Name, raw)
				}
				continue
			}
			raw = raw[1:]
			// The buffer ends in a letter that would compose with a tone.
			if got, ok := e.Decode([]byte("a"), raw); !ok || string(got) != "a"+want {
				t.Errorf("%s: %s comes back as %q, %v", e.Name, letter, got, ok)
			}
			decomposed, ok := e.Encode(nil, norm.NFD.Bytes([]byte(letter)))
			if !ok || e.Name != "utf-8" && !bytes.Equal(decomposed, raw) {
				t.Errorf("%s: %s decomposed is written %X, %v; want %X", e.Name, letter, decomposed, ok, raw)
			}
			word := "x" + letter + "u " + letter + "."
			raw, ok = e.Encode(nil, []byte(word))
			got, okBack := e.Decode(nil, raw)
			if back := strings.ReplaceAll(word, letter, want); strings.HasSuffix(e.Name, "-hoa") {
				want = strings.ToUpper(back)
			} else {
				want = back
			}
			if !ok || !okBack || string(got) != want {
				t.Errorf("%s: %q comes back as %q, %v, %v", e.Name, word, got, ok, okBack)
			}
		}
	}
}

// TestNothingBecomesAQuestionMark: what an encoding cannot say is refused, and what was in the buffer stays.
func TestNothingBecomesAQuestionMark(t *testing.T) {
	for _, e := range value.Encodings() {
		if e.Name == "utf-8" {
			continue
		}
		for _, bad := range []string{"漢", "An 漢", "\u200b", "\U0001F600", "�", "n\u0302", "a\xff", "\xc3"} {
			if got, ok := e.Encode([]byte("x"), []byte(bad)); ok || string(got) != "x" {
				t.Errorf("%s: encode %q: %q, %v; want a refusal", e.Name, bad, got, ok)
			}
		}
	}
	for name, list := range map[string][]string{
		"vni":              {"Nguy\xd4n V\xa8n", "\xf8", "b\xf8", "e\xea", "o\xe8", "\x81", "a\xe2\xf8", "\xdd", "\xa7"},
		"cp1258":           {"\xcc", "b\xcc", "\xea\xcc\xcc", " \xf2", "\x8a", "\x8d", "\x9e"},
		"tcvn3":            {"Nguye\xe3n V\xe2\x81n", "\xff", "\x80"},
		"tcvn3-hoa":        {"\xff", "\x80"},
		"utf-8":            {"Nguy\xd4n", "\xc3", "\xed\xa0\x80"},
		"vni-latin1":       {"Nguyễn", "\xff", "b\u00f8", "\u0100"},
		"viscii-latin1":    {"Nguyễn", "\xff", "\u0100"},
		"cp1258-latin1":    {"Nguyễn", "\xff", "\u00cc"},
		"tcvn3-latin1-hoa": {"Nguyễn", "\xff", "\u00ff"},
	} {
		for _, bad := range list {
			if got, ok := encodingNamed(t, name).Decode([]byte("x"), []byte(bad)); ok || string(got) != "x" {
				t.Errorf("%s: decode %q: %q, %v; want a refusal", name, bad, got, ok)
			}
		}
	}
}

func TestWordsInLegacyEncodings(t *testing.T) {
	for _, c := range []struct{ encoding, raw, want string }{
		{"vni", "Nguye\xe3n Va\xean \xd1\xf6\xf9c", "Nguyễn Văn Đức"},
		{"vni", "NGUYE\xc3N TH\xd2 HO\xc0NG", "NGUYỄN THỊ HỒNG"},
		{"vni", "A\xf9nh, th\xf4 \x96 12 m\xb2", "Ánh, thơ – 12 m²"}, // Initcap left a capital with a small mark
		{"vni", "hoa\xf8 ho\xf8a Thu\xee kh\xf3u", "hoà hòa Thuỵ khĩu"},
		{"vni-latin1", "Nguyeãn Vaên Ñöùc “Tö”", "Nguyễn Văn Đức “Tư”"},
		{"viscii", "Nguy\xad\x6e V\xe5n \xd0\xd1c \x02", "Nguyễn Văn Đức Ẳ"},
		{"viscii-latin1", "Nguy\u00adn Vån ÐÑc \u0080€", "Nguyễn Văn Đức ẠẠ"},
		{"cp1258", "Nguy\xea\xden V\xe3n \xd0\xfd\xecc \xfe", "Nguyễn Văn Đức ₫"},
		{"cp1258-latin1", "NguyêÞn Vãn Ðýìc", "Nguyễn Văn Đức"},
		{"tcvn3-hoa", "nguy\xd4n v\xa8n \xae\xf8c", "NGUYỄN VĂN ĐỨC"},
		{"tcvn3-hoa", "NGUY\xd4N V\xa1N \xa7\xf8C", "NGUYỄN VĂN ĐỨC"},
		{"tcvn3-latin1-hoa", "nguyÔn v¨n ®øc", "NGUYỄN VĂN ĐỨC"},
		{"utf-8", "Nguye\u0302\u0303n", "Nguyễn"},
	} {
		if got, ok := encodingNamed(t, c.encoding).Decode(nil, []byte(c.raw)); !ok || string(got) != c.want {
			t.Errorf("%s: %q is %q, %v; want %q", c.encoding, c.raw, got, ok, c.want)
		}
	}
	if got, ok := encodingNamed(t, "tcvn3-hoa").Encode(nil, []byte("Nguyễn Văn Đức")); !ok || string(got) != "NGUY\xd4N V\xa1N \xa7\xf8C" {
		t.Errorf("for a capital font: %q, %v", got, ok)
	}
	if got, ok := encodingNamed(t, "viscii-latin1").Encode(nil, []byte("Ạ")); !ok || string(got) != "€" {
		t.Errorf("VISCII as CP1252 shows it: %q, %v", got, ok)
	}
	if _, ok := encodingNamed(t, "viscii").Encode(nil, []byte("a\x02")); ok {
		t.Error("a control character whose place VISCII gave to a letter was written")
	}
}

// FuzzEncodings: no input makes a decoder panic or leave something that is not NFC, and what was decoded can be written and read again.
func FuzzEncodings(f *testing.F) {
	for _, s := range []string{"Nguye\xe3n", "Nguy\xea\xden", "Nguy\xaen", "Nguy\xd4n", "NguyÔn", "Nguyễn", "\xcc\xf2", "aâ\u0300"} {
		f.Add([]byte(s))
	}
	all := value.Encodings()
	f.Fuzz(func(t *testing.T, src []byte) {
		for _, e := range all {
			got, ok := e.Decode([]byte("a"), src)
			if !ok {
				if string(got) != "a" {
					t.Fatalf("%s: a refusal of %X left %q", e.Name, src, got)
				}
				e.Encode(nil, src)
				continue
			}
			text := got[1:]
			if !utf8.Valid(text) || !norm.NFC.IsNormal(text) {
				t.Fatalf("%s: %X is %q, not NFC", e.Name, src, text)
			}
			raw, ok := e.Encode(nil, text)
			if !ok {
				t.Fatalf("%s: %X is %q, which cannot be written", e.Name, src, text)
			}
			if again, ok := e.Decode(nil, raw); !ok || !bytes.Equal(again, text) {
				t.Fatalf("%s: %X is %q, written %X, read %q", e.Name, src, text, raw, again)
			}
			if one := e.Name == "tcvn3" || e.Name == "viscii"; one && !bytes.Equal(raw, src) {
				t.Fatalf("%s: %X comes back as %X", e.Name, src, raw)
			}
		}
	})
}

func BenchmarkEncodings(b *testing.B) {
	for _, e := range value.Encodings() {
		src, _ := e.Encode(nil, []byte("nguyễn thị thu hương"))
		dst := make([]byte, 0, 128)
		b.Run(e.Name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				dst, _ = e.Decode(dst[:0], src)
			}
		})
	}
}
