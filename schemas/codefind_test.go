package schemas

import (
	"strings"
	"testing"
	"testing/fstest"
)

func TestFindCode(t *testing.T) {
	set := builtin(t)
	for _, x := range []struct{ list, text, codes string }{
		{"danhmuc.dantoc", "24", "24"},
		{"danhmuc.dantoc", "1", ""}, // the code is 01
		{"danhmuc.dantoc", "KINH", "01"},
		{"danhmuc.dantoc", "Thổ", "24"},
		{"danhmuc.dantoc", "khơme", "05"},
		{"danhmuc.dantoc", "Khơ - Me", "05"},
		{"danhmuc.dantoc", "Jarai", ""},
		{"danhmuc.dantoc", "Giarai", "10"},
		{"danhmuc.dantoc", "Êđê", "12"},
		{"danhmuc.dantoc", "H’mong", "08"},
		{"danhmuc.nhommau", "A-", "A-"},
		{"danhmuc.nhommau", "A?", ""},
		{"danhmuc.nhommau", "B -", ""},
		{"danhmuc.quoctich", "Mi", ""},
		{"danhmuc.quoctich", "viet nam", "VN"},
		{"danhmuc.quoctich", "Việtnam", "VN"},
		{"danhmuc.tongiao", "Phật giáo Hoà Hảo", "hoa-hao"},
		{"danhmuc.loaivanban", "Giấy uỷ quyền", "16"},
		{"danhmuc.trangthaihoso", "Dang xu li", "4"},
		{"danhmuc.vsic2018", "J", "J"},
		{"danhmuc.vsic2025", "Giáo dục và đào tạo", "Q"},
		{"danhmuc.vsic2018", "Giáo dục và đào tạo", "P"},
		{"danhmuc.dantoc", "", ""},
		{"danhmuc.dantoc", "\xff", ""},
	} {
		l, err := set.CodeList(x.list)
		if err != nil {
			t.Fatal(err)
		}
		var codes []string
		for _, i := range l.Find([]byte(x.text), nil) {
			codes = append(codes, l.Codes()[i].Code)
		}
		if got := strings.Join(codes, ","); got != x.codes {
			t.Errorf("%s of %s: %q, want %q", x.text, x.list, got, x.codes)
		}
	}
	l, err := set.CodeList("danhmuc.dantoc")
	if err != nil {
		t.Fatal(err)
	}
	buf, text := make([]byte, 0, 256), []byte("Khơ - Me")
	if n := testing.AllocsPerRun(100, func() { l.Find(text, buf) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// TestSeveralCodes: a text that fits several entries gives all of them; one that fits as it is written gives that one.
func TestSeveralCodes(t *testing.T) {
	set, err := Load(fstest.MapFS{"codelists/danhmuc.thu.json": {Data: []byte(`{"id": "danhmuc.thu", "version": "1.0.0", "title": {"vi": "Thử", "en": "Trial"},
		"source": "thử", "valid": {"from": "2020-01-01", "to": "2021-01-01"}, "codes": [{"code": "1", "vi": "Hòa", "en": "a"}, {"code": "2", "vi": "Hóa", "en": "b"}, {"code": "H01", "vi": "Ba", "en": "c"}]}`)}})
	if err != nil {
		t.Fatal(err)
	}
	l, err := set.CodeList("danhmuc.thu")
	if err != nil {
		t.Fatal(err)
	}
	for text, n := range map[string]int{"hoa": 2, "Hòa": 1, "hóa": 1, "Hoà": 2, "h01": 1, "h1": 0, "x": 0} {
		if found := l.Find([]byte(text), nil); len(found) != n {
			t.Errorf("%s: %v, want %d", text, found, n)
		}
	}
	if l.From != "2020-01-01" || l.To != "2021-01-01" {
		t.Errorf("in force from %q to %q", l.From, l.To)
	}
}

func TestValidityOfCodeList(t *testing.T) {
	for valid, want := range map[string]string{
		`{"from": "15/11/2025"}`:                     `"15/11/2025" is no day`,
		`{"to": "2025-02-30"}`:                       `"2025-02-30" is no day`,
		`{"from": "2025-01-01", "to": "2025-01-01"}`: "the list ends before it begins",
		`{"since": "2025-01-01"}`:                    "a member is unknown",
		`{"from": "2025-01-01", "to": "2026-01-01"}`: "",
	} {
		_, err := Load(fstest.MapFS{"codelists/danhmuc.thu.json": {Data: []byte(`{"id": "danhmuc.thu", "version": "1.0.0", "source": "thử", "valid": ` + valid + `, "codes": [{"code": "1", "vi": "một"}]}`)}})
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v, want %q", valid, err, want)
		}
	}
}
