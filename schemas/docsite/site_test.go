package docsite

import (
	"bytes"
	"fmt"
	"html"
	"path"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/lienthong/truc/schemas"
)

func builtin(tb testing.TB) *schemas.Set {
	tb.Helper()
	set, err := schemas.Builtin()
	if err != nil {
		tb.Fatal(err)
	}
	return set
}

// site is the pages of a set by path.
func siteOf(tb testing.TB, set *schemas.Set) map[string]string {
	tb.Helper()
	pages, err := Pages(set)
	if err != nil {
		tb.Fatal(err)
	}
	out := map[string]string{}
	for _, p := range pages {
		out[p.Path] = string(p.HTML)
	}
	return out
}

var (
	links = regexp.MustCompile(`href="([^"]*)"`)
	ids   = regexp.MustCompile(` id="([^"]*)"`)
)

// Every link leads to a page of the site, and to a place that is in it; nothing is fetched from elsewhere and nothing runs.
func TestLinksLeadSomewhere(t *testing.T) {
	site := siteOf(t, builtin(t))
	places := map[string]map[string]bool{}
	for name, html := range site {
		places[name] = map[string]bool{"": true}
		for _, m := range ids.FindAllStringSubmatch(html, -1) {
			if places[name][m[1]] {
				t.Errorf("%s has the id %s twice", name, m[1])
			}
			places[name][m[1]] = true
		}
	}
	followed := 0
	for name, html := range site {
		for _, m := range links.FindAllStringSubmatch(html, -1) {
			to, fragment, _ := strings.Cut(m[1], "#")
			at := name
			if to != "" {
				at = path.Join(path.Dir(name), to)
			}
			fragment = strings.NewReplacer("%5b", "[", "%5d", "]", "%5B", "[", "%5D", "]").Replace(fragment)
			if followed++; !places[at][fragment] {
				t.Errorf("%s links to %s, which is not there", name, m[1])
			}
		}
		for _, foreign := range []string{"<script", "http-equiv", "src=", "@import", "url("} {
			if strings.Contains(html, foreign) {
				t.Errorf("%s holds %q", name, foreign)
			}
		}
		if !strings.Contains(html, Mark) {
			t.Errorf("%s is not marked as ours", name)
		}
	}
	if followed < 1000 {
		t.Errorf("only %d links", followed)
	}
}

// A page says of its dataset what the schema says.
func TestDatasetPage(t *testing.T) {
	set := builtin(t)
	site := siteOf(t, set)
	for _, d := range set.Datasets() {
		page := site["bo-du-lieu/"+d.ID()+".html"]
		for _, p := range d.Root().Properties {
			if !strings.Contains(page, `<tr id="`+p.Name+`"`) {
				t.Errorf("%s lacks %s", d.ID(), p.Name)
			}
		}
		for _, e := range append(d.Valid(), d.Invalid()...) {
			if !strings.Contains(page, "<code>"+e.Name+"</code>") {
				t.Errorf("%s lacks the example %s", d.ID(), e.Name)
			}
		}
		if !strings.Contains(page, "Lưu trữ") || !strings.Contains(page, "Kết thúc") {
			t.Errorf("%s does not say how long it is kept and how it goes", d.ID())
		}
	}
	for _, l := range set.CodeLists() {
		page := html.UnescapeString(site["danh-muc/"+l.ID+".html"])
		for _, c := range l.Codes() {
			if !strings.Contains(page, `<th scope="row"><code>`+c.Code+`</code></th>`) {
				t.Errorf("%s lacks %s", l.ID, c.Code)
			}
		}
	}
	if again := siteOf(t, set); !cmp.Equal(site, again) {
		t.Error("the same set gives other pages")
	}
}

