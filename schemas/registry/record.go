package registry

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// format is the version of what is stored. A registry refuses records of a later one.
const format = 1

// Keys of records are JSON arrays: kind, context, and what it is about within the context.
const (
	kindSchema  = "schema"  // + id: a text; written once
	kindVersion = "version" // + subject, number: which schema stands there
	kindConfig  = "config"  // + subject or ""
	kindMode    = "mode"    // + subject or ""
	kindIDs     = "ids"     // ids below Next were given, also when nothing of them is left
)

type key struct {
	kind, context, subject string
	number                 int32
}

func versionKey(of Subject, number int32) key {
	return key{kind: kindVersion, context: of.Context, subject: of.Name, number: number}
}

func (k key) encode() []byte {
	parts := []any{k.kind, k.context}
	switch k.kind {
	case kindSchema:
		parts = append(parts, k.number)
	case kindVersion:
		parts = append(parts, k.subject, k.number)
	case kindConfig, kindMode:
		parts = append(parts, k.subject)
	}
	b, _ := json.Marshal(parts) // strings and numbers always can be
	return b
}

// decodeKey reads a key; ok is false for a key of nobody's.
func decodeKey(text []byte) (k key, ok bool) {
	var parts []json.RawMessage
	if json.Unmarshal(text, &parts) != nil || len(parts) < 2 {
		return key{}, false
	}
	str := func(i int, to *string) bool { return i < len(parts) && json.Unmarshal(parts[i], to) == nil }
	num := func(i int) bool { return i < len(parts) && json.Unmarshal(parts[i], &k.number) == nil }
	if !str(0, &k.kind) || !str(1, &k.context) {
		return key{}, false
	}
	switch k.kind {
	case kindSchema:
		return k, num(2)
	case kindVersion:
		return k, str(2, &k.subject) && num(3)
	case kindConfig, kindMode:
		return k, str(2, &k.subject)
	}
	return k, k.kind == kindIDs
}

// payload is the value of a record of any kind.
type payload struct {
	Format int `json:"format"`
	// By names the command that the record is the last one of, so that who gave it knows that it is in the log.
	By string `json:"by,omitempty"`

	Schema     json.RawMessage `json:"schema,omitempty"` // the text, a JSON string
	References []Reference     `json:"references,omitempty"`
	Metadata   json.RawMessage `json:"metadata,omitempty"`
	RuleSet    json.RawMessage `json:"ruleSet,omitempty"`

	ID      int32 `json:"id,omitempty"`
	Deleted bool  `json:"deleted,omitempty"`

	Config *Config `json:"config,omitempty"`
	Mode   Mode    `json:"mode,omitempty"`
	Next   int32   `json:"next,omitempty"`
}

// entry is a record as it is before it is written and after it was read.
type entry struct {
	key
	payload
	removes bool // the key; there is no payload
}

func (e entry) record() Record {
	if e.removes {
		return Record{Key: e.encode()}
	}
	e.Format = format
	// As they are, without the escapes that are meant for web pages: who wrote an entry takes it in as it is, everybody else
	// as it was read, and both must end with the same bytes.
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(e.payload) // RawMessages in it were made by this package
	return Record{Key: e.encode(), Value: bytes.TrimSuffix(b.Bytes(), []byte("\n"))}
}

// decodeEntry reads a record; ok is false for one of nobody's.
func decodeEntry(r Record) (e entry, ok bool, err error) {
	if e.key, ok = decodeKey(r.Key); !ok {
		return e, false, nil
	}
	if e.removes = r.Value == nil; !e.removes {
		e.payload, err = decodePayload(r.Value)
	}
	return e, err == nil, err
}

// FormatError says that a record was written by a later version of this program.
type FormatError struct{ Format int }

func (e *FormatError) Error() string {
	return fmt.Sprintf("the log of schemas holds records of format %d, this program knows format %d: run a newer truc", e.Format, format)
}

func decodePayload(text []byte) (payload, error) {
	var p payload
	if err := json.Unmarshal(text, &p); err != nil {
		return p, fmt.Errorf("read record of schemas: %w", err)
	}
	if p.Format > format {
		return p, &FormatError{p.Format}
	}
	return p, nil
}

// Names of what a decision rests on, for their revisions.
const onSettings = "settings"

func onSubject(s Subject) string    { return "subject " + s.String() }
func onReferences(s Subject) string { return "references " + s.String() }
