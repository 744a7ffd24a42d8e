package sheet

import (
	"archive/zip"
	"bytes"
	"errors"
	"reflect"
	"strings"
	"testing"
)

// What is written can be read.
func TestReadBack(t *testing.T) {
	want := [][]string{{"trường", "tên"}, {"hoTen", `Họ "và" tên; <&>`}, {"", "hai\ndòng"}}
	for _, xlsx := range []bool{false, true} {
		var b bytes.Buffer
		w := New(&b, xlsx, "Bảng", nil)
		for _, row := range want {
			if err := w.Row(row...); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		got, err := Read(b.Bytes())
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("xlsx %v: %q, %v", xlsx, got, err)
		}
	}
}

// A workbook as spreadsheet programs save it: shared strings, some in runs, numbers, gaps in rows and columns.
func TestReadForeignXLSX(t *testing.T) {
	got, err := Read(workbook(t, map[string]string{
		"xl/sharedStrings.xml":     `<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><si><t>trường</t></si><si><r><t>họ </t></r><r><t>tên</t></r></si></sst>`,
		"xl/worksheets/mot.xml":    `<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData><row r="1"><c r="A1" t="s"><v>0</v></c><c r="C1" t="s"><v>1</v></c></row><row r="3"><c r="B3"><v>20</v></c></row></sheetData></worksheet>`,
		"xl/worksheets/sheet1.xml": `<worksheet/>`,
	}))
	want := [][]string{{"trường", "", "họ tên"}, nil, {"", "20"}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%q, %v", got, err)
	}
}

func workbook(t *testing.T, parts map[string]string) []byte {
	t.Helper()
	parts["xl/workbook.xml"] = `<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="Một" sheetId="2" r:id="rId7"/></sheets></workbook>`
	parts["xl/_rels/workbook.xml.rels"] = `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId7" Target="worksheets/mot.xml"/></Relationships>`
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for name, text := range parts {
		f, err := w.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestReadCSV(t *testing.T) {
	for text, want := range map[string][][]string{
		"\ufeffa;b\r\n1;\"x;y\"\r\n": {{"a", "b"}, {"1", "x;y"}},
		"a,b\n\n1,2\n":               {{"a", "b"}, nil, {"1", "2"}},
		"a\tb\n":                     {{"a", "b"}},
		"":                           nil,
	} {
		if got, err := Read([]byte(text)); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
}

func TestReadHostile(t *testing.T) {
	sheet := func(data string) map[string]string {
		return map[string]string{"xl/worksheets/mot.xml": "<worksheet><sheetData>" + data + "</sheetData></worksheet>"}
	}
	for name, row := range map[string]struct {
		file []byte
		want error
	}{
		"bytes":                 {[]byte("a,b\n\xff\xfe"), ErrNoTable},
		"broken archive":        {[]byte("PK\x03\x04 and no more"), ErrNoTable},
		"large":                 {make([]byte, maxTable+1), ErrLarge},
		"many lines":            {[]byte(strings.Repeat("a\n", maxTableRows+2)), ErrLarge},
		"no sheet":              {workbook(t, map[string]string{}), ErrNoTable},
		"a row far below":       {workbook(t, sheet(`<row r="2000000000"/>`)), ErrLarge},
		"a row twice":           {workbook(t, sheet(`<row r="2"/><row r="2"/>`)), ErrLarge},
		"a column far off":      {workbook(t, sheet(`<row r="1"><c r="ZZZZZZZZZZZZ1"><v>1</v></c></row>`)), ErrLarge},
		"a part that swells":    {workbook(t, sheet(strings.Repeat(" ", maxTable))), ErrLarge},
		"no such shared string": {workbook(t, sheet(`<row r="1"><c r="A1" t="s"><v>99</v></c></row>`)), nil},
	} {
		if _, err := Read(row.file); !errors.Is(err, row.want) {
			t.Errorf("%s: %v, want %v", name, err, row.want)
		}
	}
}
