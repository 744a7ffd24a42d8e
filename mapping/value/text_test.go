package value_test

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
	"pgregory.net/rapid"

	"github.com/lienthong/truc/mapping/value"
)

func TestAppendText(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"plain", "Tran Van A", "Tran Van A"},
		{"vietnamese", "Nguyễn Thị Đào", "Nguyễn Thị Đào"},
		{"decomposed", norm.NFD.String("Nguyễn Thị Đào"), "Nguyễn Thị Đào"},
		{"composed in part", "Nguyê\u0303n", "Nguyễn"},
		{"blanks", "  Nguyễn \t\r\n Văn\u00a0\u00a0A\u3000 ", "Nguyễn Văn A"},
		{"blank before a letter beyond ascii", "Lê Ánh  Ánh", "Lê Ánh Ánh"},
		{"zero width", "\ufeffNguy\u200bễn\u200d \u00adAn\u2060", "Nguyễn An"},
		{"zero width between blanks", "A \u200b B", "A B"},
		{"zero width before a mark", "e\u200b\u0302", "ê"},
		{"only blanks", " \u00a0\u200b ", ""},
		{"empty", "", ""},
		{"case and tone placement stay", "HOÀ hòa hoà Lý Lí", "HOÀ hòa hoà Lý Lí"},
		{"other controls stay", "a\x01b", "a\x01b"},
	} {
		t.Run(c.name, func(t *testing.T) {
			// The buffer ends in a letter that would compose with a leading mark, and in a blank.
			for _, before := range []string{"", "e", " "} {
				got, ok := value.AppendText([]byte(before), []byte(c.in))
				if !ok || string(got) != before+c.want {
					t.Errorf("got %q, %v; want %q", got, ok, before+c.want)
				}
			}
		})
	}
	if got, ok := value.AppendText([]byte("e"), []byte("\u0302a\u0302")); !ok || string(got) != "e\u0302â" {
		t.Errorf("a leading mark touched the buffer: got %q, %v", got, ok)
	}
	for _, bad := range []string{"a\xff", "\xc3", "Nguy\xd4n", "\xed\xa0\x80"} {
		if got, ok := value.AppendText([]byte("x"), []byte(bad)); ok || string(got) != "x" {
			t.Errorf("%q: got %q, %v; want a refusal", bad, got, ok)
		}
	}
}

// vietnamese draws text with everything that happens in names: composed, decomposed, blanks, invisible characters, other scripts.
func vietnamese() *rapid.Generator[string] {
	letters := []rune("abcđĐxAZ09.,-' \t\n\u00a0\u200b\ufeff\u00adàảãáạăằẳẵắặâầẩẫấậêềểễếệôồổỗốộơờởỡớợưừửữứựỳỷỹýỵÀẠẶỆỘƯ\u0300\u0301\u0303\u0309\u0323\u0302\u0306\u031b漢한ﬁΩ")
	return rapid.StringOf(rapid.OneOf(rapid.SampledFrom(letters), rapid.Rune()))
}

func TestTextProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := vietnamese().Draw(t, "text")
		got, ok := value.AppendText(nil, []byte(in))
		if ok != utf8.ValidString(in) {
			t.Fatalf("ok = %v for %q", ok, in)
		}
		if !norm.NFC.IsNormal(got) {
			t.Fatalf("%q is not NFC", got)
		}
		if again, _ := value.AppendText(nil, got); string(again) != string(got) {
			t.Fatalf("not idempotent: %q → %q → %q", in, got, again)
		}
		if s := string(got); s != strings.Join(strings.FieldsFunc(s, unicode.IsSpace), " ") {
			t.Fatalf("blanks are left in %q", s)
		}
		if composed, _ := value.AppendText(nil, norm.NFD.Bytes([]byte(in))); string(composed) != string(got) {
			t.Fatalf("composed and decomposed differ: %q and %q", got, composed)
		}
		key, ok := value.AppendMatchKey(nil, got)
		if !ok {
			t.Fatalf("no key for %q", got)
		}
		if again, _ := value.AppendMatchKey(nil, key); string(again) != string(key) {
			t.Fatalf("key is not idempotent: %q → %q → %q", got, key, again)
		}
	})
}

func TestAppendMatchKey(t *testing.T) {
	want := "nguyen thi duc hoa"
	for _, in := range []string{"Nguyễn Thị Đức Hoà", "NGUYỄN THỊ ĐỨC HÒA", norm.NFD.String("nguyễn thị đức hòa"), want} {
		if got, ok := value.AppendMatchKey(nil, []byte(in)); !ok || string(got) != want {
			t.Errorf("%q: got %q, %v; want %q", in, got, ok, want)
		}
	}
	if got, ok := value.AppendMatchKey([]byte("x"), []byte("a\xff")); ok || string(got) != "x" {
		t.Errorf("got %q, %v; want a refusal", got, ok)
	}
}

func FuzzText(f *testing.F) {
	f.Add([]byte(" Nguyê\u0303n \u200b A"))
	f.Fuzz(func(t *testing.T, src []byte) {
		got, ok := value.AppendText(nil, src)
		if ok != utf8.Valid(src) {
			t.Fatalf("ok = %v", ok)
		}
		if again, _ := value.AppendText(nil, got); string(again) != string(got) {
			t.Fatalf("not idempotent: %q → %q", got, again)
		}
		value.AppendMatchKey(nil, src)
	})
}

func BenchmarkAppendText(b *testing.B) {
	for _, c := range []struct{ name, in string }{
		{"ascii", "12 Nguyen Trai, phuong 5"},
		{"nfc", "Nguyễn Thị Thu Hương"},
		{"nfd", norm.NFD.String("Nguyễn Thị Thu Hương")},
	} {
		b.Run(c.name, func(b *testing.B) {
			src, dst := []byte(c.in), make([]byte, 0, 64)
			b.ReportAllocs()
			for b.Loop() {
				dst, _ = value.AppendText(dst[:0], src)
			}
		})
	}
}

func BenchmarkAppendMatchKey(b *testing.B) {
	src, dst := []byte("Nguyễn Thị Thu Hương"), make([]byte, 0, 64)
	b.ReportAllocs()
	for b.Loop() {
		dst, _ = value.AppendMatchKey(dst[:0], src)
	}
}
