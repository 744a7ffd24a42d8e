package value

import (
	"bytes"
	"time"
)

// ExcelLayout is the layout of dates that a spreadsheet left as numbers: "45292" is 1 January 2024, "45292.5" noon of it.
const ExcelLayout = "excel"

const (
	daySeconds = 24 * 60 * 60
	// noDay is the serial of 29 February 1900, which Excel counts and which never was.
	noDay = 60
)

// parseSerial reads a serial number of the 1900 system. Its fraction is the time of day, to the second nearest; the day never changes by rounding.
// Refused are 0 and less, which stand for no date, and 60.
func parseSerial(src []byte) (DateTime, bool) {
	whole, fraction, _ := bytes.Cut(src, []byte("."))
	if len(whole) == 0 || len(whole) > 7 || len(fraction) > 20 || !allDigits(whole) || !allDigits(fraction) {
		return DateTime{}, false
	}
	n := digits(whole)
	if n < 1 || n == noDay {
		return DateTime{}, false
	}
	if n < noDay {
		n++ // the days before the one that never was
	}
	if len(fraction) > 12 {
		fraction = fraction[:12]
	}
	scale := 1
	for range fraction {
		scale *= 10
	}
	seconds := (digits(fraction)*daySeconds + scale/2) / scale
	seconds = min(seconds, daySeconds-1)
	day := time.Date(1899, time.December, 30+n, 0, 0, seconds, 0, time.UTC)
	t := DateTime{Year: day.Year(), Month: int(day.Month()), Day: day.Day(), Hour: day.Hour(), Min: day.Minute(), Sec: day.Second(), Precision: Time}
	return t, t.valid()
}
