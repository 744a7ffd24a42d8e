package mapping

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/lienthong/truc/problem"
)

// The columns of a code table's file. Others may stand beside them, for people.
const (
	codeFrom = "ma_nguon"
	codeTo   = "ma_chuan"
)

// codeFile adds the codes of a CSV file to a code table: a header names the columns and, by what stands between them, the
// separator; ma_nguon is the code of the source, ma_chuan that of the list.
func (d *decoder) codeFile(c *CodeMap, at Place, name string) {
	file, ok := d.locate(at, name)
	if !ok {
		return
	}
	data, ok := d.readFile(at, name, file)
	if !ok {
		return
	}
	shown := d.load.shown + file
	report := func(line, column int, code string, what, fix problem.Text) {
		d.report(Place{File: shown, Line: line, Column: column, Path: c.At.Path}, code, what, fix)
	}
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	if !utf8.Valid(data) {
		report(invalidLine(data), 1, "not-utf8", notUTF8(data), problem.Say("save it as UTF-8; in Excel: Save As, CSV UTF-8"))
		return
	}
	first, _, _ := strings.Cut(string(data), "\n")
	header, comma := codeHeader(first)
	if comma == 0 {
		report(1, 1, "code-file", problem.Say("the first line must name the columns, %s and %s, with one separator between them", codeFrom, codeTo), problem.Say("begin the file with the line %s,%s or %s;%s", codeFrom, codeTo, codeFrom, codeTo))
		return
	}
	r := csv.NewReader(bytes.NewReader(data))
	r.Comma, r.ReuseRecord = comma, true
	from, to := columnOf(header, codeFrom), columnOf(header, codeTo)
	lines := map[string]string{}
	for _, e := range c.Entries {
		lines[e.From] = fmt.Sprintf("%s:%d", e.At.File, e.At.Line)
	}
	before := len(c.Entries)
	for i := 0; ; i++ {
		record, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			what, fix := problem.Say("a quote is not closed, or stands inside a value"), problem.Say(`write a value that holds quotes or separators as "…", with "" for a quote inside`)
			otherCount := errors.Is(err, csv.ErrFieldCount)
			if otherCount {
				what, fix = problem.Say("the line has %d values, the first line has %d", len(record), len(header)), problem.Say("write one value for each column; a value that holds the separator stands in quotes")
			}
			line := 1
			if fault := new(csv.ParseError); errors.As(err, &fault) {
				line = fault.StartLine
			}
			report(line, 1, "code-file", what, fix)
			if otherCount {
				continue
			}
			return // where a quote is lost, what follows means nothing
		}
		if i == 0 {
			continue // the header
		}
		line, column := r.FieldPos(from)
		e := CodeEntry{From: strings.TrimSpace(record[from]), To: strings.TrimSpace(record[to])}
		e.At = Place{File: shown, Line: line, Column: column, Path: join(c.At.Path, e.From)}
		switch first, twice := lines[e.From]; {
		case e.From == "" && e.To == "":
			continue // a line of nothing but separators, as spreadsheets leave them
		case e.From == "":
			report(line, column, "code-file", problem.Say("%s is empty", codeFrom), problem.Say("write the code, or remove the line; what is to count as null stands under columns: null"))
			continue
		case e.To == "":
			toLine, toColumn := r.FieldPos(to)
			report(toLine, toColumn, "code-file", problem.Say("%s is empty for the code %q", codeTo, e.From), problem.Say("write the code of the list, or remove the line: a code that is not in the table is a violation"))
			continue
		case twice:
			report(line, column, "duplicate-code", problem.Say("the code %q is given twice; the first is at %s", e.From, first), problem.Say("remove one of them"))
			continue
		}
		lines[e.From] = fmt.Sprintf("%s:%d", shown, line)
		c.Entries = append(c.Entries, e)
	}
	if len(c.Entries) == before {
		report(1, 1, "code-file", problem.Say("the file holds no codes"), problem.Say("below the line %s%c%s write a line for each code", codeFrom, comma, codeTo))
	}
}

// codeHeader reads a header: its names, and what stands between them. comma is 0 when it is none.
func codeHeader(line string) (names []string, comma rune) {
	for _, comma := range []rune{',', ';'} {
		r := csv.NewReader(strings.NewReader(line))
		r.Comma = comma
		if names, err := r.Read(); err == nil && columnOf(names, codeFrom) >= 0 && columnOf(names, codeTo) >= 0 {
			return names, comma
		}
	}
	return nil, 0
}

func columnOf(names []string, name string) int {
	return slices.IndexFunc(names, func(n string) bool { return strings.EqualFold(strings.TrimSpace(n), name) })
}
