package pipeline

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/lienthong/truc/record"
	"github.com/lienthong/truc/schemas"
)

// Letter is a dead letter: a record that could not be published or delivered, with why. It holds the raw row, so its topic
// is readable by its publisher only. It stands on the dead-letter topic under the entity key; a tombstone closes it.
type Letter struct {
	Format   int       `json:"v"`
	Pipeline string    `json:"pipeline"`
	Time     time.Time `json:"time"`
	// Sequence is the place of the change in its source.
	Sequence string `json:"sequence"`
	// Reason is a stable word: violation, oversize, key, conflict, unique, foreign-key, not-null, type, not-an-event …
	Reason     string            `json:"reason"`
	Violations []LetterViolation `json:"violations,omitempty"`
	Mapping    string            `json:"mapping,omitempty"`
	// Since and Times are carried on by a retry after which the letter stays open: when the entity got its first letter, and
	// how many it has got.
	Since *time.Time `json:"since,omitempty"`
	Times int        `json:"times,omitempty"`

	// Of a publishing pipeline:
	Table string          `json:"table,omitempty"`
	Op    string          `json:"op,omitempty"`
	Row   map[string]Cell `json:"row,omitempty"`
	// RowKey are the columns of the table's key, for re-reading the row.
	RowKey []string `json:"rowKey,omitempty"`

	// Of a delivery:
	Topic     string `json:"topic,omitempty"`
	Partition int32  `json:"partition,omitempty"`
	Offset    int64  `json:"offset,omitempty"`
	Target    string `json:"target,omitempty"`
}

// LetterViolation says what is wrong with one field.
type LetterViolation struct {
	Field string `json:"field"`
	Rule  string `json:"rule"`
	Group string `json:"group,omitempty"`
	VI    string `json:"vi"`
	EN    string `json:"en"`
}

// Cell is a raw cell in a letter.
type Cell struct {
	Kind string `json:"kind"`
	Text string `json:"text,omitempty"`
	// Raw is used where the bytes are not UTF-8.
	Raw []byte `json:"raw,omitempty"`
	// Size stands instead of the content where that is larger than maxLetterCell.
	Size int `json:"size,omitempty"`
}

// maxLetterCell is the largest cell a letter carries.
const maxLetterCell = 64 << 10

func letterViolations(in []schemas.Violation) []LetterViolation {
	out := make([]LetterViolation, len(in))
	for i, v := range in {
		out[i] = LetterViolation{Field: v.Pointer, Rule: v.Rule, Group: v.Group, VI: v.VI, EN: v.EN}
	}
	return out
}

// letterRow writes a row down, up to so many bytes; of the cells beyond it says how large they are. The key comes first: by
// it the row is read again.
func letterRow(t *record.Table, row record.Row, room int) map[string]Cell {
	cells := make(map[string]Cell, len(row))
	write := func(i int) {
		cell := Cell{Kind: row[i].Kind.String()}
		if size := len(row[i].Bytes); size > min(maxLetterCell, room) { // not even copied: it may have 20 MB
			cell.Size = size
			cells[t.Columns[i].Name] = cell
			return
		}
		text := row[i].Append(nil)
		switch {
		case len(text) > min(maxLetterCell, room):
			cell.Size = len(text)
		case utf8.Valid(text):
			cell.Text = string(text)
			room -= len(text)
		default:
			cell.Raw = text
			room -= len(text)
		}
		cells[t.Columns[i].Name] = cell
	}
	for _, i := range t.Key {
		write(i)
	}
	for i := range row {
		if !slices.Contains(t.Key, i) {
			write(i)
		}
	}
	return cells
}

func rowKey(t *record.Table) []string {
	names := make([]string, len(t.Key))
	for i, c := range t.Key {
		names[i] = t.Columns[c].Name
	}
	return names
}

func (l *Letter) encode() ([]byte, error) {
	l.Format = 1
	b, err := json.Marshal(l)
	if err != nil {
		return nil, fmt.Errorf("encode dead letter: %w", err)
	}
	return b, nil
}

// maxLetterViolations is how many violations a letter keeps that would be too large otherwise.
const maxLetterViolations = 20

// encodeWithin encodes the letter in at most so many bytes: text grows when it is written as JSON. What has to go first are
// the cells beside the key, then the key and most violations.
func (l *Letter) encodeWithin(limit int) ([]byte, error) {
	shrink := []func(){
		func() { l.dropCells(l.RowKey) },
		func() {
			l.dropCells(nil)
			l.Violations = l.Violations[:min(len(l.Violations), maxLetterViolations)]
		},
	}
	for {
		value, err := l.encode()
		if err != nil || len(value) <= limit || len(shrink) == 0 {
			return value, err
		}
		shrink[0]()
		shrink = shrink[1:]
	}
}

// dropCells leaves of all cells but some only the size.
func (l *Letter) dropCells(but []string) {
	for name, cell := range l.Row {
		if n := len(cell.Text) + len(cell.Raw); n > 0 && !slices.Contains(but, name) {
			l.Row[name] = Cell{Kind: cell.Kind, Size: n}
		}
	}
}

// DecodeLetter reads a letter from its topic.
func DecodeLetter(value []byte) (*Letter, error) {
	l := new(Letter)
	if err := json.Unmarshal(value, l); err != nil {
		return nil, fmt.Errorf("decode dead letter: %w", err)
	}
	if l.Format > 1 {
		return nil, fmt.Errorf("dead letter has format %d, this truc knows 1", l.Format)
	}
	return l, nil
}

// value makes the cell a Value again.
func (c Cell) value() (record.Value, bool) {
	if c.Size > 0 {
		return record.Value{}, false
	}
	b := []byte(c.Text)
	if c.Raw != nil {
		b = c.Raw
	}
	switch c.Kind {
	case "null":
		return record.NullValue, true
	case "bool":
		return record.BoolValue(c.Text == "true"), true
	case "int":
		var n int64
		if _, err := fmt.Sscan(c.Text, &n); err != nil {
			return record.Value{}, false
		}
		return record.IntValue(n), true
	case "float":
		f, err := strconv.ParseFloat(c.Text, 64)
		return record.FloatValue(f), err == nil
	case "decimal":
		return record.BytesOf(record.Decimal, b), true
	case "text":
		return record.BytesOf(record.Text, b), true
	case "bytes":
		return record.BytesOf(record.Bytes, b), true
	case "date":
		return record.BytesOf(record.Date, b), true
	case "time":
		return record.BytesOf(record.Time, b), true
	case "datetime":
		return record.BytesOf(record.DateTime, b), true
	case "timestamp":
		return record.BytesOf(record.Timestamp, b), true
	}
	return record.Value{}, false
}
