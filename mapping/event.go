package mapping

import "time"

// eventField is one of the parts of an event that a sink mapping can name.
type eventField int

const (
	eventID eventField = iota
	eventOp
	eventTime
	eventAgency
	eventSequence
	eventDataset
)

// eventFields are the names, in the order of the constants.
func eventFields() []string {
	return []string{"event.id", "event.op", "event.time", "event.agency", "event.sequence", "event.dataset"}
}

// timestampForm is record.Timestamp's.
const timestampForm = "2006-01-02T15:04:05.999999Z"

type eventNode struct{ field eventField }

func (n *eventNode) eval(f *frame) cell {
	start := len(f.scratch)
	switch n.field {
	case eventTime:
		f.scratch = f.event.Time.UTC().AppendFormat(f.scratch, timestampForm)
		return bytesCell(kindTimestamp, f.since(start))
	case eventID:
		f.scratch = append(f.scratch, f.event.ID...)
	case eventOp:
		f.scratch = append(f.scratch, f.event.Op...)
	case eventAgency:
		f.scratch = append(f.scratch, f.event.Agency...)
	case eventSequence:
		f.scratch = append(f.scratch, f.event.Sequence...)
	case eventDataset:
		f.scratch = append(f.scratch, f.event.Dataset...)
	}
	return textCell(f.since(start))
}

// utcTimestamp appends an instant as record.Timestamp wants it; ok is false for what is not RFC 3339.
func utcTimestamp(dst, b []byte) ([]byte, bool) {
	t, ok := instant(b)
	if !ok {
		return dst, false
	}
	if inTimestampForm(b, t) {
		return append(dst, b...), true
	}
	return t.Truncate(time.Microsecond).UTC().AppendFormat(dst, timestampForm), true
}

// inTimestampForm tells whether b, of which t was read, is what formatting t would give. Most timestamps are, and formatting is slow.
func inTimestampForm(b []byte, t time.Time) bool {
	n := len(b)
	if n < 20 || n > 27 || b[n-1] != 'Z' || b[4] != '-' || b[7] != '-' || b[10] != 'T' || b[13] != ':' || b[16] != ':' {
		return false
	}
	if n > 20 && (n == 21 || b[19] != '.' || b[n-2] == '0') {
		return false
	}
	two := func(at int) int { return int(b[at]-'0')*10 + int(b[at+1]-'0') }
	// What time.Date has carried over, the 24th hour or a leap second, is written otherwise.
	return two(8) == t.Day() && two(11) == t.Hour() && two(14) == t.Minute() && two(17) == t.Second()
}
