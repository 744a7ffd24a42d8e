package registry

import (
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

func (p payload) record(k key) Record {
	p.Format = format
	b, _ := json.Marshal(p) // RawMessages in it were made by this package
	return Record{Key: k.encode(), Value: b}
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
