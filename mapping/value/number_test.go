package value_test

import (
	"math/big"
	"testing"

	"pgregory.net/rapid"

	"github.com/lienthong/truc/mapping/value"
)

func TestAppendDigits(t *testing.T) {
	if got := string(value.AppendDigits([]byte("x"), []byte(" 012.345-678 ₫ngày٣"))); got != "x012345678" {
		t.Errorf("got %q", got)
	}
}

func TestAppendPad(t *testing.T) {
	for _, c := range []struct {
		in   string
		n    int
		want string
	}{{"1", 5, "00001"}, {"1099012345", 12, "001099012345"}, {"123456", 5, "123456"}, {"", 5, ""}, {"ab", 0, "ab"}} {
		if got := string(value.AppendPad([]byte("x"), []byte(c.in), c.n)); got != "x"+c.want {
			t.Errorf("pad %q to %d: got %q, want %q", c.in, c.n, got, "x"+c.want)
		}
	}
}

func TestAppendDecimal(t *testing.T) {
	for in, want := range map[string]string{
		"0": "0", "-0": "0", "+0.00": "0", "00012": "12", "12.50": "12.5", "-12.5": "-12.5", "+7": "7", ".5": "0.5", "5.": "5",
		" 3.10\t":                           "3.1", //nolint:gocritic // blanks at the ends are what is tested
		"123456789012345678901234567890.10": "123456789012345678901234567890.1", "1e3": "1000", "1.5e-3": "0.0015", "-2.50E+1": "-25",
		"1e-5": "0.00001", "0.00e9": "0", "120e-1": "12", "1.234567e+06": "1234567", "100": "100", "0.001e3": "1", "0.0012e2": "0.12",
	} {
		if got, ok := value.AppendDecimal([]byte("x"), []byte(in)); !ok || string(got) != "x"+want {
			t.Errorf("%q: got %q, %v; want %q", in, got, ok, want)
		}
	}
	for _, bad := range []string{"", " ", "-", ".", "1.234,56", "1,5", "1 000", "NaN", "Infinity", "-Infinity", "1.2.3", "1e", "e5", "1e5.0", "--1", "0x10", "1_000", "1e999999", "1e-9999999", "٣"} {
		if got, ok := value.AppendDecimal([]byte("x"), []byte(bad)); ok || string(got) != "x" {
			t.Errorf("%q: got %q, %v; want a refusal", bad, got, ok)
		}
	}
}

func TestDecimalIsExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := rapid.StringMatching(`[+-]?[0-9]{0,20}[0-9](\.[0-9]{0,15})?([eE][+-]?[0-9]{1,2})?`).Draw(t, "number")
		got, ok := value.AppendDecimal(nil, []byte(in))
		want, _ := new(big.Rat).SetString(in)
		have, valid := new(big.Rat).SetString(string(got))
		if !ok || !valid || want.Cmp(have) != 0 {
			t.Fatalf("%q: got %q, %v", in, got, ok)
		}
		if again, ok := value.AppendDecimal(nil, got); !ok || string(again) != string(got) {
			t.Fatalf("not canonical: %q → %q", got, again)
		}
	})
}

func FuzzDecimal(f *testing.F) {
	f.Add([]byte("-12.50e-3"))
	f.Fuzz(func(t *testing.T, src []byte) {
		got, ok := value.AppendDecimal(nil, src)
		if !ok {
			return
		}
		if again, ok := value.AppendDecimal(nil, got); !ok || string(again) != string(got) {
			t.Fatalf("%q → %q → %q", src, got, again)
		}
	})
}

func BenchmarkAppendDecimal(b *testing.B) {
	src, dst := []byte("1250000.50"), make([]byte, 0, 64)
	b.ReportAllocs()
	for b.Loop() {
		dst, _ = value.AppendDecimal(dst[:0], src)
	}
}
