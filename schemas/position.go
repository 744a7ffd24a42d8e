package schemas

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
	"unicode/utf8"
)

// offsetOf finds the place in a JSON text that a pointer names, or as much of it as the text has: of a member its name.
func offsetOf(text []byte, pointer string) int64 {
	dec := json.NewDecoder(bytes.NewReader(text))
	at := tokenAfter(text, 0)
	for token := range strings.SplitSeq(strings.TrimPrefix(pointer, "/"), "/") {
		next, ok := enter(dec, text, unescapeToken(token))
		if !ok {
			break
		}
		at = next
	}
	return at
}

// enter goes on to one member or element of the value that comes next, and stops before what it holds.
func enter(dec *json.Decoder, text []byte, want string) (at int64, ok bool) {
	open, err := dec.Token()
	if err != nil || open != json.Delim('{') && open != json.Delim('[') {
		return 0, false
	}
	for i := 0; dec.More(); i++ {
		at = tokenAfter(text, dec.InputOffset())
		name := strconv.Itoa(i)
		if open == json.Delim('{') {
			token, err := dec.Token()
			if err != nil {
				return 0, false
			}
			name, _ = token.(string)
		}
		if name == want {
			return at, true
		}
		var passed json.RawMessage
		if dec.Decode(&passed) != nil {
			return 0, false
		}
	}
	return 0, false
}

// tokenAfter is where the next token begins.
func tokenAfter(text []byte, offset int64) int64 {
	for offset < int64(len(text)) && strings.IndexByte(" \t\r\n,:", text[offset]) >= 0 {
		offset++
	}
	return offset
}

// position turns an offset in bytes into a line and a column in characters, as editors count them.
func position(text []byte, offset int64) (line, column int) {
	before := text[:min(max(offset, 0), int64(len(text)))]
	start := bytes.LastIndexByte(before, '\n') + 1
	return bytes.Count(before, []byte("\n")) + 1, utf8.RuneCount(before[start:]) + 1
}

// validUpTo is the offset of the first byte that is not UTF-8.
func validUpTo(text []byte) int64 {
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRune(text[i:])
		if r == utf8.RuneError && size == 1 {
			return int64(i)
		}
		i += size
	}
	return int64(len(text))
}
