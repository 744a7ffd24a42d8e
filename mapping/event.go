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
	return t.Truncate(time.Microsecond).UTC().AppendFormat(dst, timestampForm), true
}
