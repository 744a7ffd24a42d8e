package value_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
	"pgregory.net/rapid"

	"github.com/lienthong/truc/mapping/value"
)

// tcvn3Table is written down from the standard a second time, independently of the decoder: byte in hexadecimal, letter.
const tcvn3Table = `A0 ` + "\u00a0" + ` A1 Ă A2 Â A3 Ê A4 Ô A5 Ơ A6 Ư A7 Đ A8 ă A9 â AA ê AB ô AC ơ AD ư AE đ
B5 à B6 ả B7 ã B8 á B9 ạ BB ằ BC ẳ BD ẵ BE ắ C6 ặ C7 ầ C8 ẩ C9 ẫ CA ấ CB ậ CC è CE ẻ CF ẽ D0 é D1 ẹ D2 ề D3 ể D4 ễ D5 ế D6 ệ
D7 ì D8 ỉ DC ĩ DD í DE ị DF ò E1 ỏ E2 õ E3 ó E4 ọ E5 ồ E6 ổ E7 ỗ E8 ố E9 ộ EA ờ EB ở EC ỡ ED ớ EE ợ EF ù F1 ủ F2 ũ F3 ú F4 ụ
F5 ừ F6 ử F7 ữ F8 ứ F9 ự FA ỳ FB ỷ FC ỹ FD ý FE ỵ`

func table(t testing.TB) map[byte]string {
	m := map[byte]string{}
	f := strings.FieldsFunc(tcvn3Table, func(r rune) bool { return r == ' ' || r == '\n' })
	for i := 0; i < len(f); i += 2 {
		var b byte
		if _, err := fmt.Sscanf(f[i], "%X", &b); err != nil {
			t.Fatal(err)
		}
		m[b] = f[i+1]
	}
	if len(m) != 75 {
		t.Fatalf("the table has %d letters, want 75", len(m))
	}
	return m
}

func TestEveryByteOfTCVN3(t *testing.T) {
	letters := table(t)
	for c := range 256 {
		b := byte(c)
		want, known := letters[b], true
		if b < utf8.RuneSelf {
			want = string(rune(b))
		} else if want == "" {
			known = false
		}
		got, ok := value.AppendTCVN3([]byte("x"), []byte{b})
		if ok != known || string(got) != "x"+want {
			t.Errorf("byte %02X: got %q, %v; want %q, %v", b, got, ok, "x"+want, known)
		}
		latin, ok := value.AppendTCVN3Latin1([]byte("x"), []byte(string(rune(b))))
		if ok != known || string(latin) != "x"+want {
			t.Errorf("U+%04X: got %q, %v; want %q, %v", b, latin, ok, "x"+want, known)
		}
		if !known {
			continue
		}
		if back, ok := value.EncodeTCVN3(nil, []byte(want)); !ok || !bytes.Equal(back, []byte{b}) {
			t.Errorf("encode %q: got %X, %v; want %02X", want, back, ok, b)
		}
		if back, ok := value.EncodeTCVN3Latin1(nil, []byte(want)); !ok || string(back) != string(rune(b)) {
			t.Errorf("encode %q as Latin-1: got %q, %v", want, back, ok)
		}
	}
}

func TestTCVN3Words(t *testing.T) {
	raw := []byte{'N', 'g', 'u', 'y', 0xD4, 'n', ' ', 'V', 0xA8, 'n', ' ', 0xA7, 0xF8, 'c'}
	if got, ok := value.AppendTCVN3(nil, raw); !ok || string(got) != "Nguyễn Văn Đức" {
		t.Errorf("got %q, %v", got, ok)
	}
	if got, ok := value.AppendTCVN3Latin1(nil, []byte("NguyÔn V¨n §øc")); !ok || string(got) != "Nguyễn Văn Đức" {
		t.Errorf("through Latin-1: got %q, %v", got, ok)
	}
	// The same bytes mean different things raw and as UTF-8: this is why it is declared.
	both := []byte{0xCC, 0xB5}
	if got, ok := value.AppendTCVN3(nil, both); !ok || string(got) != "èà" {
		t.Errorf("raw: got %q, %v", got, ok)
	}
	for _, bad := range []string{"Nguyễn", "\xff\xfe", "€", "’", "�"} {
		if got, ok := value.AppendTCVN3Latin1([]byte("x"), []byte(bad)); ok || string(got) != "x" {
			t.Errorf("%q: got %q, %v; want a refusal", bad, got, ok)
		}
	}
	for _, bad := range []string{"NGUYỄN", "Ạ", "漢", "\xff", "A\u0300"} {
		if got, ok := value.EncodeTCVN3([]byte("x"), []byte(bad)); ok || string(got) != "x" {
			t.Errorf("encode %q: got %q, %v; want a refusal", bad, got, ok)
		}
	}
	if got, ok := value.EncodeTCVN3(nil, norm.NFD.Bytes([]byte("Nguyễn Văn Đức"))); !ok || !bytes.Equal(got, raw) {
		t.Errorf("decomposed: got %X, %v", got, ok)
	}
}

func TestTCVN3RoundTrip(t *testing.T) {
	var alphabet []rune
	for _, s := range table(t) {
		alphabet = append(alphabet, []rune(s)...)
	}
	for c := rune(0); c < utf8.RuneSelf; c++ {
		alphabet = append(alphabet, c)
	}
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringOf(rapid.SampledFrom(alphabet)).Draw(t, "text")
		raw, ok := value.EncodeTCVN3(nil, []byte(text))
		if !ok {
			t.Fatalf("encode refused %q", text)
		}
		if got, ok := value.AppendTCVN3(nil, raw); !ok || string(got) != text || !norm.NFC.IsNormal(got) {
			t.Fatalf("got %q, %v; want %q", got, ok, text)
		}
		mojibake, ok := value.EncodeTCVN3Latin1(nil, []byte(text))
		if !ok {
			t.Fatalf("encode refused %q", text)
		}
		if got, ok := value.AppendTCVN3Latin1(nil, mojibake); !ok || string(got) != text {
			t.Fatalf("through Latin-1: got %q, %v; want %q", got, ok, text)
		}
	})
}

func FuzzTCVN3(f *testing.F) {
	f.Add([]byte("Nguy\xd4n"))
	f.Add([]byte("NguyÔn"))
	f.Fuzz(func(t *testing.T, src []byte) {
		if got, ok := value.AppendTCVN3(nil, src); ok {
			if back, ok := value.EncodeTCVN3(nil, got); !ok || !bytes.Equal(back, src) {
				t.Fatalf("%X → %q → %X", src, got, back)
			}
		}
		if got, ok := value.AppendTCVN3Latin1(nil, src); ok {
			if back, ok := value.EncodeTCVN3Latin1(nil, got); !ok || !bytes.Equal(back, src) {
				t.Fatalf("%q → %q → %q", src, got, back)
			}
		}
	})
}

func BenchmarkAppendTCVN3(b *testing.B) {
	src := []byte("Nguy\xd4n Th\xde Thu H\xad\xacng")
	dst := make([]byte, 0, 64)
	b.ReportAllocs()
	for b.Loop() {
		dst, _ = value.AppendTCVN3(dst[:0], src)
	}
}

func BenchmarkAppendTCVN3Latin1(b *testing.B) {
	src := []byte("NguyÔn ThÞ Thu H\u00ad¬ng")
	dst := make([]byte, 0, 64)
	b.ReportAllocs()
	for b.Loop() {
		dst, _ = value.AppendTCVN3Latin1(dst[:0], src)
	}
}
