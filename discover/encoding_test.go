package discover

import (
	"testing"

	"github.com/lienthong/truc/mapping/value"
)

func people() []string {
	return []string{
		"Nguyễn Văn Mẫu", "Trần Thị Ví Dụ", "Lê Hoàng Thử", "Phạm Đức Giả Định", "Hoàng Thị Mẫu", "Đỗ Quốc Thử", "Vũ Thị Hương Mẫu", "Bùi Xuân Mẫu",
		"Đặng Thị Quỳnh Thử", "Ngô Gia Mẫu", "Dương Khuê Thử", "Lý Thị Nguyệt Mẫu",
	}
}

func encoded(t *testing.T, texts []string, encode func(dst, src []byte) ([]byte, bool)) map[string]int {
	t.Helper()
	out := map[string]int{}
	for _, s := range texts {
		b, ok := encode(nil, []byte(s))
		if !ok {
			t.Fatalf("%q cannot be encoded", s)
		}
		out[string(b)] = 1
	}
	return out
}

func TestSuspect(t *testing.T) {
	utf8 := func(dst, src []byte) ([]byte, bool) { return append(dst, src...), true }
	for _, c := range []struct {
		name   string
		encode func(dst, src []byte) ([]byte, bool)
		want   string
	}{
		{"utf-8", utf8, ""},
		{"tcvn3", value.EncodeTCVN3, "tcvn3"},
		{"tcvn3-latin1", value.EncodeTCVN3Latin1, "tcvn3-latin1"},
	} {
		plausible, got := suspect(encoded(t, people(), c.encode))
		if got != c.want {
			t.Errorf("%s: suspected %q, want %q; plausible %+v", c.name, got, c.want, plausible)
		}
	}
	if _, got := suspect(encoded(t, people()[:2], value.EncodeTCVN3)); got != "" {
		t.Errorf("two texts were enough to suspect %q", got)
	}
	// Neither Vietnamese in any encoding, nor too few.
	foreign := map[string]int{"Müller": 1, "Çelik": 1, "Ångström": 1, "Größe": 1, "naïve façade": 1, "Señor Piñata": 1}
	if _, got := suspect(foreign); got != "" {
		t.Errorf("foreign names are taken for %s", got)
	}
}

func TestSyllables(t *testing.T) {
	for _, s := range []string{"Nguyễn", "Văn", "nghiêng", "giếng", "gì", "quốc", "khuya", "đường", "Mẫu", "yêu", "oanh", "ƯƠNG", "thuở", "TP", "UBND"} {
		if !syllable(s) {
			t.Errorf("%s is no syllable", s)
		}
	}
	for _, s := range []string{"NguyÔn", "V¨n", "Müller", "façade", "fan", "wax", "jazz", "zzz", "strong", "ngườiiii", "mẫux", "ắấ"} {
		if syllable(s) {
			t.Errorf("%s is a syllable", s)
		}
	}
}
