package value

// Plain reports whether text is as most of a Vietnamese database is: UTF-8 in NFC that AppendText leaves as it is, and that
// stands in JSON without an escape. It looks at each character once and is several times faster than asking for any of the
// three. False says only that this was not seen, as for every letter of another script.
func Plain(text []byte) bool {
	blank := true // a space here would stand at an end, or be the second of two
	for i := 0; i < len(text); {
		switch class := plainClasses[text[i]]; class {
		case plainCharacter:
			blank = false
			i++
		case plainSpace:
			if blank {
				return false
			}
			blank = true
			i++
		case plainOfTwo: // U+00C0 to U+02FF: letters that NFC leaves alone, whatever of these characters follows
			if len(text)-i < 2 || text[i+1]&0xC0 != 0x80 {
				return false
			}
			blank = false
			i += 2
		case plainOfThree: // U+1EA0 to U+1EFF: the toned letters, composed
			if len(text)-i < 3 || text[i+2]&0xC0 != 0x80 || text[i+1] != 0xBB && text[i+1] != 0xBA || text[i+1] == 0xBA && text[i+2] < 0xA0 {
				return false
			}
			blank = false
			i += 3
		default:
			return false
		}
	}
	return !blank || len(text) == 0
}

const (
	plainNot uint8 = iota
	plainCharacter
	plainSpace
	plainOfTwo
	plainOfThree
)

// plainClasses says for each first byte of a character what Plain has to see behind it.
var plainClasses = func() (classes [256]uint8) {
	for c := '!'; c <= '~'; c++ {
		if c != '"' && c != '\\' {
			classes[c] = plainCharacter
		}
	}
	classes[' '] = plainSpace
	for c := 0xC3; c <= 0xCB; c++ {
		classes[c] = plainOfTwo
	}
	classes[0xE1] = plainOfThree
	return classes
}()
