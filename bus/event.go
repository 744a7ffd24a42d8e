// Package bus is what travels: events in CloudEvents 1.0, Kafka binary content mode, the names of topics, and dead
// letters. How they travel is in bus/kafka (any Kafka) and bus/embedded (a broker inside the process).
package bus

import (
	"fmt"
	"strings"
)

// Names of the Kafka headers of an event (CloudEvents Kafka protocol binding 1.0, section 3.2).
const (
	HeaderSpecVersion = "ce_specversion"
	HeaderID          = "ce_id"
	HeaderSource      = "ce_source"
	HeaderType        = "ce_type"
	HeaderSubject     = "ce_subject"
	HeaderTime        = "ce_time"
	HeaderDataSchema  = "ce_dataschema"
	HeaderSequence    = "ce_sequence"
	HeaderContentType = "content-type"
	// HeaderRedelivery marks retries of dead letters, deliberate replays and erasures: "retry", "replay" or "erase". Such an event
	// carries an old sequence and does not count for recovery.
	HeaderRedelivery = "ce_trucredelivery"
	// HeaderDeprecated is the day, as 2006-01-02, from which on the version of the dataset may end, and HeaderSuccessor the dataset
	// that takes its place. They are there once the standards team has announced it.
	HeaderDeprecated = "ce_deprecated"
	HeaderSuccessor  = "ce_successor"
)

// Op is the last part of an event's type.
type Op string

const (
	Created  Op = "created"
	Updated  Op = "updated"
	Deleted  Op = "deleted"
	Snapshot Op = "snapshot"
)

// Header is one Kafka record header.
type Header struct {
	Key   string
	Value []byte
}

// Message is one record to be appended to a partition. The sender reads its memory until it calls done.
type Message struct {
	Key []byte
	// Value nil is a tombstone; an empty non-nil Value is an empty value.
	Value []byte
	// Shared are headers that many messages have in common, encoded once; nil when there are none.
	Shared *SharedHeaders
	// Headers are those of this message alone.
	Headers []Header
	// UnixMilli is the record's Kafka timestamp; 0 means now, and so does a time that brokers refuse.
	UnixMilli int64
}

// SharedHeaders is a block of headers in the wire form of a Kafka record (v2): for each header a varint length, the key,
// a varint length, the value; without the leading count.
type SharedHeaders struct {
	Count   int
	Encoded []byte
}

// NewSharedHeaders encodes headers once.
func NewSharedHeaders(headers ...Header) *SharedHeaders {
	s := &SharedHeaders{Count: len(headers)}
	for _, h := range headers {
		s.Encoded = AppendHeader(s.Encoded, h.Key, h.Value)
	}
	return s
}

// AppendHeader appends one header in the wire form of a Kafka record (v2). A nil value is the null value.
func AppendHeader(dst []byte, key string, value []byte) []byte {
	dst = AppendVarint(dst, int64(len(key)))
	dst = append(dst, key...)
	if value == nil {
		return AppendVarint(dst, -1)
	}
	dst = AppendVarint(dst, int64(len(value)))
	return append(dst, value...)
}

// AppendVarint appends Kafka's zig-zag varint.
func AppendVarint(dst []byte, n int64) []byte {
	u := uint64(n)<<1 ^ uint64(n>>63)
	for u >= 0x80 {
		dst = append(dst, byte(u)|0x80)
		u >>= 7
	}
	return append(dst, byte(u))
}

// Delivered is one record as it stands on a partition. Its memory is valid until the next Read of its reader.
type Delivered struct {
	Topic     string
	Partition int32
	Offset    int64
	UnixMilli int64
	Key       []byte
	// Value nil is a tombstone.
	Value   []byte
	Headers []Header
}

// Header returns the value of a header as text, "" when it is not there.
func (d *Delivered) Header(key string) string {
	for i := range d.Headers {
		if d.Headers[i].Key == key {
			return string(d.Headers[i].Value)
		}
	}
	return ""
}

// Event is a delivered record read as a truc event.
type Event struct {
	ID, Source, Type, Subject, Time, DataSchema, Sequence string
	Redelivery                                            string
	// Deprecated and Successor are "" while nobody has announced the end of the dataset's version.
	Deprecated, Successor string
	// Dataset is Type without its operation, "hotich.khaisinh.v1".
	Dataset string
	Op      Op
	// Agency is the identifier in Source: "H44.15".
	Agency string
	// Data is the document; nil for a deletion.
	Data []byte
	Key  []byte
}

// NotEventError says why a record on an event topic is not an event of truc. It names headers, never values.
type NotEventError struct{ Missing string }

func (e *NotEventError) Error() string {
	return "record is not a truc event: header " + e.Missing + " is missing or malformed"
}

// ParseEvent reads a record as an event.
func ParseEvent(d *Delivered) (Event, error) {
	var p EventParser
	return p.Parse(d)
}

// EventParser reads records as events. It keeps the texts that one event has in common with the next. It is not safe for
// concurrent use.
type EventParser struct{ source, kind, schema, deprecated, successor string }

// again returns the text of b, in the memory of last where that is the same.
func again(last *string, b []byte) string {
	if *last != string(b) {
		*last = string(b)
	}
	return *last
}

// Parse is ParseEvent.
func (p *EventParser) Parse(d *Delivered) (Event, error) {
	e := Event{Data: d.Value, Key: d.Key}
	spec := false
	for i := range d.Headers {
		v := d.Headers[i].Value
		switch d.Headers[i].Key {
		case HeaderSpecVersion:
			spec = string(v) == "1.0"
		case HeaderID:
			e.ID = string(v)
		case HeaderSource:
			e.Source = again(&p.source, v)
		case HeaderType:
			e.Type = again(&p.kind, v)
		case HeaderSubject:
			e.Subject = string(v)
		case HeaderTime:
			e.Time = string(v)
		case HeaderDataSchema:
			e.DataSchema = again(&p.schema, v)
		case HeaderSequence:
			e.Sequence = string(v)
		case HeaderRedelivery:
			e.Redelivery = string(v)
		case HeaderDeprecated:
			e.Deprecated = again(&p.deprecated, v)
		case HeaderSuccessor:
			e.Successor = again(&p.successor, v)
		}
	}
	if !spec {
		return e, &NotEventError{HeaderSpecVersion}
	}
	if e.ID == "" {
		return e, &NotEventError{HeaderID}
	}
	dot := strings.LastIndexByte(e.Type, '.')
	if dot < 0 {
		return e, &NotEventError{HeaderType}
	}
	e.Dataset, e.Op = e.Type[:dot], Op(e.Type[dot+1:])
	switch e.Op {
	case Created, Updated, Deleted, Snapshot:
	default:
		return e, &NotEventError{HeaderType}
	}
	agency, ok := strings.CutPrefix(e.Source, "/agencies/")
	if !ok {
		return e, &NotEventError{HeaderSource}
	}
	agency, _, ok = strings.Cut(agency, "/")
	if !ok {
		return e, &NotEventError{HeaderSource}
	}
	e.Agency = agency
	if !isSequence(e.Sequence) {
		return e, &NotEventError{HeaderSequence}
	}
	return e, nil
}

// isSequence tells 32 lower-case hexadecimal digits.
func isSequence(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return len(s) == 32
}

// SourceName is the ce_source of a publishing pipeline.
func SourceName(agency, source, pipeline string) string {
	return fmt.Sprintf("/agencies/%s/%s/%s", agency, source, pipeline)
}
