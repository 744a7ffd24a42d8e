package units

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/lienthong/truc/schemas/match"
)

// token is a run of letters or of digits in an address.
type token struct {
	start, end int // of the text
	key        span
	after      separator // what stands before it
	marked     bool      // it has letters beyond ASCII
}

// span is a part of the keys.
type span struct{ start, end int }

// separator is the strongest of what stands between two tokens.
type separator uint8

const (
	nothing separator = iota
	blank
	point
	dash // a hyphen between blanks
	comma
)

const maxTokens = 64 // from the end: what an address names stands there

// words is an address in tokens.
type words struct {
	text   []byte
	tokens []token
	keys   []byte
	space  [maxTokens]token
	buf    [512]byte
}

func (w *words) read(text []byte) {
	w.text, w.tokens, w.keys = text, w.space[:0], w.buf[:0]
	before := comma
	var open token
	letters, inside := false, false
	closeAt := func(end int) {
		if !inside {
			return
		}
		inside = false
		open.end = end
		open.key.start = len(w.keys)
		w.keys = match.AppendName(w.keys, text[open.start:end])
		open.key.end = len(w.keys)
		if len(w.tokens) == maxTokens {
			copy(w.tokens, w.tokens[1:])
			w.tokens = w.tokens[:maxTokens-1]
		}
		w.tokens = append(w.tokens, open)
		before = nothing
	}
	for i := 0; i < len(text); {
		r, size := rune(text[i]), 1
		if r >= utf8.RuneSelf {
			r, size = utf8.DecodeRune(text[i:])
		}
		letter := r < utf8.RuneSelf && (r|0x20 >= 'a' && r|0x20 <= 'z') || r >= utf8.RuneSelf && (unicode.IsLetter(r) || unicode.Is(unicode.Mn, r))
		digit := r >= '0' && r <= '9'
		switch {
		case letter || digit:
			if inside && letter != letters {
				closeAt(i)
			}
			if !inside {
				open = token{start: i, after: before}
				inside, letters = true, letter
			}
			open.marked = open.marked || r >= utf8.RuneSelf
		default:
			closeAt(i)
			before = max(before, w.separator(r, i))
		}
		i += size
	}
	closeAt(len(text))
}

func (w *words) separator(r rune, at int) separator {
	switch r {
	case ',', ';', '\n', '\t', '|', '(', ')':
		return comma
	case '.':
		return point
	case '-', '–', '—':
		if at > 0 && w.text[at-1] == ' ' {
			return dash
		}
		return nothing
	case '\'', '’', '`':
		return nothing
	}
	return blank
}

// has reports whether a separator stands somewhere between two tokens.
func (w *words) has(s separator) bool {
	for i := 1; i < len(w.tokens); i++ {
		if w.tokens[i].after == s {
			return true
		}
	}
	return false
}

func (w *words) key(t token) []byte { return w.keys[t.key.start:t.key.end] }

// kind is what a word says of the unit that is named behind it.
type kind struct {
	levels levels
	unit   string // the type, "phường"
	words  int    // how many tokens say it
	// strong: nothing else can be meant, wherever it stands. Otherwise it counts at the beginning of a part only.
	strong bool
}

// levels is a set of levels.
type levels uint8

func (l levels) has(level Level) bool { return l&(1<<level) != 0 }

const (
	provinces levels = 1 << Province
	districts levels = 1 << District
	communes  levels = 1 << Commune
	anyLevel         = provinces | districts | communes
)

// unitWord is a word, or two, for a kind of unit, by the keys of its tokens; sounds are the same with their marks.
type unitWord struct {
	first, second string
	spelled       string // "" of an abbreviation
	levels        levels
	unit          string
}

// unitWords are compared with tokens from the first on.
var unitWords = [...]unitWord{
	{"tinh", "", "tỉnh", provinces, "tỉnh"},
	{"thanh", "pho", "thành phố", provinces | districts, "thành phố"},
	{"tp", "", "", provinces | districts, "thành phố"},
	{"t", "p", "", provinces | districts, "thành phố"},
	{"huien", "", "huyện", districts, "huyện"},
	{"h", "", "", districts, "huyện"},
	{"quan", "", "quận", districts, "quận"},
	{"q", "", "", districts, "quận"},
	{"thi", "xa", "thị xã", districts, "thị xã"},
	{"tx", "", "", districts, "thị xã"},
	{"t", "x", "", districts, "thị xã"},
	{"xa", "", "xã", communes, "xã"},
	{"x", "", "", communes, "xã"},
	{"phuong", "", "phường", communes, "phường"},
	{"p", "", "", communes, "phường"},
	{"f", "", "", communes, "phường"},
	{"thi", "tran", "thị trấn", communes, "thị trấn"},
	{"tt", "", "", communes, "thị trấn"},
	{"t", "t", "", communes, "thị trấn"},
	{"dac", "khu", "đặc khu", communes, "đặc khu"},
}

// kindAt reads the word for a kind that begins at a token; found is false when there is none, or nothing behind it.
func (w *words) kindAt(i, end int) (k kind, found bool) {
	first := w.key(w.tokens[i])
	if len(first) > len("phuong") {
		return kind{}, false
	}
	for j := range unitWords {
		u := &unitWords[j]
		if string(first) != u.first {
			continue
		}
		n := 1
		if u.second != "" {
			if i+1 >= end || string(w.key(w.tokens[i+1])) != u.second || w.tokens[i+1].after == comma {
				continue
			}
			n = 2
		}
		if i+n >= end {
			continue
		}
		from, to := w.tokens[i], w.tokens[i+n-1]
		next := w.tokens[i+n]
		marked := from.marked || to.marked
		k = kind{levels: u.levels, unit: u.unit, words: n}
		switch {
		case u.spelled == "":
			digit := w.text[next.start] >= '0' && w.text[next.start] <= '9'
			k.strong = next.after == point || digit || len(u.first) > 1
			if marked || !k.strong && next.after == nothing {
				continue
			}
		case marked && !w.spells(from.start, to.end, u.spelled):
			continue // Phương is a name, phường a kind
		default:
			k.strong = marked
		}
		return k, true
	}
	return kind{}, false
}

// spells reports whether a part of the text is a word with all its marks.
func (w *words) spells(start, end int, word string) bool {
	text := w.text[start:end]
	if strings.EqualFold(string(text), word) {
		return true
	}
	var a, b [64]byte
	return string(match.AppendSound(a[:0], text)) == string(match.AppendSound(b[:0], []byte(word)))
}
