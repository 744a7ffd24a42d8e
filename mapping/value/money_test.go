package value_test

import (
	"strings"
	"testing"

	"github.com/lienthong/truc/mapping/value"
)

func TestAppendMoney(t *testing.T) {
	const refused = ""
	for _, c := range []struct{ in, either, vi, en string }{
		{"1.234.567 đ", "1234567", "1234567", refused},
		{"1,234,567.50", "1234567.5", refused, "1234567.5"},
		{"1.234.567,50", "1234567.5", "1234567.5", refused},
		{"1234567", "1234567", "1234567", "1234567"},
		{"1.234", refused, "1234", "1.234"},
		{"1,234", refused, "1.234", "1234"},
		{"1.000", refused, "1000", "1"},
		{"0.500", "0.5", refused, "0.5"},
		{"12,5", "12.5", "12.5", refused},
		{"12.50", "12.5", refused, "12.5"},
		{"1 234 567", "1234567", "1234567", "1234567"},
		{"1\u00a0234\u00a0567 VNĐ", "1234567", "1234567", "1234567"},
		{"1 234,5", "1234.5", "1234.5", refused},
		{"1.234 567", refused, refused, refused},
		{"-1.234.567đ", "-1234567", "-1234567", refused},
		{"−5 đồng", "-5", "-5", "-5"},
		{"VND 5000", "5000", "5000", "5000"},
		{"5000₫", "5000", "5000", "5000"},
		{"5000 VND", "5000", "5000", "5000"},
		{"5000 Đ", "5000", "5000", "5000"},
		{"0", "0", "0", "0"},
		{"1.23.456", refused, refused, refused},
		{"1.2345.678", refused, refused, refused},
		{"1234.567.890", refused, refused, refused},
		{"1,234,56", refused, refused, refused},
		{"1.234.567.", refused, refused, refused},
		{"1.234.567,", refused, refused, refused},
		{"1,234.567", "1234.567", refused, "1234.567"},
		{".5", refused, refused, refused},
		{"5 triệu", refused, refused, refused},
		{"5 USD", refused, refused, refused},
		{"$5", refused, refused, refused},
		{"(5)", refused, refused, refused},
		{"1e6", refused, refused, refused},
		{"đ", refused, refused, refused},
		{"", refused, refused, refused},
		{"- ", refused, refused, refused},
		{"5-", refused, refused, refused},
		{"1\xff", refused, refused, refused},
		{strings.Repeat("9", 60), strings.Repeat("9", 60), strings.Repeat("9", 60), strings.Repeat("9", 60)},
		{strings.Repeat("9", 70), refused, refused, refused},
		{strings.Repeat("9", 300), refused, refused, refused},
	} {
		for g, want := range map[value.Grouping]string{value.EitherGrouping: c.either, value.VietnameseGrouping: c.vi, value.EnglishGrouping: c.en} {
			got, ok := value.AppendMoney([]byte("x"), []byte(c.in), g)
			if ok != (want != refused) || string(got) != "x"+want {
				t.Errorf("%q (%d): %q, %v; want %q", c.in, g, got, ok, want)
			}
		}
	}
}

func FuzzMoney(f *testing.F) {
	f.Add("1.234.567,50 đ")
	f.Fuzz(func(t *testing.T, s string) {
		for _, g := range []value.Grouping{value.EitherGrouping, value.VietnameseGrouping, value.EnglishGrouping} {
			got, ok := value.AppendMoney(nil, []byte(s), g)
			if !ok {
				continue
			}
			if again, ok := value.AppendDecimal(nil, got); !ok || string(again) != string(got) {
				t.Fatalf("%q is %q, not canonical", s, got)
			}
		}
	})
}
