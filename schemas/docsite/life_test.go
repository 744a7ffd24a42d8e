package docsite

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lienthong/truc/problem"
	"github.com/lienthong/truc/schemas"
	"github.com/lienthong/truc/schemas/governance"
)

const plate = `{
  "$schema": "http://json-schema.org/draft-07/schema#",
  "$id": "https://chuan.vidu.example/phuongtien.bienso/1.0.0",
  "title": "Biển số", "x-title-en": "Plate", "x-nguon": "Sổ mẫu", "x-khoa": ["so"],
  "type": "object", "required": ["so"], "additionalProperties": false,
  "properties": {
    "so": {"title": "Số", "x-title-en": "Number", "x-phan-loai": "cong-khai", "x-nguon": "Sổ mẫu: so", "description": "Như trên biển", "x-description-en": "As on the plate", "type": "string", "minLength": 1, "maxLength": 20},
    "chu": {"title": "Chủ", "x-title-en": "Owner", "x-phan-loai": "co-ban", "x-can-cu": "Luật mẫu, điều 1", "type": "string", "maxLength": 9},
    "benh": {"title": "Bệnh", "x-title-en": "Illness", "x-phan-loai": "nhay-cam", "x-can-cu": "Luật mẫu, điều 2", "type": "string", "maxLength": 9},
    "nam": {"title": "Năm", "x-title-en": "Year", "x-phan-loai": "cong-khai", "type": "integer", "minimum": 1900},
    "hang": {"title": "Hãng", "x-title-en": "Maker", "x-phan-loai": "cong-khai", "type": "string", "x-danh-muc": {"id": "danhmuc.hangxe", "version": "1.0.0"}}
  }
}
`

// office is a folder of standards on the disk.
type office struct {
	t   *testing.T
	dir string
}

func newOffice(t *testing.T) *office {
	t.Helper()
	o := &office{t, t.TempDir()}
	o.put("phuongtien.bienso/v1/schema.json", plate)
	o.put("phuongtien.bienso/v1/examples/valid/toi-thieu.json", `{"so": "19A-1"}`)
	o.put("phuongtien.bienso/v1/examples/invalid/thieu-so.json", `{"about": "no number", "expect": [{"pointer": "/so", "rule": "required"}], "document": {}}`)
	o.put("codelists/danhmuc.hangxe.json", `{"id": "danhmuc.hangxe", "version": "1.0.0", "title": {"vi": "Hãng", "en": "Maker"}, "source": "Danh mục mẫu", "provisional": "chưa đối chiếu", "valid": {"from": "2020-01-01", "to": "2030-01-01"},
		"codes": [{"code": "A", "vi": "Hãng A", "en": "Maker A", "aliases": ["A cũ", "Hãng thứ nhất"]}, {"code": "B", "vi": "Hãng B"}]}`)
	return o
}

func (o *office) put(name, text string) {
	o.t.Helper()
	path := filepath.Join(o.dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		o.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		o.t.Fatal(err)
	}
}

func (o *office) open() *governance.Folder {
	o.t.Helper()
	f, err := governance.Open(o.dir, "chuan")
	if err != nil {
		o.t.Fatal(err)
	}
	return f
}

// step takes a decision; the person is told by a name.
func (o *office) step(do func(f *governance.Folder, by governance.Decision) error, who, day, why string) {
	o.t.Helper()
	at, err := time.Parse(time.DateOnly, day)
	if err == nil {
		err = do(o.open(), governance.Decision{By: governance.Person{Name: who, Email: who + "@chuan.example"}, At: at, Why: why})
	}
	if err != nil {
		o.t.Fatal(err)
	}
}

const plateID = "phuongtien.bienso.v1"

func (o *office) release(day, why string) {
	o.t.Helper()
	o.step(func(f *governance.Folder, by governance.Decision) error {
		_, _, err := f.Propose(plateID, by)
		return err
	}, "mau", day, why)
	o.step(func(f *governance.Folder, by governance.Decision) error { _, err := f.Approve(plateID, by); return err }, "thu", day, "")
	o.step(func(f *governance.Folder, by governance.Decision) error { _, err := f.Publish(plateID, by); return err }, "mau", day, "")
}

func (o *office) site() map[string]string {
	o.t.Helper()
	f := o.open()
	set, err := f.Set()
	if err != nil {
		o.t.Fatal(err)
	}
	pages, err := Pages(set, f)
	if err != nil {
		o.t.Fatal(err)
	}
	out := map[string]string{}
	for _, p := range pages {
		out[p.Path] = string(p.HTML)
	}
	return out
}

// says demands texts of a page, in their order; what begins with ! must not be in it.
func says(t *testing.T, page string, texts ...string) {
	t.Helper()
	rest := page
	for _, text := range texts {
		if not, no := strings.CutPrefix(text, "!"); no {
			if strings.Contains(page, not) {
				t.Errorf("the page says %q", not)
			}
			continue
		}
		_, after, there := strings.Cut(rest, text)
		if !there {
			t.Errorf("the page does not say %q, or not behind what comes before it", text)
			continue
		}
		rest = after
	}
}

const (
	platePage = "bo-du-lieu/phuongtien.bienso.v1.html"
	draftMark = "not published, it may still change"
	endMark   = "this version may end"
)

