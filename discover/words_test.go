package discover

import (
	"strings"
	"testing"
)

func TestReadNames(t *testing.T) {
	v := newVocabulary()
	for name, want := range map[string]string{
		"ho_ten": "ho ten", "hoten": "ho ten", "HoVaTen": "ho ten", "HOTEN": "ho ten", "Họ và tên": "ho ten", "fullName": "ho ten",
		"ngsinh": "ngay sinh", "NgaySinh": "ngay sinh", "ngaysinhme": "ngay sinh me", "gt": "gioi tinh|giay to", "dtoc": "dan toc",
		"nksHoTen": "nguoi duoc khai sinh ho ten", "so_cmnd_me": "so giay to me|so cmnd 9 me", "cmnd": "so giay to|so cmnd 9", "SoCCCD": "so dinh danh",
		"sdt": "so dien thoai", "MST": "ma so thue|ma so doanh nghiep", "dia_chi": "dia chi", "hokhauthuongtru": "thuong tru|noi cu tru", "ngay_dk": "ngay dang ky",
		"so_ks": "so khai sinh", "xyz_abc": "xyz abc", "hoTen2": "ho ten 2", "NGAYDK": "ngay dang ky", "Ngày sửa": "ngay sua", "đường": "duong",
	} {
		var got []string
		for _, r := range v.read(name) {
			got = append(got, strings.Join(r.words, " "))
			if r.certain != !strings.Contains(want, "|") {
				t.Errorf("%s: certain is %v", name, r.certain)
			}
		}
		if strings.Join(got, "|") != want {
			t.Errorf("%s is read as %q, want %q", name, strings.Join(got, "|"), want)
		}
	}
}

// TestWordsFile holds the data file to its form: spellings once, without accents, in lower case, with a meaning.
func TestWordsFile(t *testing.T) {
	seen := map[string]bool{}
	for line := range strings.Lines(wordsFile) {
		line, _, _ := strings.Cut(strings.TrimSpace(line), "#")
		if line == "" {
			continue
		}
		spelling, meanings, ok := strings.Cut(line, " = ")
		if !ok || spelling != plain(spelling) || meanings != plain(meanings) || strings.TrimSpace(meanings) == "" {
			t.Errorf("%q is not of the form: spelling = words", line)
		}
		if seen[spelling] {
			t.Errorf("%q stands twice", spelling)
		}
		seen[spelling] = true
	}
}
