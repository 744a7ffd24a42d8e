package discover

import (
	_ "embed"
	"maps"
	"slices"
	"strings"
	"unicode"

	"github.com/lienthong/truc/mapping/value"
)

//go:embed words.txt
var wordsFile string

// vocabulary knows what words in column names stand for.
type vocabulary struct {
	// meanings of a spelling; more than one makes it ambiguous.
	meanings map[string][][]string
	// longest is the number of words of the longest spelling.
	longest int
	// words are all there are, for taking glued ones apart.
	words map[string]bool
	// brief are the spellings that were made by cutting names short.
	brief map[string]bool
}

// newVocabulary reads words.txt. A line that is not of its form is left out: a test reads the file strictly.
func newVocabulary() *vocabulary {
	v := &vocabulary{meanings: map[string][][]string{}, words: map[string]bool{}, brief: map[string]bool{}}
	for line := range strings.Lines(wordsFile) {
		line, _, _ = strings.Cut(line, "#")
		spelling, meanings, ok := strings.Cut(line, "=")
		if !ok {
			continue
		}
		words := strings.Fields(spelling)
		key := strings.Join(words, " ")
		for m := range strings.SplitSeq(meanings, "|") {
			v.meanings[key] = append(v.meanings[key], strings.Fields(m))
			v.learn(strings.Fields(m))
		}
		v.learn(words)
		v.longest = max(v.longest, len(words))
		v.numbers(words, key)
	}
	for _, key := range slices.Sorted(maps.Keys(v.meanings)) {
		for _, m := range v.meanings[key] {
			if !v.brief[key] {
				v.abbreviate(m)
			}
		}
	}
	return v
}

// numbers takes "no" and "num" in an English spelling for "number".
func (v *vocabulary) numbers(words []string, key string) {
	for _, short := range []string{"no", "num"} {
		other := slices.Clone(words)
		for i, w := range other {
			if w == "number" {
				other[i] = short
			}
		}
		if spelling := strings.Join(other, " "); len(words) > 1 && v.meanings[spelling] == nil {
			v.meanings[spelling] = v.meanings[key]
			v.learn(other)
		}
	}
}

// abbreviate learns how a name of several words is cut short: all words but the last by their first letters, or the first one
// only: ngay sinh is nsinh and ngsinh, so dinh danh is sdinhdanh and sddanh. A spelling that words.txt has, or that is a word, is left as it is; one
// that several names are cut to is ambiguous.
func (v *vocabulary) abbreviate(name []string) {
	if len(name) < 2 || len(name) > 4 {
		return
	}
	for k := 1; k < len(name); k++ {
		rest := strings.Join(name[k:], "")
		short := ""
		for _, w := range name[:k] {
			short += w[:1]
		}
		spellings := []string{short + rest}
		if k == 1 {
			spellings = append(spellings, onset(name[0])+rest)
		}
		for _, s := range slices.Compact(spellings) {
			if len(s) < leastAbbreviation || v.words[s] && !v.brief[s] || v.meanings[s] != nil && !v.brief[s] {
				continue
			}
			if slices.ContainsFunc(v.meanings[s], func(m []string) bool { return slices.Equal(m, name) }) {
				continue
			}
			v.meanings[s] = append(slices.Clone(v.meanings[s]), name)
			v.brief[s] = true
			v.learn([]string{s})
		}
	}
}

// leastAbbreviation is how long an abbreviation must be that no one has written down: shorter ones are made of anything.
const leastAbbreviation = 4

// onset is the consonants that a word begins with.
func onset(word string) string {
	if n := strings.IndexAny(word, "aeiouy"); n > 0 {
		return word[:n]
	}
	return word[:1]
}

func (v *vocabulary) learn(words []string) {
	for _, w := range words {
		v.words[w] = true
	}
}

// knows reports whether a name is made of known words only, as it is cut: glued words may be anything.
func (v *vocabulary) knows(name string) bool {
	words := split(name)
	return len(words) > 0 && !slices.ContainsFunc(words, func(w string) bool { return !v.words[w] && v.meanings[w] == nil && v.singular(w) == w })
}

