package sheet

import (
	"archive/zip"
	"bufio"
	"encoding/xml"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"
)

const (
	// maxRows is what one sheet takes; a longer list goes on in another.
	maxRows = 1_048_576
	// maxCell is what one cell takes, in characters.
	maxCell = 32_767
)

// xlsxWriter writes an Office Open XML workbook (ISO/IEC 29500, transitional) as a stream: every cell is a text, the header
// is bold, stays in view and filters.
type xlsxWriter struct {
	zip    *zip.Writer
	name   string
	widths []int
	// rows of a sheet; a test lowers it.
	rows   int
	sheets int
	row    int // of the present sheet
	header []string
	// w keeps the first error, and Flush returns it.
	w *bufio.Writer
}

func newXLSX(w io.Writer, name string, widths []int) *xlsxWriter {
	return &xlsxWriter{zip: zip.NewWriter(w), name: name, widths: widths, rows: maxRows}
}

func (x *xlsxWriter) Row(cells ...string) error {
	if x.header == nil {
		x.header = append([]string{}, cells...)
		return x.begin()
	}
	if x.row == x.rows {
		if err := x.end(); err != nil {
			return err
		}
		if err := x.begin(); err != nil {
			return err
		}
	}
	return x.write(cells, 1)
}

// begin opens a sheet and writes its header.
func (x *xlsxWriter) begin() error {
	x.sheets++
	x.row = 0
	f, err := x.zip.Create(fmt.Sprintf("xl/worksheets/sheet%d.xml", x.sheets))
	if err != nil {
		return fmt.Errorf("write XLSX: %w", err)
	}
	x.w = bufio.NewWriter(f)
	_, _ = x.w.WriteString(xml.Header + `<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetViews><sheetView workbookViewId="0"><pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/></sheetView></sheetViews><cols>`)
	for i := range x.header {
		width := 16
		if i < len(x.widths) {
			width = x.widths[i]
		}
		fmt.Fprintf(x.w, `<col min="%d" max="%[1]d" width="%d" customWidth="1"/>`, i+1, width)
	}
	_, _ = x.w.WriteString(`</cols><sheetData>`)
	return x.write(x.header, 2)
}

// write writes one row in a style of styles.xml.
func (x *xlsxWriter) write(cells []string, style int) error {
	x.row++
	fmt.Fprintf(x.w, `<row r="%d">`, x.row)
	for i, cell := range cells {
		if utf8.RuneCountInString(cell) > maxCell {
			cell = string([]rune(cell)[:maxCell])
		}
		fmt.Fprintf(x.w, `<c r="%s%d" s="%d" t="inlineStr"><is><t xml:space="preserve">`, column(i), x.row, style)
		if err := xml.EscapeText(x.w, []byte(cell)); err != nil {
			return fmt.Errorf("write XLSX: %w", err)
		}
		_, _ = x.w.WriteString(`</t></is></c>`)
	}
	if _, err := x.w.WriteString("</row>"); err != nil {
		return fmt.Errorf("write XLSX: %w", err)
	}
	return nil
}

// column names a column, from 0: A, …, Z, AA.
func column(i int) string {
	name := ""
	for i++; i > 0; i = (i - 1) / 26 {
		name = string(rune('A'+(i-1)%26)) + name
	}
	return name
}

// end closes the present sheet.
func (x *xlsxWriter) end() error {
	fmt.Fprintf(x.w, `</sheetData><autoFilter ref="A1:%s%d"/></worksheet>`, column(len(x.header)-1), x.row)
	if err := x.w.Flush(); err != nil {
		return fmt.Errorf("write XLSX: %w", err)
	}
	return nil
}

const (
	relations  = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
	packageNS  = "http://schemas.openxmlformats.org/package/2006/"
	mainNS     = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
	mediaTypes = "application/vnd.openxmlformats-officedocument.spreadsheetml."
)

// Close writes what names the sheets.
func (x *xlsxWriter) Close() error {
	if x.header == nil {
		if err := x.Row(""); err != nil {
			return err
		}
	}
	if err := x.end(); err != nil {
		return err
	}
	var types, sheets, rels strings.Builder
	for n := 1; n <= x.sheets; n++ {
		name := x.name
		if n > 1 {
			name += " " + strconv.Itoa(n)
		}
		fmt.Fprintf(&types, `<Override PartName="/xl/worksheets/sheet%d.xml" ContentType="%sworksheet+xml"/>`, n, mediaTypes)
		fmt.Fprintf(&sheets, `<sheet name="%s" sheetId="%d" r:id="rId%[2]d"/>`, name, n)
		fmt.Fprintf(&rels, `<Relationship Id="rId%d" Type="%s/worksheet" Target="worksheets/sheet%[1]d.xml"/>`, n, relations)
	}
	for _, part := range []struct{ name, text string }{
		{"xl/styles.xml", `<styleSheet xmlns="` + mainNS + `"><fonts count="2"><font><sz val="11"/><name val="Calibri"/></font><font><b/><sz val="11"/><name val="Calibri"/></font></fonts>` +
			`<fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills><borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>` +
			`<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs><cellXfs count="3"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>` +
			`<xf numFmtId="49" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1" applyAlignment="1"><alignment vertical="top" wrapText="1"/></xf>` +
			`<xf numFmtId="49" fontId="1" fillId="0" borderId="0" xfId="0" applyNumberFormat="1" applyFont="1" applyAlignment="1"><alignment vertical="top" wrapText="1"/></xf></cellXfs></styleSheet>`},
		{"xl/workbook.xml", `<workbook xmlns="` + mainNS + `" xmlns:r="` + relations + `"><sheets>` + sheets.String() + `</sheets></workbook>`},
		{"xl/_rels/workbook.xml.rels", `<Relationships xmlns="` + packageNS + `relationships">` + rels.String() +
			`<Relationship Id="styles" Type="` + relations + `/styles" Target="styles.xml"/></Relationships>`},
		{"_rels/.rels", `<Relationships xmlns="` + packageNS + `relationships"><Relationship Id="rId1" Type="` + relations + `/officeDocument" Target="xl/workbook.xml"/></Relationships>`},
		{"[Content_Types].xml", `<Types xmlns="` + packageNS + `content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/>` +
			`<Override PartName="/xl/workbook.xml" ContentType="` + mediaTypes + `sheet.main+xml"/><Override PartName="/xl/styles.xml" ContentType="` + mediaTypes + `styles+xml"/>` + types.String() + `</Types>`},
	} {
		f, err := x.zip.Create(part.name)
		if err == nil {
			_, err = io.WriteString(f, xml.Header+part.text)
		}
		if err != nil {
			return fmt.Errorf("write XLSX: %w", err)
		}
	}
	if err := x.zip.Close(); err != nil {
		return fmt.Errorf("write XLSX: %w", err)
	}
	return nil
}
