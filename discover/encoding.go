package discover

import (
	"cmp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/lienthong/truc/mapping/value"
)

// Encoding says how well the texts of a column read in one text encoding.
type Encoding struct {
	// Name as a mapping declares it under columns: { x: { text: … } }.
	Name string `json:"name"`
	// Clean of the Values with a character beyond ASCII decode without a rest.
	Clean  int `json:"clean"`
	Values int `json:"values"`
	// Words is the share of the decoded words that are spelt as Vietnamese is, from 0 to 1.
	Words float64 `json:"words"`
}

const (
	// tellingValues is how many texts beyond ASCII are needed before anything is said.
	tellingValues = 5
	// soundWords is the share of Vietnamese words from which a text counts as readable, and lead by how much another
	// encoding must be better than UTF-8 before it is suspected.
	soundWords, lead = 0.75, 0.2
)

// suspect names the encodings in which the texts of a column could be, best first, and the one that they most likely are in;
// "" when that is UTF-8, or when the texts are too few or too strange to tell. It decides nothing: the integrator declares.
func suspect(texts map[string]int) (plausible []Encoding, suspected string) {
	telling := 0
	for text := range texts {
		if !ascii(text) {
			telling++
		}
	}
	if telling < tellingValues {
		return nil, ""
	}
	var plain Encoding
	for _, d := range value.Encodings() {
		e := tryEncoding(d, texts)
		if d.Name == "utf-8" {
			plain = e
		}
		if e.Clean*2 >= e.Values && e.Words >= 0.4 {
			plausible = append(plausible, e)
		}
	}
	slices.SortStableFunc(plausible, func(a, b Encoding) int { return cmp.Compare(b.rank(), a.rank()) })
	if plain.Clean == plain.Values && plain.Words >= soundWords {
		return nil, "" // readable as it is
	}
	if len(plausible) == 0 || plausible[0].Name == "utf-8" {
		return plausible, ""
	}
	best := plausible[0]
	if best.Words >= soundWords && best.rank() >= plain.rank()+lead && best.Clean*10 >= best.Values*9 {
		suspected = best.Name
	}
	return plausible, suspected
}

// rank is the share of texts that decode, times that of words that are Vietnamese.
func (e Encoding) rank() float64 {
	if e.Values == 0 {
		return 0
	}
	return float64(e.Clean) / float64(e.Values) * e.Words
}

func tryEncoding(d value.Encoding, texts map[string]int) Encoding {
	e := Encoding{Name: d.Name}
	good, all := 0, 0
	for text := range texts {
		if ascii(text) {
			continue
		}
		e.Values++
		decoded, ok := d.Decode(nil, []byte(text))
		if !ok || !utf8.Valid(decoded) {
			continue
		}
		e.Clean++
		g, a := vietnamese(string(decoded))
		good, all = good+g, all+a
	}
	if all > 0 {
		e.Words = float64(good) / float64(all)
	}
	return e
}

// decoded reads a text in an encoding; a text that it cannot read comes back as it is, if it is readable at all.
func decoded(text, encoding string) (string, bool) {
	if encoding == "" {
		return text, readable(text)
	}
	d, ok := value.EncodingNamed(encoding)
	if !ok {
		return text, readable(text)
	}
	out, ok := d.Decode(nil, []byte(text))
	return strings.TrimSpace(string(out)), ok && utf8.Valid(out)
}