// knowsHalf reports whether half of the words of a name are known, glued ones taken apart.
func (v *vocabulary) knowsHalf(name string) bool {
	known, all := 0, 0
	for _, w := range split(name) {
		for _, part := range v.unglue(v.singular(w)) {
			all++
			if v.words[part] || v.meanings[part] != nil {
				known++
			}
		}
	}
	return known > 0 && known*2 >= all
}

// reading is one way to understand a name.
type reading struct {
	words []string
	// certain is false when a word of the name has other meanings too.
	certain bool
	// around are words of the documents that a value stands in: they tell of whom it speaks, and nothing against it.
	around map[string]bool
}

// read takes a name apart: "HoTenMe", "ho_ten_me", "hotenme", "Họ tên mẹ" give ho, ten, me.
func (v *vocabulary) read(name string) []reading {
	var words []string
	for _, w := range split(name) {
		words = append(words, v.unglue(v.singular(w))...)
	}
	return v.expand(words)
}

// singular takes the ending of the plural from an English word; no Vietnamese word ends in s.
func (v *vocabulary) singular(word string) string {
	for _, end := range [][2]string{{"ies", "y"}, {"s", ""}} {
		one, ok := strings.CutSuffix(word, end[0])
		if one += end[1]; ok && len(word) > 3 && !v.words[word] && v.meanings[word] == nil && v.words[one] {
			return one
		}
	}
	return word
}

// expand replaces spellings by what they stand for, the longest first, and returns every combination, at most eight.
func (v *vocabulary) expand(words []string) []reading {
	out := []reading{{certain: true}}
	for i := 0; i < len(words); {
		n, meanings := 1, [][]string{{words[i]}}
		for l := min(v.longest, len(words)-i); l > 0; l-- {
			if m, ok := v.meanings[strings.Join(words[i:i+l], " ")]; ok {
				n, meanings = l, m
				break
			}
		}
		var next []reading
		for _, r := range out {
			for _, m := range meanings {
				all := slices.Concat(r.words, m)
				if len(m) > 1 && len(r.words) >= len(m) && slices.Equal(r.words[len(r.words)-len(m):], m) {
					all = r.words // mobile phone: said twice
				}
				next = append(next, reading{words: all, certain: r.certain && len(meanings) == 1})
			}
		}
		if len(next) > 8 {
			next = next[:8]
		}
		out = next
		i += n
	}
	return out
}

// unglue takes a word apart into known ones, as few as possible; a word that is known, or cannot be, stays whole.
func (v *vocabulary) unglue(word string) []string {
	if v.words[word] || v.meanings[word] != nil || len(word) < 4 || len(word) > 60 {
		return []string{word}
	}
	best, cost := make([][]string, len(word)+1), make([]int, len(word)+1)
	best[0] = []string{}
	for i := range len(word) {
		if best[i] == nil {
			continue
		}
		for j := i + 2; j <= len(word); j++ {
			part := word[i:j]
			if !v.words[part] {
				continue
			}
			// An abbreviation is worse than a word: "ngaydangky" is no "ngay da ngky".
			price := cost[i] + 2
			if v.brief[part] {
				price++
			}
			if best[j] == nil || price < cost[j] {
				best[j], cost[j] = append(slices.Clone(best[i]), part), price
			}
		}
	}
	if best[len(word)] == nil {
		return []string{word}
	}
	return best[len(word)]
}

// split cuts a name at everything that is no letter or digit, at humps, and between letters and digits; without accents.
func split(name string) []string {
	var out []string
	var word []rune
	flush := func() {
		if len(word) > 0 {
			out = append(out, plain(string(word)))
			word = nil
		}
	}
	runes := []rune(name)
	for i, r := range runes {
		switch {
		case !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r):
			flush()
			continue
		case i > 0 && unicode.IsUpper(r) && (unicode.IsLower(runes[i-1]) || i+1 < len(runes) && unicode.IsLower(runes[i+1]) && unicode.IsUpper(runes[i-1])):
			flush()
		case i > 0 && unicode.IsDigit(r) != unicode.IsDigit(runes[i-1]) && len(word) > 0:
			flush()
		}
		word = append(word, r)
	}
	flush()
	return out
}

// plain is a text in lower case without accents.
func plain(s string) string {
	key, ok := value.AppendMatchKey(nil, []byte(s))
	if !ok {
		return strings.ToLower(s)
	}
	return string(key)
}
