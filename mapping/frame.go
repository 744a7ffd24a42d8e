package mapping

import (
	"strconv"
	"strings"
	"time"

	"github.com/lienthong/truc/mapping/value"
	"github.com/lienthong/truc/record"
)

// frame is the memory of one translation: it is reused for every row by the one translator that owns it.
type frame struct {
	row     record.Row
	columns []*column
	// slots cache what is evaluated at most once a row: columns, lets, parts of a document. A slot holds when its stamp is the frame's.
	slots  []cell
	stamps []uint32
	stamp  uint32
	// scratch backs the texts made for this row. Slices of it stay valid when it grows: the old array lives on with them.
	scratch []byte
	event   EventView
	// remarks are collected while remarking; pointer is the property being made.
	remarks   []Remark
	remarking bool
	pointer   string
	// indexes are those of the elements being made, outermost first.
	indexes []int
}

func newFrame(columns []*column, slots int) *frame {
	return &frame{columns: columns, slots: make([]cell, slots), stamps: make([]uint32, slots), scratch: make([]byte, 0, 1024)}
}

// maxScratch bounds what one row with a huge cell leaves behind.
const maxScratch = 1 << 20

// next forgets the previous row.
func (f *frame) next(row record.Row) {
	f.row = row
	if cap(f.scratch) > maxScratch {
		f.scratch = make([]byte, 0, 1024)
	}
	f.scratch = f.scratch[:0]
	f.remarks = f.remarks[:0]
	f.indexes = f.indexes[:0]
	f.remarking = false
	if f.stamp++; f.stamp == 0 {
		clear(f.stamps)
		f.stamp = 1
	}
}

func (f *frame) remark(r Remark) {
	if !f.remarking {
		return
	}
	r.Pointer = f.place(f.pointer)
	f.remarks = append(f.remarks, r)
}

// place is a pointer with the indexes of the elements being made.
func (f *frame) place(pointer string) string {
	for _, i := range f.indexes {
		pointer = strings.Replace(pointer, anIndex, strconv.Itoa(i), 1)
	}
	return pointer
}

// since returns what was appended to scratch from start on, cut so that a later append cannot run into it.
func (f *frame) since(start int) []byte {
	return f.scratch[start:len(f.scratch):len(f.scratch)]
}

// instant reads RFC 3339 with any offset.
func instant(b []byte) (time.Time, bool) {
	offset := 0
	if n := len(b); n > 6 && b[n-3] == ':' && (b[n-6] == '+' || b[n-6] == '-') {
		for _, i := range [4]int{n - 5, n - 4, n - 2, n - 1} {
			if b[i] < '0' || b[i] > '9' {
				return time.Time{}, false
			}
		}
		offset = int(b[n-5]-'0')*600 + int(b[n-4]-'0')*60 + int(b[n-2]-'0')*10 + int(b[n-1]-'0')
		if b[n-6] == '-' {
			offset = -offset
		}
		b = b[:n-6]
	} else if n > 0 && b[n-1] == 'Z' {
		b = b[:n-1]
	} else {
		return time.Time{}, false
	}
	t, utc, ok := value.ParseISODateTime(b)
	if !ok || utc {
		return time.Time{}, false
	}
	return time.Date(t.Year, time.Month(t.Month), t.Day, t.Hour, t.Min, t.Sec, t.Nano, time.UTC).Add(-time.Duration(offset) * time.Minute), true
}

// wallClock is an instant as the clocks of a zone show it.
func wallClock(t time.Time, zone *time.Location) value.DateTime {
	t = t.In(zone)
	return value.DateTime{Year: t.Year(), Month: int(t.Month()), Day: t.Day(), Hour: t.Hour(), Min: t.Minute(), Sec: t.Second(), Nano: t.Nanosecond(), Precision: value.Time}
}

// appendZoned appends a wall time of a zone as RFC 3339 with that zone's offset then.
func appendZoned(dst []byte, t value.DateTime, zone *time.Location) []byte {
	_, seconds := time.Date(t.Year, time.Month(t.Month), t.Day, t.Hour, t.Min, t.Sec, t.Nano, zone).Zone()
	return value.AppendISODateTime(dst, t, seconds/60)
}
