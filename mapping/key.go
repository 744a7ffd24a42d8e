package mapping

import (
	"strconv"
	"strings"
)

// appendKey appends an entity key: of one property its plain text, of several the compact JSON array of their values. ok is
// false when a value is missing.
func appendKey(dst []byte, values []cell) (key []byte, ok bool) {
	start := len(dst)
	if len(values) == 1 {
		if values[0].kind == kindDecimal {
			dst, ok = values[0].appendJSON(dst)
		} else {
			dst, ok = values[0].appendText(dst)
		}
		if !ok {
			return dst[:start], false
		}
		return dst, true
	}
	for i, v := range values {
		if i == 0 {
			dst = append(dst, '[')
		} else {
			dst = append(dst, ',')
		}
		if dst, ok = v.appendJSON(dst); !ok {
			return dst[:start], false
		}
	}
	return append(dst, ']'), true
}

// KeyOf appends the entity key of a document, the same bytes as Translator.Key gives for its row. properties are dotted
// paths. ok is false when one of them is absent or not a plain value.
func KeyOf(dst []byte, properties []string, doc []byte) (key []byte, ok bool) {
	values := make([]cell, len(properties))
	for i, path := range properties {
		raw := doc
		for name := range strings.SplitSeq(path, ".") {
			if raw, ok = member(raw, name); !ok {
				return dst, false
			}
		}
		if values[i], ok = plainValue(raw); !ok {
			return dst, false
		}
	}
	return appendKey(dst, values)
}

// plainValue reads a JSON string, number or truth value.
func plainValue(raw []byte) (cell, bool) {
	if len(raw) == 0 {
		return cell{}, false
	}
	switch raw[0] {
	case '"':
		return textCell(appendUnescaped(nil, raw[1:len(raw)-1])), true
	case 't', 'f':
		return boolCell(raw[0] == 't'), true
	case '{', '[', 'n':
		return cell{}, false
	}
	return bytesCell(kindDecimal, raw), true
}

// splitKey reads an entity key back into the values of n properties.
func splitKey(key []byte, n int) ([]cell, bool) {
	if n == 1 {
		return []cell{textCell(key)}, true
	}
	s := scanner{text: key}
	if len(key) == 0 || key[0] != '[' {
		return nil, false
	}
	s.at = 1
	values := make([]cell, 0, n)
	for len(values) < n {
		start := s.at
		if !s.value(nil, nil) {
			return nil, false
		}
		v, ok := plainValue(key[start:s.at])
		if !ok || s.at >= len(key) {
			return nil, false
		}
		values = append(values, v)
		s.at++
		if last := key[s.at-1]; last == ']' != (len(values) == n) || last != ']' && last != ',' {
			return nil, false
		}
	}
	return values, s.at == len(key)
}

// wholeNumber reads the canonical text of an int64.
func wholeNumber(s string) (int64, bool) {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || strconv.FormatInt(n, 10) != s {
		return 0, false
	}
	return n, true
}
