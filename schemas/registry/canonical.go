package registry

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// canonicalJSON writes a JSON text in one way. It refuses a member named twice: two readers might take two schemas from it.
func canonicalJSON(text string, sorted bool) (string, error) {
	c := canonicalizer{in: text, sorted: sorted, out: make([]byte, 0, len(text))}
	err := c.value(0)
	if c.space(); err == nil && c.at < len(text) {
		err = errors.New("more text follows the value")
	}
	if errors.Is(err, errMalformed) {
		err = c.explain()
	}
	if err != nil {
		return "", fmt.Errorf("not JSON: %w", err)
	}
	return string(c.out), nil
}

// canonicalizer writes a JSON text in its one form while it reads it. encoding/json does the same on the way through a tree,
// which takes ten times as long.
type canonicalizer struct {
	in     string
	at     int // read up to here
	sorted bool
	out    []byte
	// members are those of the objects that are open, of the innermost last.
	members []member
	spare   []byte // memory to sort in
}

type member struct {
	name     string
	from, to int // in out, with the name
}

// errMalformed is put into words by explain.
var errMalformed = errors.New("malformed")

// explain says what is malformed where reading ended.
func (c *canonicalizer) explain() error {
	if c.at >= len(c.in) {
		return errors.New("the text ends too early")
	}
	var whole json.RawMessage
	if err := json.Unmarshal([]byte(c.in), &whole); err != nil {
		return err
	}
	return fmt.Errorf("malformed at byte %d", c.at)
}

func (c *canonicalizer) space() {
	for c.at < len(c.in) && (c.in[c.at] == ' ' || c.in[c.at] == '\n' || c.in[c.at] == '\t' || c.in[c.at] == '\r') {
		c.at++
	}
}

// copy takes n bytes over as they are.
func (c *canonicalizer) copy(n int) {
	c.out = append(c.out, c.in[c.at:c.at+n]...)
	c.at += n
}

// take takes a byte over, if it comes next.
func (c *canonicalizer) take(b byte) bool {
	c.space()
	if c.at == len(c.in) || c.in[c.at] != b {
		return false
	}
	c.copy(1)
	return true
}

func (c *canonicalizer) value(depth int) error {
	c.space()
	rest := c.in[c.at:]
	switch {
	case rest == "":
		return errMalformed
	case rest[0] == '"':
		_, err := c.text()
		return err
	case rest[0] == '{' || rest[0] == '[':
		if depth >= maxDepth {
			return fmt.Errorf("nested more than %d levels deep at byte %d; use definitions", maxDepth, c.at+1)
		}
		if rest[0] == '{' {
			return c.object(depth)
		}
		return c.array(depth)
	}
	for _, word := range [...]string{"true", "false", "null"} {
		if strings.HasPrefix(rest, word) {
			c.copy(len(word))
			return nil
		}
	}
	return c.number()
}

func (c *canonicalizer) array(depth int) error {
	c.take('[')
	if c.take(']') {
		return nil
	}
	for {
		if err := c.value(depth + 1); err != nil {
			return err
		}
		if c.take(']') {
			return nil
		}
		if !c.take(',') {
			return errMalformed
		}
	}
}

func (c *canonicalizer) object(depth int) error {
	c.take('{')
	if c.take('}') {
		return nil
	}
	first := len(c.members)
	defer func() { c.members = c.members[:first] }()
	var seen map[string]bool // when there are so many that looking at all of them takes longer
	for {
		c.space()
		m := member{from: len(c.out)}
		var err error
		if m.name, err = c.text(); err != nil {
			return err
		}
		others := c.members[first:]
		if len(others) == 16 && seen == nil {
			seen = make(map[string]bool, 2*len(others))
			for _, o := range others {
				seen[o.name] = true
			}
		}
		if seen != nil && seen[m.name] || seen == nil && slices.ContainsFunc(others, func(o member) bool { return o.name == m.name }) {
			return fmt.Errorf("the member %.80q stands twice in one object, at byte %d", m.name, c.at)
		}
		if seen != nil {
			seen[m.name] = true
		}
		if !c.take(':') {
			return errMalformed
		}
		if err := c.value(depth + 1); err != nil {
			return err
		}
		m.to = len(c.out)
		c.members = append(c.members, m)
		if c.take('}') {
			break
		}
		if !c.take(',') {
			return errMalformed
		}
	}
	if c.sorted {
		c.sort(c.members[first:])
	}
	return nil
}

// sort sorts the members of an object that was just written.
func (c *canonicalizer) sort(members []member) {
	byName := func(a, b member) int { return strings.Compare(a.name, b.name) }
	if slices.IsSortedFunc(members, byName) {
		return
	}
	start := members[0].from
	c.spare = append(c.spare[:0], c.out[start:]...)
	slices.SortFunc(members, byName)
	c.out = c.out[:start]
	for i, m := range members {
		if i > 0 {
			c.out = append(c.out, ',')
		}
		c.out = append(c.out, c.spare[m.from-start:m.to-start]...)
	}
	c.out = append(c.out, '}')
}

// text takes a string over, without needless escapes, and returns what it says.
func (c *canonicalizer) text() (string, error) {
	if c.at == len(c.in) || c.in[c.at] != '"' {
		return "", errMalformed
	}
	plain := true
	for end := c.at + 1; end < len(c.in); end++ {
		switch b := c.in[end]; {
		case b == '\\':
			plain = false
			end++
		case b == 0xe2: // with it begin the two that quote escapes besides
			plain = false
		case b < ' ':
			return "", errMalformed
		case b == '"':
			whole := c.in[c.at : end+1]
			if said := whole[1 : len(whole)-1]; plain && utf8.ValidString(said) {
				c.copy(len(whole))
				return said, nil
			}
			var said string
			if json.Unmarshal([]byte(whole), &said) != nil {
				return "", errMalformed
			}
			c.out = quote(c.out, said)
			c.at = end + 1
			return said, nil
		}
	}
	c.at = len(c.in)
	return "", errMalformed
}

func (c *canonicalizer) number() error {
	end := c.at
	digits := func() bool {
		from := end
		for end < len(c.in) && '0' <= c.in[end] && c.in[end] <= '9' {
			end++
		}
		return end > from
	}
	one := func(of string) bool {
		if end == len(c.in) || strings.IndexByte(of, c.in[end]) < 0 {
			return false
		}
		end++
		return true
	}
	one("-")
	ok := one("0") || digits()
	if ok && one(".") {
		ok = digits()
	}
	if ok && one("eE") {
		one("+-")
		ok = digits()
	}
	if !ok {
		c.at = end
		return errMalformed
	}
	c.copy(end - c.at)
	return nil
}
