// Package sheet writes lists that clerks open in a spreadsheet program: CSV, or XLSX.
//
//	header, then a row at a time → w; nothing is kept, so a list may be as long as the disk allows
package sheet

import "io"

// Writer takes the rows of a list, the header first.
type Writer interface {
	Row(cells ...string) error
	// Close ends the list. It does not close what is written to.
	Close() error
}

// New returns a writer of CSV, or of XLSX with columns so many characters wide.
func New(w io.Writer, xlsx bool, name string, widths []int) Writer {
	if xlsx {
		return newXLSX(w, name, widths)
	}
	return newCSV(w)
}
