package mapping

import (
	"fmt"
	"maps"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

// sharingFiles are a mapping, what it includes and a code table, in folders.
func sharingFiles() map[string]string {
	return map[string]string{
		"nguon/ho_so.yaml": "dataset: thu.hoso.v1\ninclude: [../chung/chung.yaml]\ncodes:\n  gt: { list: thu.gioitinh, map: { X: \"0\" }, file: gt.csv }\n" +
			"fields:\n  so: so\n  nguoiNop: { use: nguoi, prefix: nop_ }\n  gioiTinh: code(\"gt\", gt)\n  ghiChu: code(\"tt\", tt)\n",
		"chung/chung.yaml": "# của chung\ninclude: [nguoi.yaml]\ncodes:\n  tt: { file: tt.csv }\n  khac: { map: { a: b } }\nlet: { ghiChuChung: text(ghi_chu), la: khong_co }\n",
		"chung/nguoi.yaml": "shapes:\n  nguoi:\n    hoTen: text(ho_ten)\n    ghiChu: ghiChuChung\n  thua: { hoTen: text(khong_co) }\n",
		"nguon/gt.csv":     "ma_nguon,ma_chuan,ten\n M ,1,Nam\n\"F\",2,\"Nữ, \"\"bà\"\"\"\n,,\n",
		"chung/tt.csv":     "\ufeffMa_Nguon;ten;Ma_Chuan\r\n1;một;mới\r\n2;hai;xong\r\n\r\n",
	}
}

func parseIn(files map[string]string) (*File, []string, fstest.MapFS) {
	root := fstest.MapFS{}
	for name, content := range files {
		root[name] = &fstest.MapFile{Data: []byte(content)}
	}
	f, problems := Parse("nut/nguon/ho_so.yaml", []byte(files["nguon/ho_so.yaml"]), &Files{Root: root, Path: "nguon/ho_so.yaml"})
	var found []string
	for _, p := range problems {
		found = append(found, fmt.Sprintf("%s | %s | %s | %s", strings.TrimPrefix(p.Code, "mapping."), p.Where, p.What, p.Fix))
	}
	return f, found, root
}

func compileIn(tb testing.TB, files map[string]string) (*SourcePlan, []string) {
	tb.Helper()
	set := testSet(tb)
	d, err := set.Dataset("thu.hoso.v1")
	if err != nil {
		tb.Fatal(err)
	}
	f, found, _ := parseIn(files)
	if f == nil {
		return nil, found
	}
	p, problems := CompileSource(f, nil, d, Env{Set: set})
	for _, q := range problems {
		found = append(found, fmt.Sprintf("%s | %s | %s | %s", strings.TrimPrefix(q.Code, "mapping."), q.Where, q.What, q.Fix))
	}
	return p, found
}

func TestIncludedFiles(t *testing.T) {
	p, found := compileIn(t, sharingFiles())
	if found != nil {
		t.Fatal(strings.Join(found, "\n"))
	}
	row := hoSoRow(nil)[:len(p.Table().Columns)]
	cell := func(name, s string) { row[p.Table().Index(name)] = textValue(s) }
	for _, c := range []struct{ gt, tt, want string }{
		{"M", "1", `"gioiTinh":"1","ghiChu":"mới"`},
		{"F", "2", `"gioiTinh":"2","ghiChu":"xong"`},
		{"X", "2", `"gioiTinh":"0","ghiChu":"xong"`},
	} {
		cell("so", "7")
		cell("nop_ho_ten", "A")
		cell("ghi_chu", "x")
		cell("gt", c.gt)
		cell("tt", c.tt)
		doc, _, violations := p.NewTranslator().Document(nil, row)
		if want := `{"so":"7","nguoiNop":{"hoTen":"A","ghiChu":"x"},` + c.want + `}`; string(doc) != want || len(violations) > 0 {
			t.Errorf("%s, %v; want %s", doc, violations, want)
		}
	}
}

// TestIncludedFilesCountByMeaning: what changes a document changes the fingerprint, what does not leaves it.
func TestIncludedFilesCountByMeaning(t *testing.T) {
	first, _ := compileIn(t, sharingFiles())
	for _, c := range []struct {
		file, old, new string
		same           bool
	}{
		{"chung/chung.yaml", "# của chung", "# khác", true},
		{"chung/chung.yaml", "{ a: b }", "{ a: c }", true}, // for other mappings
		{"chung/chung.yaml", "la: khong_co", "la: khac", true},
		{"chung/nguoi.yaml", "text(khong_co)", "text(khac)", true},
		{"chung/tt.csv", "một", "1", true},
		{"chung/tt.csv", "\r\n", "\n", true},
		{"chung/chung.yaml", "text(ghi_chu)", "text(ghi_chu2)", false},
		{"chung/nguoi.yaml", "text(ho_ten)", "text(ten)", false},
		{"chung/tt.csv", "xong", "hết", false},
		{"nguon/gt.csv", "M ,1", "N ,1", false},
		{"nguon/ho_so.yaml", "prefix: nop_", "prefix: uq_", false},
		{"nguon/ho_so.yaml", "prefix: nop_", "prefix: nop_, when: co", false},
	} {
		files := sharingFiles()
		if !strings.Contains(files[c.file], c.old) {
			t.Fatalf("no %q", c.old)
		}
		files[c.file] = strings.ReplaceAll(files[c.file], c.old, c.new)
		p, found := compileIn(t, files)
		if p == nil {
			t.Fatal(found)
		}
		if got := p.Fingerprint() == first.Fingerprint(); got != c.same {
			t.Errorf("%s: %q instead of %q: same %v", c.file, c.new, c.old, got)
		}
	}
}

// TestProblemsOfIncludedFiles breaks every rule of the files once; each problem names the file and the line it is about.
func TestProblemsOfIncludedFiles(t *testing.T) {
	for _, c := range []struct {
		file, old, new string
		want           []string
	}{
		{"chung/nguoi.yaml", "text(ho_ten)", "txt(ho_ten)", []string{
			"unknown-function | nut/chung/nguoi.yaml:3:12 shapes.nguoi.hoTen, used at nut/nguon/ho_so.yaml:7:20 fields.nguoiNop.use | unknown function txt() | did you mean text?",
		}},
		{"chung/nguoi.yaml", "shapes:", "shapez:", []string{
			"unknown-key | nut/chung/nguoi.yaml:1:1 shapez | unknown key \"shapez\" | did you mean shapes?",
			"unknown-shape | nut/nguon/ho_so.yaml:7:20 fields.nguoiNop.use | there is no shape \"nguoi\" under shapes | add shapes: { nguoi: { property: expression } }",
		}},
		{"chung/nguoi.yaml", "shapes:", "fields: { so: so }\nshapes:", []string{
			"wrong-file | nut/chung/nguoi.yaml:1:1 fields | fields does not belong in an included file: it holds what several mappings share | write it into the mapping itself; here include, let, codes, shapes",
		}},
		{"chung/nguoi.yaml", "    ghiChu: ghiChuChung", "    ghiChu: \"a\" + ghiChuChung", []string{
			"yaml-quote | nut/chung/nguoi.yaml:4:5 | YAML does not read this expression as one text: it must be quoted | ghiChu: '\"a\" + ghiChuChung'",
		}},
		{"chung/nguoi.yaml", "shapes:", "- shapes", []string{
			"yaml-syntax | nut/chung/nguoi.yaml:2:8 | this is not YAML: entries of a list (- …) and name: value lines stand below one another | correct the line; every level is indented with the same number of blanks, and expressions with special characters stand in single quotes",
			"unknown-shape | nut/nguon/ho_so.yaml:7:20 fields.nguoiNop.use | there is no shape \"nguoi\" under shapes | add shapes: { nguoi: { property: expression } }",
		}},
		{"chung/nguoi.yaml", sharingFiles()["chung/nguoi.yaml"], "- a\n", []string{
			"wrong-type | nut/chung/nguoi.yaml:1:1 | an included file holds name: value lines, found a list | begin with shapes:, codes: or let:",
			"unknown-shape | nut/nguon/ho_so.yaml:7:20 fields.nguoiNop.use | there is no shape \"nguoi\" under shapes | add shapes: { nguoi: { property: expression } }",
		}},
		{"chung/nguoi.yaml", "text(ho_ten)", "&a text(ho_ten)", []string{
			"yaml-alias | nut/chung/nguoi.yaml:3:12 shapes.nguoi.hoTen | YAML anchors and aliases (&name, *name) are not part of the mapping language | write the text out; if an expression begins with & or *, quote it: '…'",
			"unknown-shape | nut/nguon/ho_so.yaml:7:20 fields.nguoiNop.use | there is no shape \"nguoi\" under shapes | add shapes: { nguoi: { property: expression } }",
		}},
		{"chung/chung.yaml", "include: [nguoi.yaml]", "include: [nguoi.yaml]\nonly: true", []string{
			"wrong-file | nut/chung/chung.yaml:3:1 only | only does not belong in an included file: it holds what several mappings share | write it into the mapping itself; here include, let, codes, shapes",
		}},
		{"chung/chung.yaml", "[nguoi.yaml]", "[nguoi.yaml, ../nguon/ho_so.yaml]", []string{
			"include-circle | nut/chung/chung.yaml:2:23 include[1] | the files include each other in a circle: nguon/ho_so.yaml → chung/chung.yaml → nguon/ho_so.yaml | remove one of the lines",
		}},
		{"chung/chung.yaml", "[nguoi.yaml]", "[nguoi.yaml, chung.yaml]", []string{
			"include-circle | nut/chung/chung.yaml:2:23 include[1] | the files include each other in a circle: chung/chung.yaml → chung/chung.yaml | remove one of the lines",
		}},
		{"chung/chung.yaml", "[nguoi.yaml]", "[nguoi.yml]", []string{
			"unreadable | nut/chung/chung.yaml:2:11 include[0] | the file nguoi.yml does not exist | correct the path: it is relative to this file. In that folder is nguoi.yaml",
			"unknown-shape | nut/nguon/ho_so.yaml:7:20 fields.nguoiNop.use | there is no shape \"nguoi\" under shapes | add shapes: { nguoi: { property: expression } }",
		}},
		{"chung/chung.yaml", "[nguoi.yaml]", "[khong/co.yaml, nguoi.yaml]", []string{
			"unreadable | nut/chung/chung.yaml:2:11 include[0] | the file khong/co.yaml does not exist | correct the path: it is relative to this file",
		}},
		{"chung/chung.yaml", "[nguoi.yaml]", "[../chung, nguoi.yaml]", []string{
			"unreadable | nut/chung/chung.yaml:2:11 include[0] | ../chung is not a file | check that it is a file that the user running truc may read",
		}},
		{"chung/chung.yaml", "[nguoi.yaml]", "[nguoi.yaml, ../../x.yaml]", []string{
			"outside | nut/chung/chung.yaml:2:23 include[1] | \"../../x.yaml\" leads out of the configuration's folder: a mapping reads nothing outside it | put the file below the configuration's folder",
		}},
		{"chung/chung.yaml", "[nguoi.yaml]", "[nguoi.yaml, /etc/x.yaml]", []string{
			"outside | nut/chung/chung.yaml:2:23 include[1] | \"/etc/x.yaml\" is an absolute path, which no other computer has | put the file below the configuration's folder, and write its path relative to this file",
		}},
		{"chung/chung.yaml", "[nguoi.yaml]", "[nguoi.yaml, 'C:/x.yaml']", []string{
			"outside | nut/chung/chung.yaml:2:23 include[1] | \"C:/x.yaml\" is an absolute path, which no other computer has | put the file below the configuration's folder, and write its path relative to this file",
		}},
		{"chung/chung.yaml", "[nguoi.yaml]", `[nguoi.yaml, a\b.yaml]`, []string{
			`outside | nut/chung/chung.yaml:2:23 include[1] | "a\\b.yaml" is written with \ | write the path with /, relative to this file`,
		}},
		{"chung/chung.yaml", "include: [nguoi.yaml]", "include: nguoi.yaml", []string{
			"wrong-type | nut/chung/chung.yaml:2:10 include | expected a list of files, found text | write include: [ … ]",
			"unknown-shape | nut/nguon/ho_so.yaml:7:20 fields.nguoiNop.use | there is no shape \"nguoi\" under shapes | add shapes: { nguoi: { property: expression } }",
		}},
		{"nguon/ho_so.yaml", "codes:\n", "codes:\n  tt: { map: { a: b } }\n", []string{
			"given-twice | nut/nguon/ho_so.yaml:4:3 codes.tt | the code table tt is given in two files; the first is at nut/chung/chung.yaml:4 | remove one of them, or give one another name",
		}},
		{"nguon/ho_so.yaml", "codes:\n", "let: { la: so }\ncodes:\n", []string{
			"given-twice | nut/nguon/ho_so.yaml:3:8 let.la | the let la is given in two files; the first is at nut/chung/chung.yaml:6 | remove one of them, or give one another name",
			"bad-name | nut/nguon/ho_so.yaml:3:8 let.la | let gives the name la, which something else has already | choose another name",
		}},
		{"chung/chung.yaml", "codes:\n", "shapes: { nguoi: { hoTen: a } }\ncodes:\n", []string{
			"given-twice | nut/chung/chung.yaml:3:11 shapes.nguoi | the shape nguoi is given in two files; the first is at nut/chung/nguoi.yaml:2 | remove one of them, or give one another name",
		}},
		{"nguon/ho_so.yaml", "include: [../chung/chung.yaml]", "include: [../chung/chung.yaml, ../chung/nguoi.yaml]", nil}, // by two ways, once
		{"chung/nguoi.yaml", "text(ho_ten)", "text(\xe3)", []string{
			"not-utf8 | nut/chung/nguoi.yaml:3:1 | the file is not UTF-8 text | save it as UTF-8",
			"unknown-shape | nut/nguon/ho_so.yaml:7:20 fields.nguoiNop.use | there is no shape \"nguoi\" under shapes | add shapes: { nguoi: { property: expression } }",
		}},
		{"chung/nguoi.yaml", "shapes:", strings.Repeat("#", maxFile) + "\nshapes:", []string{
			"unreadable | nut/chung/chung.yaml:2:11 include[0] | the file nguoi.yaml is larger than 1048576 bytes | check that it is the right one; a mapping or a code table is much smaller",
			"unknown-shape | nut/nguon/ho_so.yaml:7:20 fields.nguoiNop.use | there is no shape \"nguoi\" under shapes | add shapes: { nguoi: { property: expression } }",
		}},
		// Code tables.
		{"nguon/ho_so.yaml", "file: gt.csv", "file: gtt.csv", []string{
			"unreadable | nut/nguon/ho_so.yaml:4:52 codes.gt.file | the file gtt.csv does not exist | correct the path: it is relative to this file. In that folder is gt.csv",
		}},
		{"nguon/ho_so.yaml", "file: gt.csv", "file: ''", []string{
			"wrong-type | nut/nguon/ho_so.yaml:4:52 codes.gt.file | codes.gt.file is empty | write the name, or remove the line",
		}},
		{"nguon/ho_so.yaml", "file: gt.csv", "file: ../../gt.csv", []string{
			"outside | nut/nguon/ho_so.yaml:4:52 codes.gt.file | \"../../gt.csv\" leads out of the configuration's folder: a mapping reads nothing outside it | put the file below the configuration's folder",
		}},
		{"nguon/gt.csv", "M ,1", "M ,7", []string{
			"unknown-code | nut/nguon/gt.csv:2:1 codes.gt.M | \"7\" is not a code of thu.gioitinh | possible are 0, 1, 2",
		}},
		{"nguon/gt.csv", "\"F\"", "M", []string{
			"duplicate-code | nut/nguon/gt.csv:3:1 codes.gt | the code \"M\" is given twice; the first is at nut/nguon/gt.csv:2 | remove one of them",
		}},
		{"nguon/gt.csv", "\"F\"", "X", []string{
			"duplicate-code | nut/nguon/gt.csv:3:1 codes.gt | the code \"X\" is given twice; the first is at nut/nguon/ho_so.yaml:4 | remove one of them",
		}},
		{"nguon/gt.csv", "M ,1", " ,1", []string{
			"code-file | nut/nguon/gt.csv:2:1 codes.gt | ma_nguon is empty | write the code, or remove the line; what is to count as null stands under columns: null",
		}},
		{"nguon/gt.csv", "M ,1", "M, ", []string{
			"code-file | nut/nguon/gt.csv:2:4 codes.gt | ma_chuan is empty for the code \"M\" | write the code of the list, or remove the line: a code that is not in the table is a violation",
		}},
		{"nguon/gt.csv", "M ,1,Nam", "M ,1,Nam,x", []string{
			"code-file | nut/nguon/gt.csv:2:1 codes.gt | the line has 4 values, the first line has 3 | write one value for each column; a value that holds the separator stands in quotes",
		}},
		{"nguon/gt.csv", "Nam", "\"Nam", []string{
			"code-file | nut/nguon/gt.csv:2:1 codes.gt | a quote is not closed, or stands inside a value | write a value that holds quotes or separators as \"…\", with \"\" for a quote inside",
		}},
		{"nguon/gt.csv", "ma_nguon,ma_chuan,ten\n", "", []string{
			"code-file | nut/nguon/gt.csv:1:1 codes.gt | the first line must name the columns, ma_nguon and ma_chuan, with one separator between them | begin the file with the line ma_nguon,ma_chuan or ma_nguon;ma_chuan",
		}},
		{"nguon/gt.csv", "ma_nguon,ma_chuan", "ma_nguon;ma_chuan", []string{
			"code-file | nut/nguon/gt.csv:1:1 codes.gt | the first line must name the columns, ma_nguon and ma_chuan, with one separator between them | begin the file with the line ma_nguon,ma_chuan or ma_nguon;ma_chuan",
		}},
		{"nguon/gt.csv", " M ,1,Nam\n\"F\",2,\"Nữ, \"\"bà\"\"\"\n", "", []string{
			"code-file | nut/nguon/gt.csv:1:1 codes.gt | the file holds no codes | below the line ma_nguon,ma_chuan write a line for each code",
		}},
		{"nguon/gt.csv", "Nữ", "N\xf6", []string{
			"not-utf8 | nut/nguon/gt.csv:3:1 codes.gt | the file is not UTF-8 text | save it as UTF-8; in Excel: Save As, CSV UTF-8",
		}},
		{"nguon/gt.csv", "ma_nguon", "\xff\xfem\x00a\x00", []string{
			"not-utf8 | nut/nguon/gt.csv:1:1 codes.gt | the file is UTF-16 (\"Unicode\"), not UTF-8 text | save it as UTF-8; in Excel: Save As, CSV UTF-8",
		}},
		{"nguon/gt.csv", "Nam", strings.Repeat("N", maxFile), []string{
			"unreadable | nut/nguon/ho_so.yaml:4:52 codes.gt.file | the file gt.csv is larger than 1048576 bytes | check that it is the right one; a mapping or a code table is much smaller",
		}},
	} {
		files := sharingFiles()
		if !strings.Contains(files[c.file], c.old) {
			t.Fatalf("%s has no %q", c.file, c.old)
		}
		files[c.file] = strings.Replace(files[c.file], c.old, c.new, 1)
		p, found := compileIn(t, files)
		if diff := cmp.Diff(c.want, found); diff != "" {
			t.Errorf("%s: %.40q: %s", c.file, c.new, diff)
		}
		if (p != nil) != (c.want == nil) {
			t.Errorf("%s: %.40q: plan %v", c.file, c.new, p != nil)
		}
	}
}

// TestShownNames: problems name the other files as the mapping itself was named.
func TestShownNames(t *testing.T) {
	files := maps.Clone(sharingFiles())
	files["chung/nguoi.yaml"] = "x: 1\n"
	_, found, root := parseIn(files)
	if len(found) == 0 || !strings.Contains(found[0], " nut/chung/nguoi.yaml:1:1 ") {
		t.Errorf("%q", found)
	}
	_, problems := Parse("/elsewhere/m.yaml", []byte(files["nguon/ho_so.yaml"]), &Files{Root: root, Path: "nguon/ho_so.yaml"})
	if len(problems) == 0 || !strings.HasPrefix(problems[0].Where, "chung/nguoi.yaml:1:1 ") {
		t.Errorf("%v", problems)
	}
}
