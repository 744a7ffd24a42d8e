package discover

import (
	"strings"
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
	for _, e := range value.Encodings() {
		want := e.Name
		if want == "utf-8" {
			want = ""
		}
		texts := people()
		if strings.HasSuffix(e.Name, "-hoa") {
			for i := range texts {
				texts[i] = strings.ToUpper(texts[i])
			}
		}
		plausible, got := suspect(encoded(t, texts, e.Encode))
		if got != want {
			t.Errorf("%s: suspected %q, want %q; plausible %+v", e.Name, got, want, plausible)
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
