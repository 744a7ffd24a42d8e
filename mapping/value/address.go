package value

import "bytes"

// Address is what the text of an address says of itself. A part that it does not name is nil: without a list of units, "Phú Thọ" alone may be anything.
type Address struct {
	// Province, District and Commune are the names of the units, with the word for their kind as it was written: "TP. Hà Nội".
	Province, District, Commune []byte
	// Rest is what stands before the first unit: house, street, hamlet.
	Rest []byte
}

// unitWords say of which kind a unit is, in small letters with their marks: without marks "phuong" may be phường or a name, Phương Mai. A thành phố may
// be a province or stand where a district did; the place decides.
var unitWords = []struct {
	word  string
	level unitLevel
	short bool
}{
	{"tỉnh", provinceLevel, false},
	{"thành phố", cityLevel, false},
	{"huyện", districtLevel, false},
	{"quận", districtLevel, false},
	{"thị xã", districtLevel, false},
	{"xã", communeLevel, false},
	{"phường", communeLevel, false},
	{"thị trấn", communeLevel, false},
	{"đặc khu", communeLevel, false},
	{"tp", cityLevel, true},
	{"t.p", cityLevel, true},
	{"tx", districtLevel, true},
	{"t.x", districtLevel, true},
	{"h", districtLevel, true},
	{"q", districtLevel, true},
	{"tt", townLevel, true},
	{"t.t", townLevel, true},
	{"x", communeLevel, true},
	{"p", communeLevel, true},
}

type unitLevel uint8

const (
	noLevel unitLevel = iota
	communeLevel
	// townLevel is "TT": a thị trấn, but at the end of an address Thừa Thiên.
	townLevel
	districtLevel
	cityLevel
	provinceLevel
)

// ParseAddress reads the text of an address (see AppendText) from its end: "số 5, thôn 2, xã Tân Lập, huyện A, tỉnh B". Parts stand between commas,
// semicolons or " - ". The last part is taken for the province when it says so, or when the part before it names a commune or district; a country
// after it is passed over. The views are of text.
func ParseAddress(text []byte) Address {
	var a Address
	parts := addressParts(text)
	at := len(parts) - 1
	if at > 0 && equalKey(parts[at], "viet nam") {
		at--
	}
	if at < 0 {
		return a
	}
	level := levelOf(parts[at])
	switch {
	case level == provinceLevel, level == cityLevel, (level == noLevel || level == townLevel) && at > 0 && levelOf(parts[at-1]) != noLevel:
		a.Province = parts[at]
		at--
	}
	if at >= 0 {
		if l := levelOf(parts[at]); l == districtLevel || l == cityLevel && a.Province != nil {
			a.District = parts[at]
			at--
		}
	}
	if at >= 0 {
		if l := levelOf(parts[at]); l == communeLevel || l == townLevel && (a.Province != nil || a.District != nil) {
			a.Commune = parts[at]
			at--
		}
	}
	if at >= 0 && (a.Province != nil || a.District != nil || a.Commune != nil) {
		end := len(text) - (cap(parts[at]) - len(parts[at]))
		a.Rest = text[:end]
	}
	return a
}

// addressParts cuts at commas, semicolons and " - "; blanks around parts, and empty parts, are dropped. Each part keeps the capacity up to the end of text.
func addressParts(text []byte) [][]byte {
	text = text[:len(text):len(text)]
	var out [][]byte
	for start := 0; start < len(text); {
		end := start
		for end < len(text) && text[end] != ',' && text[end] != ';' && !bytes.HasPrefix(text[end:], []byte(" - ")) {
			end++
		}
		if part := trimBlanks(text[start:end]); len(part) > 0 {
			out = append(out, part)
		}
		start = end + 1
		if end < len(text) && text[end] == ' ' {
			start = end + len(" - ")
		}
	}
	return out
}

func equalKey(s []byte, key string) bool {
	var buf [128]byte
	got, ok := AppendMatchKey(buf[:0], s)
	return ok && string(got) == key
}

// levelOf is the level that the first word of a part names. An abbreviation is followed by a point, or by the number of the unit ("Q1", "P 5"); those of
// two letters by a blank too ("TP Hà Nội").
func levelOf(part []byte) unitLevel {
	lower := bytes.ToLower(part)
	for _, u := range unitWords {
		rest, found := bytes.CutPrefix(lower, []byte(u.word))
		if !found || len(rest) < 1 {
			continue
		}
		name := bytes.TrimLeft(rest, ". ")
		if len(name) == 0 {
			continue
		}
		switch c := rest[0]; {
		case !u.short && c == ' ', u.short && c == '.', u.short && isDigit(name[0]), u.short && c == ' ' && len(u.word) > 1:
			return u.level
		}
	}
	return noLevel
}
