package sheet

import (
	"encoding/csv"
	"fmt"
	"io"
	"strings"
)

// csvWriter writes what Excel opens without being asked: UTF-8 with a byte-order mark, lines ending in CRLF.
type csvWriter struct {
	w     io.Writer
	csv   *csv.Writer
	begun bool
}

func newCSV(w io.Writer) *csvWriter {
	c := csv.NewWriter(w)
	c.UseCRLF = true
	return &csvWriter{w: w, csv: c}
}

func (c *csvWriter) Row(cells ...string) error {
	if !c.begun {
		c.begun = true
		if _, err := io.WriteString(c.w, "\ufeff"); err != nil {
			return fmt.Errorf("write CSV: %w", err)
		}
	}
	out := make([]string, len(cells))
	for i, cell := range cells {
		out[i] = harmless(cell)
	}
	if err := c.csv.Write(out); err != nil {
		return fmt.Errorf("write CSV: %w", err)
	}
	return nil
}

func (c *csvWriter) Close() error {
	if c.csv.Flush(); c.csv.Error() != nil {
		return fmt.Errorf("write CSV: %w", c.csv.Error())
	}
	return nil
}

// harmless keeps a spreadsheet program from taking a cell for a formula: what a citizen typed into a form must not run on a
// clerk's machine. Blanks before the sign are passed over, as some programs do.
func harmless(cell string) string {
	if text := strings.TrimLeft(cell, " \t\r\n\u00a0"); cell != "" && (text != "" && strings.ContainsRune("=+-@＝＋－＠", []rune(text)[0]) || strings.ContainsAny(cell[:1], "\t\r\n")) {
		return "'" + cell
	}
	return cell
}
