package sheet

import (
	"archive/zip"
	"bytes"
	"encoding/csv"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
)

// Bounds of a table that people write: beyond them it is another file than was meant.
const (
	maxTable       = 16 << 20
	maxTableRows   = 20_000
	maxTableColumn = 1_000
)

// Errors of Read.
var (
	ErrLarge   = errors.New("the table is too large")
	ErrNoTable = errors.New("the file is neither a CSV table in UTF-8 nor an XLSX workbook with a sheet")
)

// Read returns the rows of a CSV file (comma or semicolon, as spreadsheet programs save it) or of the first sheet of an XLSX
// workbook, as text. Rows and cells stand where they stand in the file: row 0 is the first line. Formulas give their last result.
func Read(file []byte) ([][]string, error) {
	switch {
	case len(file) > maxTable:
		return nil, ErrLarge
	case bytes.HasPrefix(file, []byte("PK\x03\x04")):
		return readXLSX(file)
	}
	return readCSV(file)
}

func readCSV(file []byte) ([][]string, error) {
	file = bytes.TrimPrefix(file, []byte("\ufeff"))
	if bytes.IndexByte(file, 0) >= 0 || !bytes.Equal(bytes.ToValidUTF8(file, nil), file) {
		return nil, ErrNoTable
	}
	r := csv.NewReader(bytes.NewReader(file))
	r.FieldsPerRecord, r.LazyQuotes = -1, true
	first, _, _ := bytes.Cut(file, []byte("\n"))
	for _, separator := range ";\t" {
		if bytes.ContainsRune(first, separator) && !bytes.ContainsRune(first, ',') {
			r.Comma = separator
		}
	}
	var rows [][]string
	for {
		cells, err := r.Read()
		if errors.Is(err, io.EOF) {
			return rows, nil
		}
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrNoTable, err)
		}
		line, _ := r.FieldPos(0)
		for len(rows) < line-1 { // the reader passes over empty lines, and people count them
			rows = append(rows, nil)
		}
		if rows = append(rows, cells); len(rows) > maxTableRows {
			return nil, ErrLarge
		}
	}
}

// xlsxText is a shared string or the text of a cell, in one piece or in runs.
type xlsxText struct {
	T    string `xml:"t"`
	Runs []struct {
		T string `xml:"t"`
	} `xml:"r"`
}

func (t xlsxText) text() string {
	out := t.T
	for _, r := range t.Runs {
		out += r.T
	}
	return out
}

type xlsxSheet struct {
	Rows []struct {
		Number int `xml:"r,attr"`
		Cells  []struct {
			Ref    string   `xml:"r,attr"`
			Type   string   `xml:"t,attr"`
			Value  string   `xml:"v"`
			Inline xlsxText `xml:"is"`
		} `xml:"c"`
	} `xml:"sheetData>row"`
}

func readXLSX(file []byte) ([][]string, error) {
	archive, err := zip.NewReader(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoTable, err)
	}
	first, err := firstSheet(archive)
	if err != nil {
		return nil, err
	}
	var shared struct {
		Items []xlsxText `xml:"si"`
	}
	if err := part(archive, "xl/sharedStrings.xml", &shared); err != nil && !errors.Is(err, ErrNoTable) {
		return nil, err
	}
	var sheet xlsxSheet
	if err := part(archive, first, &sheet); err != nil {
		return nil, err
	}
	var rows [][]string
	for i, r := range sheet.Rows {
		if r.Number == 0 {
			r.Number = i + 1
		}
		if r.Number > maxTableRows || r.Number <= len(rows) {
			return nil, ErrLarge
		}
		for len(rows) < r.Number-1 {
			rows = append(rows, nil)
		}
		var cells []string
		for j, c := range r.Cells {
			at := columnOf(c.Ref)
			if at < 0 {
				at = j
			}
			if at > maxTableColumn {
				return nil, ErrLarge
			}
			for len(cells) <= at {
				cells = append(cells, "")
			}
			switch c.Type {
			case "s":
				var n int
				if _, err := fmt.Sscanf(c.Value, "%d", &n); err == nil && n >= 0 && n < len(shared.Items) {
					cells[at] = shared.Items[n].text()
				}
			case "inlineStr":
				cells[at] = c.Inline.text()
			default:
				cells[at] = c.Value
			}
		}
		rows = append(rows, cells)
	}
	return rows, nil
}

// firstSheet is the part of the archive that holds the sheet which stands first.
func firstSheet(archive *zip.Reader) (string, error) {
	var book struct {
		Sheets []struct {
			ID string `xml:"http://schemas.openxmlformats.org/officeDocument/2006/relationships id,attr"`
		} `xml:"sheets>sheet"`
	}
	var relations struct {
		All []struct {
			ID     string `xml:"Id,attr"`
			Target string `xml:"Target,attr"`
		} `xml:"Relationship"`
	}
	if err := errors.Join(part(archive, "xl/workbook.xml", &book), part(archive, "xl/_rels/workbook.xml.rels", &relations)); err != nil {
		return "", err
	}
	for _, r := range relations.All {
		if len(book.Sheets) > 0 && r.ID == book.Sheets[0].ID {
			if target, whole := strings.CutPrefix(r.Target, "/"); whole {
				return target, nil
			}
			return path.Join("xl", r.Target), nil
		}
	}
	return "", ErrNoTable
}

// part reads a part of the archive, within bounds: a small file can hold a large part.
func part(archive *zip.Reader, name string, into any) error {
	file, err := archive.Open(name)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrNoTable, err)
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxTable+1))
	switch {
	case err != nil:
		return fmt.Errorf("%w: %w", ErrNoTable, err)
	case len(text) > maxTable:
		return ErrLarge
	}
	if err := xml.Unmarshal(text, into); err != nil {
		return fmt.Errorf("%w: %w", ErrNoTable, err)
	}
	return nil
}

// columnOf is the number of the column in "AB12", from 0; -1 when there is none.
func columnOf(ref string) int {
	n := 0
	for _, c := range ref {
		if c < 'A' || c > 'Z' || n > maxTableColumn {
			break
		}
		n = n*26 + int(c-'A') + 1
	}
	return n - 1
}
