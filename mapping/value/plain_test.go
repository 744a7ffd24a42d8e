package value_test

import (
	"bytes"
	"encoding/json"
	"testing"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
	"pgregory.net/rapid"

	"github.com/lienthong/truc/mapping/value"
)

// requirePlain is what Plain promises of what it holds for plain.
func requirePlain(t interface {
	Helper()
	Fatalf(string, ...any)
}, text []byte,
) (plain bool) {
	t.Helper()
	if plain = value.Plain(text); !plain {
		return false
	}
	clean, ok := value.AppendText(nil, text)
	if !ok || !bytes.Equal(clean, text) {
		t.Fatalf("%q is held for plain, AppendText gives %q, %v", text, clean, ok)
	}
	if !utf8.Valid(text) || !norm.NFC.IsNormal(text) {
		t.Fatalf("%q is held for plain and is not NFC", text)
	}
	var quoted bytes.Buffer
	e := json.NewEncoder(&quoted)
	e.SetEscapeHTML(false)
	if err := e.Encode(string(text)); err != nil || quoted.String() != `"`+string(text)+"\"\n" {
		t.Fatalf("%q is held for plain, JSON writes %s, %v", text, quoted.Bytes(), err)
	}
	return true
}

func TestPlain(t *testing.T) {
	for _, text := range []string{"", "a", "Nguyễn Văn Mẫu", "H'Mông", "Số 2, phố Mẫu", "001080000001", "ƠƯĐơưđ", "ạỹỸ", "a b c"} {
		if !requirePlain(t, []byte(text)) {
			t.Errorf("%q is not held for plain", text)
		}
	}
	for _, text := range []string{
		" ", " a", "a ", "a  b", "a\tb", "a\n", "\x00", "a\x7f", `a"b`, `a\b`, "a\u00a0b", "a\u00adb", "\u0085", "\ufeffa", "\u200b", "a\u0300", "e\u0302\u0301",
		"\u1e9b\u0323", "\xc3", "\xc3a", "\xe1\xba", "\xe1\xbb", "\xe1\xba\x20", "\xe1\xba\x9f", "\xe1\x80\x80", "\xc0\x80", "\xff", "\xed\xa0\x80", "漢", "Ạ\x80",
	} {
		if requirePlain(t, []byte(text)) {
			t.Errorf("%q is held for plain", text)
		}
	}
}

// Every character, alone and between the letters and marks that could change it.
func TestPlainOfEveryCharacter(t *testing.T) {
	for r := rune(0); r <= 0xFFFF; r++ {
		if r >= 0xD800 && r < 0xE000 {
			continue
		}
		for _, around := range []string{"", "a", "ê", "Ạ", "\u0301", " "} {
			requirePlain(t, []byte(string(r)+around))
			requirePlain(t, []byte(around+string(r)))
			requirePlain(t, []byte(around+string(r)+around))
		}
	}
}

func FuzzPlain(f *testing.F) {
	f.Add([]byte("Nguyễn Văn Mẫu"))
	f.Add([]byte("e\u0302\u0301 \xe1\xba"))
	f.Fuzz(func(t *testing.T, text []byte) { requirePlain(t, text) })
}

func TestPlainProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pieces := rapid.SliceOf(rapid.SampledFrom([]string{"a", "B", " ", "ê", "ạ", "Ữ", "đ", "\u0301", "\"", "\\", "\xe1", "\xba", "\xbb", "\xc3", "\x80", "\u00a0", "9", "ș", "ɐ"})).Draw(t, "pieces")
		var text []byte
		for _, p := range pieces {
			text = append(text, p...)
		}
		requirePlain(t, text)
	})
}

func BenchmarkPlain(b *testing.B) {
	text := []byte("Bệnh viện Sản Nhi Mẫu, phường Vĩnh Yên, tỉnh Phú Thọ")
	b.ReportAllocs()
	for b.Loop() {
		if !value.Plain(text) {
			b.Fatal("not plain")
		}
	}
}