func TestRowsSayWhatTheSchemaSays(t *testing.T) {
	set := builtin(t)
	of := func(dataset, path string) string {
		d, err := set.Dataset(dataset)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range viewOf(d).Rows {
			if r.Path == path {
				limits := make([]string, len(r.Limits))
				for i, l := range r.Limits {
					limits[i] = l.Words.VI + l.Code
				}
				return fmt.Sprintf("%d %s | %s | %t | %s %d | %s | %s %s", r.Depth, r.Type.VI, strings.Join(limits, ", "), r.Required, r.Class.EN, r.GroundNumber, r.List, r.Domain, r.Element)
			}
		}
		return "not there"
	}
	for _, tt := range []struct{ dataset, path, want string }{
		{"hotich.khaitu.v1", "so", "0 chuỗi | 1 đến 20 ký tự | true | basic 1 |  | DOM-HUMAN "},
		{"hotich.khaitu.v1", "ngayDangKy", "0 ngày | như 2026-03-14 | true | basic 1 |  | DOM-HUMAN "},
		{"hotich.khaitu.v1", "noiDangKy.ma", "1 chuỗi | nhiều nhất 35 ký tự, ^[A-Z][0-9]{2}(\\.[0-9]{2,3})*$ | true | not personal 0 |  | DOM-ORG "},
		{"hotich.khaitu.v1", "nguyenNhan", "0 chuỗi | 1 đến 500 ký tự | false | sensitive 3 |  | DOM-HUMAN "},
		{"hotich.khaitu.v1", "nguoiChet.quocTichKhac", "1 danh sách: mã | 1 đến 5 phần tử | false | basic 1 | danhmuc.quoctich | DOM-HUMAN "},
		{"tthc.hoso.v1", "taiLieuNop[].tep.kichThuoc", "2 số nguyên | từ 0 đến 999999999999 | false | not personal 0 |  |  "},
		{"tthc.hoso.v1", "ngayTiepNhan", "0 thời điểm | có múi giờ, như 2026-03-14T09:15:00+07:00 | true | not personal 0 |  |  "},
		{"datdai.thuadat.v1", "maThuaDat", "0 chuỗi | ^[0-9]{5}_[1-9][0-9]{0,5}_[1-9][0-9]{0,5}$ | true | not personal 0 |  | DOM-CADASTRE khóa thửa đất [MaDVHC]_[SoTo]_[SoThua]"},
		{"hokinhdoanh.hokinhdoanh.v1", "nganhNghe[].phienBanVSIC", "1 chuỗi | 2018, 2025 | true | not personal 0 |  | DOM-ORG "},
	} {
		if got := of(tt.dataset, tt.path); got != tt.want {
			t.Errorf("%s %s:\n got %s\nwant %s", tt.dataset, tt.path, got, tt.want)
		}
	}
}

func TestTermsInWords(t *testing.T) {
	for term, want := range map[string]both{
		schemas.TermForever: {"vĩnh viễn", "for ever"}, "P10Y": {"10 năm", "10 years"}, "P6M": {"6 tháng", "6 months"}, "P90D": {"90 ngày", "90 days"},
	} {
		if got := retentionOf(&schemas.Retention{Term: term}).Term; got != want {
			t.Errorf("%s: %v, want %v", term, got, want)
		}
	}
	if retentionOf(nil) != nil || erasureOf(nil) != nil {
		t.Error("what is not said is shown")
	}
}

// A folder is somebody else's: markup in it is text, what goes in circles ends, and what is missing is not made up.
func TestHostileFolder(t *testing.T) {
	const evil = `<script>alert(1)</script>`
	schema := `{"$schema":"http://json-schema.org/draft-07/schema#","$id":"https://test.example/thu/1.0.0","x-khoa":["k"],"title":"` + evil + `","description":"` + evil + `","type":"object","required":["k"],
		"properties":{"k":{"type":"string","title":"` + evil + `","x-nguon":"` + evil + `","pattern":"^[^<]*$"},"con":{"type":"array","items":{"$ref":"#/definitions/nguoi"}},"q":{},"\"><b>":{"type":["string","null"],"x-title-en":"only English"}},
		"definitions":{"nguoi":{"type":"object","properties":{"ten":{"type":"string"},"con":{"$ref":"#/definitions/nguoi"}}}}}`
	list := `{"id":"danhmuc.thu","version":"1.0.0","title":{"vi":"` + evil + `"},"source":"` + evil + `","codes":[{"code":"` + evil + `","vi":"` + evil + `"}]}`
	set, err := schemas.LoadFolders(schemas.Folder{Name: "thu", FS: fstest.MapFS{
		"thu/v1/schema.json":             {Data: []byte(schema)},
		"thu/v1/examples/valid/a.json":   {Data: []byte(`{"k":"` + strings.Repeat("x", 9000) + `"}`)},
		"thu/v1/examples/invalid/b.json": {Data: []byte(`{"about":"` + evil + `","expect":[{"pointer":"/k","rule":"pattern"}],"document":{"k":"` + evil + `"}}`)},
		"codelists/danhmuc.thu.json":     {Data: []byte(list)},
	}})
	if err != nil {
		t.Fatal(err)
	}
	site := siteOf(t, set)
	for name, html := range site {
		if strings.Contains(html, "<script") || strings.Contains(html, "<b>") {
			t.Errorf("%s holds markup of the folder", name)
		}
	}
	page := site["bo-du-lieu/thu.v1.html"]
	for _, want := range []string{"con[].con.con", "repeats as above", "Phần đầu của 9008 byte", "bất kỳ"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if strings.Contains(page, "con[].con.con.con") || strings.Contains(page, "Lưu trữ") || len(page) > 40_000 {
		t.Errorf("the page has what it must not, or %d bytes", len(page))
	}
	if !bytes.Contains([]byte(site["index.html"]), []byte("bo-du-lieu/thu.v1.html")) {
		t.Error("the index lacks the dataset of the folder")
	}
}
