package registry

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// TypeJSON is the only type of schema that is kept.
const TypeJSON = "JSON"

const (
	maxText  = 1 << 20 // bytes of a schema
	maxDepth = 128     // levels of a schema
)

// Reference names a version that a schema refers to: a $ref to Name leads there.
type Reference struct {
	Name    string `json:"name"`
	Subject string `json:"subject"`
	Version int32  `json:"version"`
}

// Schema is a schema as it is handed in.
type Schema struct {
	Type       string
	Text       string
	References []Reference
	// Metadata and RuleSet are kept as they are; this registry does not act on them.
	Metadata, RuleSet json.RawMessage
}

// Stored is a schema of the registry. It does not change.
type Stored struct {
	ID         int32
	References []Reference
	Metadata   json.RawMessage
	RuleSet    json.RawMessage
	digest     digest
	// content is GUID, type and text as one JSON object. Nobody asks for anything else as often, and it holds the text once.
	content []byte
	// users are the versions that have this schema, deleted ones included; the state's.
	users []use
}

type use struct {
	subject string
	number  int32
}

// digest tells schemas apart.
type digest [sha256.Size]byte

func newStored(id int32, p payload) *Stored {
	s := &Stored{ID: id, References: p.References, Metadata: p.Metadata, RuleSet: p.RuleSet}
	s.digest = digestOf(Schema{Text: unquote(p.Schema), References: p.References, Metadata: p.Metadata, RuleSet: p.RuleSet})
	s.content = make([]byte, 0, beforeText+len(p.Schema)+1)
	s.content = append(s.content, `{"guid":"`...)
	s.content = append(s.content, s.GUID()...)
	s.content = append(s.content, `","schemaType":"JSON","schema":`...)
	s.content = append(append(s.content, p.Schema...), '}')
	return s
}

// beforeText is where the text begins in Stored.content.
const beforeText = len(`{"guid":"00000000-0000-0000-0000-000000000000","schemaType":"JSON","schema":`)

// Content is the schema as one JSON object with its GUID, its type and its text; without its references, metadata and rules, for
// schemas that have some. It must not be changed.
func (s *Stored) Content() []byte { return s.content }

// Quoted is the schema's text as a JSON string. It must not be changed.
func (s *Stored) Quoted() []byte { return s.content[beforeText : len(s.content)-1] }

// Text is the schema's text.
func (s *Stored) Text() string { return unquote(s.Quoted()) }

// GUID names the content: the same schema has the same one in every registry of this kind.
func (s *Stored) GUID() string { return s.digest.guid() }

// guid is a UUID of version 8, whose bits are ours to choose.
func (d digest) guid() string {
	b := d[:16]
	b = append([]byte(nil), b...)
	b[6], b[8] = b[6]&0x0f|0x80, b[8]&0x3f|0x80
	h := hex.EncodeToString(b)
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

// digestOf is over canonical texts.
func digestOf(s Schema) digest {
	h := sha256.New()
	part := func(b []byte) {
		var length [8]byte
		binary.BigEndian.PutUint64(length[:], uint64(len(b)))
		_, _ = h.Write(length[:])
		_, _ = h.Write(b)
	}
	part([]byte(TypeJSON))
	part([]byte(s.Text))
	for _, r := range s.References {
		part([]byte(r.Name))
		part([]byte(r.Subject))
		part(binary.BigEndian.AppendUint32(nil, uint32(r.Version)))
	}
	part(s.Metadata)
	part(s.RuleSet)
	return digest(h.Sum(nil))
}

// canonical is the schema in the one form by which it is told apart: without white space and without needless escapes.
// Normalized, the members of objects are sorted, and so are the references.
func (s Schema) canonical(normalize bool) (Schema, error) {
	switch {
	case s.Type == "" || s.Type == "AVRO" || s.Type == "PROTOBUF":
		kind := s.Type
		if kind == "" {
			kind = "AVRO" // as every client understands a schema without type
		}
		return s, invalidSchema("this registry keeps JSON schemas and no schemas of type %s; say \"schemaType\":\"JSON\"", kind)
	case s.Type != TypeJSON:
		return s, invalidSchema("there is no schema type %.20q; say \"schemaType\":\"JSON\"", s.Type)
	case len(s.Text) > maxText:
		return s, &Error{codeTooLarge, fmt.Sprintf("Schema is too large: %d bytes, at most %d; split it and use references", len(s.Text), maxText)}
	}
	var err error
	if s.Text, err = canonicalJSON(s.Text, normalize); err != nil {
		return s, invalidSchema("%v", err)
	}
	for _, raw := range []*json.RawMessage{&s.Metadata, &s.RuleSet} {
		if len(*raw) == 0 || string(*raw) == "null" {
			*raw = nil
			continue
		}
		text, err := canonicalJSON(string(*raw), true)
		if err != nil {
			return s, invalidSchema("metadata or ruleSet: %v", err)
		}
		*raw = json.RawMessage(text)
	}
	if len(s.References) > 0 && normalize {
		s.References = slices.Clone(s.References)
		slices.SortFunc(s.References, func(a, b Reference) int { return strings.Compare(a.Name, b.Name) })
	}
	return s, nil
}

// quote appends a text as a JSON string, with no more escapes than needed.
func quote(b []byte, text string) []byte {
	plain := utf8.ValidString(text)
	for i := 0; plain && i < len(text); i++ {
		c := text[i]
		plain = c >= ' ' && c != '"' && c != '\\' && c != 0xe2 // with 0xe2 begin the two that encoding/json escapes besides
	}
	if plain {
		return append(append(append(b, '"'), text...), '"')
	}
	var buf bytes.Buffer
	e := json.NewEncoder(&buf)
	e.SetEscapeHTML(false)
	_ = e.Encode(text) // a string always can be
	return append(b, bytes.TrimSuffix(buf.Bytes(), []byte("\n"))...)
}

// unquote is the text of a JSON string that quote wrote.
func unquote(quoted []byte) string {
	if len(quoted) >= 2 && bytes.IndexByte(quoted, '\\') < 0 {
		return string(quoted[1 : len(quoted)-1])
	}
	var text string
	_ = json.Unmarshal(quoted, &text)
	return text
}
