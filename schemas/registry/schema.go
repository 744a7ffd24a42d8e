package registry

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
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
	// quoted is the text as a JSON string, which is how it is nearly always asked for.
	quoted []byte
	// users are the versions that have this schema, deleted ones included; the state's.
	users []use
}

type use struct {
	subject string
	number  int32
}

// digest tells schemas apart.
type digest [sha256.Size]byte

// Quoted is the schema's text as a JSON string. It must not be changed.
func (s *Stored) Quoted() []byte { return s.quoted }

// Text is the schema's text.
func (s *Stored) Text() string {
	var text string
	_ = json.Unmarshal(s.quoted, &text) // it was written by quote
	return text
}

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

// value is a JSON value whose members keep their order.
type value struct {
	scalar  string // as JSON
	open    byte   // '{', '[' or 0
	names   []string
	members []value
}

// canonicalJSON writes a JSON text in one way. It refuses a member named twice: two readers might take two schemas from it.
func canonicalJSON(text string, sorted bool) (string, error) {
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	v, err := readValue(dec, 0)
	if errors.Is(err, io.EOF) {
		err = errors.New("the text ends too early")
	}
	if err != nil {
		return "", fmt.Errorf("not JSON: %w", err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return "", errors.New("not JSON: more text follows the value")
	}
	return string(v.append(make([]byte, 0, len(text)), sorted)), nil
}

func readValue(dec *json.Decoder, depth int) (value, error) {
	token, err := dec.Token()
	if err != nil {
		return value{}, err
	}
	switch t := token.(type) {
	case json.Delim:
		if depth >= maxDepth {
			return value{}, fmt.Errorf("nested more than %d levels deep at byte %d; use definitions", maxDepth, dec.InputOffset())
		}
		return readMembers(dec, byte(t), depth)
	case string:
		return value{scalar: string(quote(nil, t))}, nil
	case json.Number:
		return value{scalar: t.String()}, nil
	case bool:
		if t {
			return value{scalar: "true"}, nil
		}
		return value{scalar: "false"}, nil
	}
	return value{scalar: "null"}, nil
}

func readMembers(dec *json.Decoder, open byte, depth int) (value, error) {
	v := value{open: open}
	var seen map[string]bool // when there are so many that looking at all of them takes longer
	twice := func(name string) bool {
		if len(v.names) < 16 {
			return slices.Contains(v.names, name)
		}
		if seen == nil {
			seen = make(map[string]bool, 2*len(v.names))
			for _, n := range v.names {
				seen[n] = true
			}
		}
		was := seen[name]
		seen[name] = true
		return was
	}
	for dec.More() {
		if open == '{' {
			name, err := dec.Token()
			if err != nil {
				return v, err
			}
			text, _ := name.(string)
			if twice(text) {
				return v, fmt.Errorf("the member %.80q stands twice in one object, at byte %d", text, dec.InputOffset())
			}
			v.names = append(v.names, text)
		}
		m, err := readValue(dec, depth+1)
		if err != nil {
			return v, err
		}
		v.members = append(v.members, m)
	}
	_, err := dec.Token()
	return v, err
}

func (v value) append(b []byte, sorted bool) []byte {
	switch v.open {
	case 0:
		return append(b, v.scalar...)
	case '[':
		b = append(b, '[')
		for i, m := range v.members {
			if i > 0 {
				b = append(b, ',')
			}
			b = m.append(b, sorted)
		}
		return append(b, ']')
	}
	order := make([]int, len(v.names))
	for i := range order {
		order[i] = i
	}
	if sorted {
		slices.SortFunc(order, func(i, j int) int { return strings.Compare(v.names[i], v.names[j]) })
	}
	b = append(b, '{')
	for n, i := range order {
		if n > 0 {
			b = append(b, ',')
		}
		b = append(quote(b, v.names[i]), ':')
		b = v.members[i].append(b, sorted)
	}
	return append(b, '}')
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
