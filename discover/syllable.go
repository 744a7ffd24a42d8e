package discover

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// Vietnamese is written in syllables: an initial, a nucleus that may carry a tone, a final. Most of what a wrong decoding
// gives is none.
const (
	initials = " ngh ng nh gh gi kh ph th tr ch qu b c d đ g h k l m n p r s t v x "
	nuclei   = " a ă â e ê i o ô ơ u ư y ai ao au ay âu ây eo êu ia iê iu oa oă oe oi oo ôi ơi ua uâ uê ui uô uơ uy ưa ưi ươ ưu yê iêu yêu oai oao oay uao uây uôi uya uyê uyu ươi ươu "
	finals   = " c ch m n ng nh p t "
)

// syllable reports whether a word is spelt as Vietnamese words are. Abbreviations of capitals pass: "TP", "UBND".
func syllable(word string) bool {
	if word == strings.ToUpper(word) && len(word) <= 5 && ascii(word) {
		return true
	}
	letters, tones := toneless(word)
	if tones > 1 || len(letters) == 0 || len(letters) > 7 {
		return false
	}
	s := string(letters)
	for n := min(3, len(letters)); n >= 0; n-- {
		initial := string(letters[:n])
		if n > 0 && !strings.Contains(initials, " "+initial+" ") {
			continue
		}
		if rime(s[len(initial):]) || initial == "gi" && rime("i"+s[len(initial):]) {
			return true
		}
	}
	return false
}

func rime(s string) bool {
	if s == "" {
		return false
	}
	letters := []rune(s)
	for n := min(2, len(letters)-1); n >= 0; n-- {
		nucleus, final := string(letters[:len(letters)-n]), string(letters[len(letters)-n:])
		if strings.Contains(nuclei, " "+nucleus+" ") && (n == 0 || strings.Contains(finals, " "+final+" ")) {
			return true
		}
	}
	return false
}

// toneless drops the five tone marks and counts them; the marks that make other vowels (ă, â, ê, ô, ơ, ư) stay.
func toneless(word string) (letters []rune, tones int) {
	var b strings.Builder
	for _, r := range norm.NFD.String(strings.ToLower(word)) {
		switch r {
		case 0x300, 0x301, 0x303, 0x309, 0x323:
			tones++
		default:
			b.WriteRune(r)
		}
	}
	return []rune(norm.NFC.String(b.String())), tones
}

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

// vietnamese counts the words of a text, and those that are Vietnamese. A word that begins or goes on with small letters and
// has a capital after them is none: names are "Nguyễn", "nguyễn" or "NGUYỄN".
func vietnamese(text string) (good, all int) {
	for word := range strings.FieldsFuncSeq(text, func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsDigit(r) || r < 0x80 && !unicode.IsLetter(r)
	}) {
		all++
		if !humped(word) && syllable(word) {
			good++
		}
	}
	return good, all
}

func humped(word string) bool {
	small := false
	for _, r := range word {
		if small && unicode.IsUpper(r) {
			return true
		}
		small = small || unicode.IsLower(r)
	}
	return false
}