// TestLife: what was decided about a dataset stands on its page, from the draft to its end.
func TestLife(t *testing.T) {
	o := newOffice(t)
	says(t, o.site()[platePage], "!"+draftMark, "!phien-ban", "!"+endMark) // nobody decides about this folder
	o.step(func(f *governance.Folder, by governance.Decision) error {
		_, _, err := f.Propose(plateID, by)
		return err
	}, "mau", "2026-01-01", "")
	site := o.site()
	says(t, site[platePage], "đã đề nghị", draftMark, "!phien-ban")
	says(t, site["index.html"], plateID, `<span class="mark">đã đề nghị`)

	o = newOffice(t)
	o.release("2026-01-02", "họp <script>nhóm</script>")
	o.put("phuongtien.bienso/v1/schema.json", strings.NewReplacer("bienso/1.0.0", "bienso/1.1.0", `"chu": {`, `"mau": {"title": "Màu <b>", "x-title-en": "Colour", "type": "string"}, "chu": {`).Replace(plate))
	says(t, o.site()[platePage], "nháp", draftMark, `href="#phien-ban"`, `id="phien-ban"`, "<code>1.0.0</code>", "đã công bố", "2026-01-02", "họp &lt;script&gt;nhóm", "bản đầu", "!<script", "!<code>1.1.0</code>")
	o.release("2026-03-04", "")
	site = o.site()
	says(t, site[platePage], "<code>1.1.0</code>", "2026-03-04", "<code>mau</code>", "thuộc tính mới, không bắt buộc: Màu &lt;b&gt;", "new property, optional: Colour", "<code>1.0.0</code>", "bản đầu", "!"+draftMark, "!"+endMark, "!<b>")
	says(t, site["index.html"], plateID, "!đã đề nghị", "!nháp")

	end := func(day string) {
		o.step(func(f *governance.Folder, by governance.Decision) error {
			_, _, err := f.Deprecate(plateID, "hotich.khaisinh.v1", day, by)
			return err
		}, "mau", "2026-05-06", "có bộ mới")
	}
	end("2027-01-01")
	end("2028-01-01") // only the last announcement counts
	site = o.site()
	says(t, site[platePage], `class="notice"`, "sắp ngừng", "2028-01-01", endMark, `<a href="../bo-du-lieu/hotich.khaisinh.v1.html"><code>hotich.khaisinh.v1</code></a>`, "<code>1.1.0</code>", "sắp ngừng", "2028-01-01", "<code>1.0.0</code>", "sắp ngừng", "họp &lt;script", "!2027-01-01", "!"+draftMark)
	says(t, site["index.html"], plateID, `<span class="mark">sắp ngừng`, "2028-01-01")
	o.step(func(f *governance.Folder, by governance.Decision) error {
		_, _, err := f.Retire(plateID, by)
		return err
	}, "thu", "2028-01-01", "")
	says(t, o.site()[platePage], `class="notice"`, "đã ngừng", "nobody looks after this version any more", "hotich.khaisinh.v1", "!"+endMark)

	// A history that was changed tells nothing.
	o.put("phuongtien.bienso/v1/published/1.0.0.json", plate+" ")
	f := o.open()
	set, err := f.Set()
	if err != nil {
		t.Fatal(err)
	}
	var found problem.List
	if _, err := Pages(set, f); !errors.As(err, &found) || found[0].Code != "governance.altered" {
		t.Errorf("got %v", err)
	}
}

// TestPagesTell: each thing that a schema or a list says is on its page, where it belongs.
func TestPagesTell(t *testing.T) {
	o := newOffice(t)
	site := o.site()
	says(t, site[platePage], "phiên bản 1.0.0", "version 1.0.0", "<dt>Khóa", `<a href="#so"><code>so</code></a>`, "<dt>Nguồn", "Sổ mẫu</dd>", "1 thuộc tính cơ bản, 1 nhạy cảm",
		`<tr id="so"`, "Số", `<span lang="en" class="en">Number</span>`, "Như trên biển", "As on the plate", "1 đến 20 ký tự", "<strong>có</strong>", "công khai", "Sổ mẫu: so",
		`<tr id="chu"`, "nhiều nhất 9 ký tự", "không", "cơ bản", `href="#can-cu-1"`,
		`<tr id="benh"`, "nhạy cảm", `href="#can-cu-2"`, `<tr id="nam"`, "từ 1900 đến …",
		`<tr id="hang"`, "mã", `<a href="../danh-muc/danhmuc.hangxe.html"><code>danhmuc.hangxe</code></a> 1.0.0`,
		`<li id="can-cu-1">[1] Luật mẫu, điều 1</li>`, `<li id="can-cu-2">[2] Luật mẫu, điều 2</li>`,
		"<code>toi-thieu</code>", "19A-1", "<code>thieu-so</code>", "no number", "<code>/so</code>", "required")
	says(t, site["danh-muc/danhmuc.hangxe.html"], "phiên bản 1.0.0", "Danh mục mẫu", "Tạm thời", "chưa đối chiếu", "từ 2020-01-01", "đến trước 2030-01-01",
		`<a href="../bo-du-lieu/phuongtien.bienso.v1.html#hang">`, "Hãng A", "Maker A", "A cũ; Hãng thứ nhất", "Hãng B")
	says(t, site["index.html"], `<a href="bo-du-lieu/phuongtien.bienso.v1.html">Biển số</a>`, "<code>so</code>", "1 cơ bản", "1 nhạy cảm", `<a href="danh-muc/danhmuc.hangxe.html">Hãng</a>`, "1.0.0", `<td data-label="Số mã · Codes">2</td>`, "tạm thời")
	set, err := schemas.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	births := siteOf(t, set)["bo-du-lieu/hotich.khaisinh.v1.html"]
	says(t, births, "<dt>Lưu trữ", "vĩnh viễn", "Căn cứ", "Sổ hộ tịch", "tạm thời", "<dt>Kết thúc", "xóa: bản ghi mất đi", "DOM-HUMAN")
	units := siteOf(t, set)["bo-du-lieu/danhmuc.donvihanhchinh.v1.html"]
	says(t, units, "<dt>Kết thúc", "kết thúc, không xóa")
}
