package value_test

import (
	"strings"
	"testing"

	"github.com/lienthong/truc/mapping/value"
)

func TestParseAddress(t *testing.T) {
	for in, want := range map[string]string{ // rest | commune | district | province
		"Số 5, thôn 2, xã Tân Mẫu, huyện Mẫu, tỉnh Phú Thọ": "Số 5, thôn 2|xã Tân Mẫu|huyện Mẫu|tỉnh Phú Thọ",
		"Số 5, xã Tân Mẫu, tỉnh Phú Thọ":                    "Số 5|xã Tân Mẫu||tỉnh Phú Thọ",
		"12 Lê Lợi, P. Bến Nghé, Q.1, TP. Hồ Chí Minh":      "12 Lê Lợi|P. Bến Nghé|Q.1|TP. Hồ Chí Minh",
		"12 Lê Lợi, P5, Q 3, TP Hồ Chí Minh, Việt Nam":      "12 Lê Lợi|P5|Q 3|TP Hồ Chí Minh",
		"Phường Mai, thành phố Vinh, tỉnh Nghệ An":          "|Phường Mai|thành phố Vinh|tỉnh Nghệ An",
		"xã A, H. B, Phú Thọ":                               "|xã A|H. B|Phú Thọ",
		"xã A, huyện B":                                     "|xã A|huyện B|",
		"TT. Mẫu, huyện B, TP. Hà Nội":                      "|TT. Mẫu|huyện B|TP. Hà Nội",
		"phường A, TT. Huế":                                 "|phường A||TT. Huế",
		"TT. Huế":                                           "|||",
		"thị trấn A; thị xã B; tỉnh C":                      "|thị trấn A|thị xã B|tỉnh C",
		"số 1 - phường A - quận B - thành phố C":            "số 1|phường A|quận B|thành phố C",
		"Xa La, Phương Mai, Quan Hoa, Phú Thọ":              "|||",
		"Phú Thọ":       "|||",
		"Tổ 3, Phú Thọ": "|||",
		"tổ dân phố 4, phường Mới, Hà Nội, Việt Nam": "tổ dân phố 4|phường Mới||Hà Nội",
		"Thành phố Hồ Chí Minh":                      "|||Thành phố Hồ Chí Minh",
		"xã , huyện B, tỉnh C":                       "xã||huyện B|tỉnh C",
		"Huyền Trang, xã A, tỉnh B":                  "Huyền Trang|xã A||tỉnh B",
		"12/3 Phạm Hùng , , xã A,tỉnh B,":            "12/3 Phạm Hùng|xã A||tỉnh B",
		"X. A, H. B, T. C":                           "|X. A|H. B|T. C",
		"":                                           "|||",
		"Việt Nam":                                   "|||",
		" , ; ":                                      "|||",
		"phường A, thành phố B, thành phố Hà Nội":              "|phường A|thành phố B|thành phố Hà Nội",
		"đặc khu Mẫu, tỉnh B":                                  "|đặc khu Mẫu||tỉnh B",
		"NGÕ 3, XÃ TÂN MẪU, HUYỆN MẪU, TỈNH PHÚ THỌ, VIỆT NAM": "NGÕ 3|XÃ TÂN MẪU|HUYỆN MẪU|TỈNH PHÚ THỌ",
	} {
		a := value.ParseAddress([]byte(in))
		got := strings.Join([]string{string(a.Rest), string(a.Commune), string(a.District), string(a.Province)}, "|")
		if got != want {
			t.Errorf("%q:\n got %q\nwant %q", in, got, want)
		}
	}
}

func FuzzAddress(f *testing.F) {
	f.Add("Số 5, thôn 2, xã Tân Mẫu, huyện Mẫu, tỉnh Phú Thọ")
	f.Fuzz(func(t *testing.T, s string) {
		a := value.ParseAddress([]byte(s))
		at := 0
		for _, part := range [][]byte{a.Rest, a.Commune, a.District, a.Province} {
			i := strings.Index(s[at:], string(part))
			if i < 0 {
				t.Fatalf("%q is not in order in %q", part, s)
			}
			at += i + len(part)
		}
	})
}
