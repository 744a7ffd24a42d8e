package schemas

import (
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/lienthong/truc/problem"
)

// Builtin leaves out what this proves: that the examples of the built-in datasets hold.
func TestBuiltinPassesTheGate(t *testing.T) {
	t.Parallel()
	data, err := fs.Sub(embedded, "data")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := loadAll(data); err != nil {
		t.Error(err)
	}
}

func TestBirthDataset(t *testing.T) {
	d := birth(t)
	got := map[string]any{
		"id": d.ID(), "name": d.Name(), "major": d.Major(), "version": d.Version(), "vi": d.Title("vi"), "en": d.Title("en"), "fr": d.Title("fr"), "key": d.KeyProperties(),
		"url": d.SchemaURL("https://chuan.phutho.example/"),
	}
	want := map[string]any{
		"id": "hotich.khaisinh.v1", "name": "hotich.khaisinh", "major": 1, "version": "1.0.0", "vi": "Đăng ký khai sinh", "en": "Birth registration", "fr": "Đăng ký khai sinh",
		"key": []string{"so", "quyenSo", "noiDangKy.ma"}, "url": "https://chuan.phutho.example/schemas/hotich.khaisinh.v1/1.0.0",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if ok, reason := d.Fast(); !ok {
		t.Errorf("the built-in dataset is not fast: %s", reason)
	}
	if !json.Valid(d.Raw()) {
		t.Error("Raw is not the schema")
	}
}

func TestBirthTree(t *testing.T) {
	root := birth(t).Root()
	date := root.At("nguoiDuocKhaiSinh.ngaySinh")
	if date == nil || date.Title["vi"] != "Ngày sinh" || date.Name != "ngaySinh" || !date.Closed || date.Class != ClassBasic || len(date.Properties) != 2 || !date.Properties[0].Required {
		t.Errorf("the date of birth is typed as %+v", date)
	}
	if got := date.At("doChinhXac"); !slices.Equal(got.Enum, []string{"nam", "thang", "ngay"}) || got.Class != ClassBasic {
		t.Errorf("the precision is typed as %+v", got)
	}
	sex := root.At("nguoiDuocKhaiSinh.gioiTinh")
	if sex.CodeList != "danhmuc.gioitinh" || !slices.Equal(sex.Types, []string{"string"}) || sex.Title["en"] != "Sex" {
		t.Errorf("sex is typed as %+v", sex)
	}
	if n := root.At("me.quocTichKhac").Items; n == nil || n.CodeList != "danhmuc.quoctich" {
		t.Errorf("further nationalities hold %+v", n)
	}
	if n := root.At("ngayDangKy"); n.Format != "date" || root.At("soDinhDanh") != nil || root.At("so").MaxLength != 20 || root.At("so").MinLength != 1 {
		t.Errorf("the date of registration is typed as %+v", n)
	}
	if root.Property("khongCo") != nil || root.At("me.soDinhDanh").Pattern != "^[0-9]{12}$" || root.At("danToc.x") != nil {
		t.Error("look-up by name is wrong")
	}
}

// Every field says what it is called in both languages, where it comes from, and to which data class it belongs.
func TestFieldsAreDocumented(t *testing.T) {
	for _, tt := range []struct {
		dataset string
		fields  int
		// parts are the objects whose parts come from different fields of the source.
		parts     []string
		sensitive []string
	}{
		{"hotich.khaisinh.v1", 100, []string{".nguoiDuocKhaiSinh", ".me", ".cha", ".nguoiYeuCau", ".nuocNgoai"}, []string{"danToc"}},
		{"dancu.congdan.v1", 150, nil, []string{"danToc", "tonGiao", "nhomMau"}},
		{"doanhnghiep.doanhnghiep.v1", 60, nil, nil},
	} {
		d, err := builtin(t).Dataset(tt.dataset)
		if err != nil {
			t.Fatal(err)
		}
		fields := 0
		var sensitive []string
		var visit func(path string, n *Node)
		visit = func(path string, n *Node) {
			for _, p := range n.Properties {
				fields++
				at := path + "." + p.Name
				if p.Node.Title["vi"] == "" || p.Node.Title["en"] == "" {
					t.Errorf("%s%s has no title in vi and en", tt.dataset, at)
				}
				leaf := len(p.Node.Properties) == 0
				if leaf && p.Node.Class == "" {
					t.Errorf("%s%s has no data class", tt.dataset, at)
				}
				if p.Node.Class != ClassPublic && p.Node.Class != "" && !strings.Contains(p.Node.LegalGround, "91/2025/QH15") {
					t.Errorf("%s%s has no legal ground", tt.dataset, at)
				}
				if (path == "" || slices.Contains(tt.parts, path)) && !slices.Contains(tt.parts, at) && p.Node.Source == "" {
					t.Errorf("%s%s has no source", tt.dataset, at)
				}
				if p.Node.Class == ClassSensitive && !slices.Contains(sensitive, p.Name) {
					sensitive = append(sensitive, p.Name)
				}
				if slices.Contains(tt.sensitive, p.Name) && p.Node.Class != ClassSensitive {
					t.Errorf("%s%s is not sensitive", tt.dataset, at)
				}
				visit(at, p.Node)
				if p.Node.Items != nil {
					visit(at+"[]", p.Node.Items)
				}
			}
		}
		visit("", d.Root())
		if diff := cmp.Diff(tt.sensitive, sensitive); diff != "" {
			t.Errorf("%s: the sensitive fields: %s", tt.dataset, diff)
		}
		if fields < tt.fields {
			t.Errorf("%s: only %d fields", tt.dataset, fields)
		}
		if ok, reason := d.Fast(); !ok {
			t.Errorf("%s is not fast: %s", tt.dataset, reason)
		}
		for _, lang := range []string{"vi", "en"} {
			if root := d.Root(); root.Description[lang] == "" || root.Source == "" {
				t.Errorf("%s does not say in %s what it is and where it comes from", tt.dataset, lang)
			}
		}
	}
}

func TestBuiltinCodeLists(t *testing.T) {
	want := map[string]int{
		"danhmuc.gioitinh": 3, "danhmuc.giayto": 9, "danhmuc.loaidangky": 5, "danhmuc.loaikhaisinh": 5, "danhmuc.loaicutru": 3, "danhmuc.dantoc": 56, "danhmuc.quoctich": 249,
		"danhmuc.tongiao": 17, "danhmuc.honnhan": 5, "danhmuc.nhommau": 12, "danhmuc.quanhechuho": 13, "danhmuc.loaihinhdoanhnghiep": 7, "danhmuc.trangthaidoanhnghiep": 6, "danhmuc.capnganh": 5,
		"danhmuc.trangthaihoso": 10, "danhmuc.loaivanban": 32, "danhmuc.loaigiaybaotu": 8, "danhmuc.loaidangkykethon": 2, "danhmuc.vsic2018": 21, "danhmuc.vsic2025": 22,
	}
	set := builtin(t)
	if len(set.CodeLists()) != len(want) {
		t.Errorf("%d code lists, want %d", len(set.CodeLists()), len(want))
	}
	for id, n := range want {
		l, err := set.CodeList(id)
		if err != nil {
			t.Fatal(err)
		}
		if len(l.Codes()) != n || l.Version == "" || l.Source == "" || l.Title["vi"] == "" || l.Title["en"] == "" || l.Provisional == "" {
			t.Errorf("%s: %d codes, want %d; version %q, source %q", id, len(l.Codes()), n, l.Version, l.Source)
		}
		names := map[string]string{}
		for _, c := range l.Codes() {
			if c.EN == "" || !l.Has(c.Code) {
				t.Errorf("%s: entry %+v", id, c)
			}
			for _, name := range append([]string{c.VI}, c.Aliases...) {
				if other, twice := names[strings.ToLower(name)]; twice && other != c.Code {
					t.Errorf("%s: the name %q stands for %s and %s", id, name, other, c.Code)
				}
				names[strings.ToLower(name)] = c.Code
			}
		}
	}
	sex, err := set.CodeList("danhmuc.gioitinh")
	if err != nil {
		t.Fatal(err)
	}
	if c, ok := sex.Lookup("2"); !ok || c.VI != "Nữ" || sex.Has("3") || sex.Has("") {
		t.Errorf("sex 2 is %+v", c)
	}
	if _, ok := sex.Lookup("9"); ok {
		t.Error("code 9 was found")
	}
}

func TestUnknownNamesSuggestSimilarOnes(t *testing.T) {
	set := builtin(t)
	tests := []struct {
		err       error
		code, fix string
	}{
		{errOf(set.Dataset("hotich.khaisin.v1")), "schema.unknown-dataset", `did you mean "hotich.khaisinh.v1"?`},
		{errOf(set.Dataset("x")), "schema.unknown-dataset", `this set has "dancu.congdan.v1", "doanhnghiep.doanhnghiep.v1", "hotich.khaisinh.v1"`},
		{errOf(set.CodeList("danhmuc.gioitính")), "schema.unknown-code-list", `did you mean "danhmuc.gioitinh"`},
	}
	for _, tt := range tests {
		var p problem.Problem
		if !errors.As(tt.err, &p) || p.Code != tt.code || !strings.HasPrefix(p.Fix.EN, tt.fix) {
			t.Errorf("got %v, want %s with fix %s", tt.err, tt.code, tt.fix)
		}
	}
}

func errOf[T any](_ T, err error) error { return err }

// Every constraint of the built-in schemas is shown necessary by an example: without it, some invalid one passes.
func TestEveryConstraintHasAnExample(t *testing.T) {
	data, err := fs.Sub(embedded, "data")
	if err != nil {
		t.Fatal(err)
	}
	all := fstest.MapFS{}
	err = fs.WalkDir(data, ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		raw, err := fs.ReadFile(data, name)
		all[name] = &fstest.MapFile{Data: raw}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	constraints := []string{"type", "pattern", "format", "enum", "const", "required", "minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems", "additionalProperties", "anyOf", "x-danh-muc"}
	datasets := []string{"hotich.khaisinh", "dancu.congdan", "doanhnghiep.doanhnghiep"}
	// alone is the files of one dataset, with what is shared. That the examples hold is asked here, of the likely ones first.
	alone := func(dataset string) fstest.MapFS {
		world := maps.Clone(all)
		maps.DeleteFunc(world, func(path string, _ *fstest.MapFile) bool {
			return !strings.HasPrefix(path, dataset+"/") && !strings.HasPrefix(path, "types/") && !strings.HasPrefix(path, "codelists/")
		})
		return world
	}
	invalid := map[string][]invalidExample{}
	for _, d := range datasets {
		invalid[d] = invalidExamples(t, d+"/v1")
	}
	files := map[string][]string{"types/kieu.json": datasets} // the shared types are held by the examples of any dataset
	for _, d := range datasets {
		files[d+"/v1/schema.json"] = []string{d}
	}
	for name, holders := range files {
		t.Run(name, func(t *testing.T) {
			if testing.Short() && name != "hotich.khaisinh/v1/schema.json" {
				t.Skip("loads a set of schemas a hundred times, and this is a short run")
			}
			t.Parallel()
			worlds := map[string]fstest.MapFS{}
			for _, d := range holders {
				worlds[d] = alone(d)
			}
			noticed := func(raw []byte, rule string) bool {
				return slices.ContainsFunc(holders, func(dataset string) bool {
					worlds[dataset][name] = &fstest.MapFile{Data: raw}
					l := newLoader()
					if err := l.load(Folder{FS: worlds[dataset], builtin: true}); err != nil {
						return true
					}
					d := l.set.datasets[dataset+".v1"]
					missed := func(e invalidExample) bool { return !slices.Equal(d.violations(e.Document), e.Expect) }
					of := func(e invalidExample) bool {
						return slices.ContainsFunc(e.Expect, func(x expectation) bool { return x.Rule == rule })
					}
					return slices.ContainsFunc(invalid[dataset], func(e invalidExample) bool { return of(e) && missed(e) }) ||
						slices.ContainsFunc(invalid[dataset], func(e invalidExample) bool { return !of(e) && missed(e) })
				})
			}
			tried := 0
			var root any
			if err := json.Unmarshal(all[name].Data, &root); err != nil {
				t.Fatal(err)
			}
			var visit func(v any, pointer string)
			visit = func(v any, pointer string) {
				m, ok := v.(map[string]any)
				if !ok {
					return
				}
				for _, k := range keys(m) {
					value := m[k]
					at := appendPointer(pointer, k)
					if slices.Contains(constraints, k) && !strings.HasSuffix(pointer, "/properties") && !strings.HasSuffix(pointer, "/definitions") {
						tried++
						delete(m, k)
						raw, err := json.Marshal(root)
						if err != nil {
							t.Fatal(err)
						}
						if !noticed(raw, k) {
							t.Errorf("%s#%s can be removed, and no example notices", name, at)
						}
						m[k] = value
					}
					if branches, ok := value.([]any); ok && k == "anyOf" {
						for _, b := range branches {
							visit(b, at)
						}
					}
					visit(value, at)
				}
			}
			visit(root, "")
			t.Logf("%d constraints", tried)
		})
	}
}
