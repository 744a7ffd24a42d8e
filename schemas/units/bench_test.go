package units

import "testing"

func BenchmarkByCode(b *testing.B) {
	c := catalogue(b)
	text := []byte("10978")
	b.ReportAllocs()
	for b.Loop() {
		if c.Resolve(text, dayBefore).Unit == nil {
			b.Fatal("not found")
		}
	}
}

// BenchmarkByText resolves addresses of every kind: full and short, hard and ambiguous, and translates them to the units of
// today.
func BenchmarkByText(b *testing.B) {
	c := catalogue(b)
	for _, x := range []struct{ name, text string }{
		{"Full", "xã Hồng Khê, huyện Bình Giang, tỉnh Hải Dương"},
		{"Street", "Số 12, ngõ 3, đường Nguyễn Văn Mẫu, phường Trần Hưng Đạo, TP Hải Dương, tỉnh Hải Dương"},
		{"Short", "P. 5 Q.3 TP HCM"},
		{"NoWords", "Hồng Khê, Bình Giang, Hải Dương"},
		{"Ambiguous", "phường 12, TP Hồ Chí Minh"},
		{"Unknown", "xã Tân Hưng, huyện Bình Giang, tỉnh Hải Dương"},
		{"NoCommas", "xã Hồng Khê huyện Bình Giang tỉnh Hải Dương"},
	} {
		b.Run(x.name, func(b *testing.B) {
			text := []byte(x.text)
			b.ReportAllocs()
			for b.Loop() {
				if r := c.Resolve(text, 20240101); r.Unit != nil {
					r.Unit.On(c.Latest())
				}
			}
		})
	}
}
