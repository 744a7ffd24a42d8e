package sheet

import (
	"archive/zip"
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestCSV: the bytes are those that Excel reads as Vietnamese, and no cell is a formula.
func TestCSV(t *testing.T) {
	var b bytes.Buffer
	w := New(&b, false, "", nil)
	for _, row := range [][]string{
		{"Trường", "Lỗi"},
		{"Họ tên", "a,b"},
		{"=1+1", "+84"},
		{"-2", "@SUM(A1)"},
		{" =1", "\t=1"},
		{"a\nb", "trừ - giữa"},
		{"＝1", ""},
	} {
		if err := w.Row(row...); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	want := "\ufeffTrường,Lỗi\r\nHọ tên,\"a,b\"\r\n'=1+1,'+84\r\n'-2,'@SUM(A1)\r\n' =1,'\t=1\r\n\"a\r\nb\",trừ - giữa\r\n'＝1,\r\n"
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Error(diff)
	}
}

// cells reads a sheet back, as any reader of inline strings would.
func cells(t *testing.T, z *zip.Reader, name string) (rows [][]string) {
	t.Helper()
	f, err := z.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var doc struct {
		Rows []struct {
			Cells []struct {
				Ref  string `xml:"r,attr"`
				Type string `xml:"t,attr"`
				Text string `xml:"is>t"`
			} `xml:"c"`
		} `xml:"sheetData>row"`
	}
	if err := xml.NewDecoder(f).Decode(&doc); err != nil {
		t.Fatal(err)
	}
	for _, r := range doc.Rows {
		var row []string
		for _, c := range r.Cells {
			if c.Type != "inlineStr" {
				t.Errorf("cell %s has type %q: it could be taken for something else than text", c.Ref, c.Type)
			}
			row = append(row, c.Text)
		}
		rows = append(rows, row)
	}
	return rows
}

// TestXLSX: what is read back is what was written; every part is well-formed and named; a list goes on in another sheet.
func TestXLSX(t *testing.T) {
	var b bytes.Buffer
	w := newXLSX(&b, "Danh sách", []int{10})
	w.rows = 3
	rows := [][]string{{"Trường", "Lỗi"}, {"=1+1", "<a> & \"b\""}, {" Họ\ttên ", "dòng 1\ndòng 2"}, {"\x00\x01", strings.Repeat("ơ", maxCell+5)}}
	for _, row := range rows {
		if err := w.Row(row...); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	z, err := zip.NewReader(bytes.NewReader(b.Bytes()), int64(b.Len()))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		d := xml.NewDecoder(r)
		for err == nil {
			_, err = d.Token()
		}
		if !errors.Is(err, io.EOF) {
			t.Errorf("%s: %v", f.Name, err)
		}
	}
	if diff := cmp.Diff(rows[:3], cells(t, z, "xl/worksheets/sheet1.xml")); diff != "" {
		t.Error(diff)
	}
	second := [][]string{rows[0], {"\ufffd\ufffd", strings.Repeat("ơ", maxCell)}}
	if diff := cmp.Diff(second, cells(t, z, "xl/worksheets/sheet2.xml")); diff != "" {
		t.Error(diff)
	}
	book, err := z.Open("xl/workbook.xml")
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(book)
	if err != nil || !strings.Contains(string(text), `name="Danh sách 2"`) {
		t.Errorf("the second sheet has no name of its own: %s, %v", text, err)
	}
}

func TestColumn(t *testing.T) {
	for i, want := range map[int]string{0: "A", 25: "Z", 26: "AA", 701: "ZZ", 702: "AAA"} {
		if got := column(i); got != want {
			t.Errorf("column %d is %s, want %s", i, got, want)
		}
	}
}
