package discover

import (
	"cmp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/lienthong/truc/mapping/value"
)

// Share is how many of a column's texts are in one text encoding.
type Share struct {
	Encoding string `json:"encoding"`
	// Values of the texts beyond ASCII, distinct ones; Percent of all that could be told.
	Values  int `json:"values"`
	Percent int `json:"percent"`
}

const (
	// leastMixed and leastMixedShare are how many texts, and which share, a second encoding must have to count: a slip of the
	// keyboard reads as anything.
	leastMixed, leastMixedShare = 3, 0.05
)

// mixed tells the encodings apart that the texts of one column are in: rows that different programs or offices wrote. A text
// counts for an encoding when every word of it is spelt as Vietnamese there; each is given to the encoding that reads the most.
// Nil when one encoding reads them, or when too few can be told.
func mixed(texts map[string]int) []Share {
	reads := map[string][]string{}
	telling := 0
	for text := range texts {
		if ascii(text) {
			continue
		}
		telling++
		for _, d := range value.Encodings() {
			if strings.HasSuffix(d.Name, "-hoa") {
				continue // the same bytes in capitals
			}
			out, ok := d.Decode(nil, []byte(text))
			if !ok || !utf8.Valid(out) {
				continue
			}
			if good, all := vietnamese(string(out)); all > 0 && good == all {
				reads[d.Name] = append(reads[d.Name], text)
			}
		}
	}
	if telling < tellingValues {
		return nil
	}
	var out []Share
	taken := map[string]bool{}
	for {
		best, most := "", 0
		for _, d := range value.Encodings() {
			n := 0
			for _, text := range reads[d.Name] {
				if !taken[text] {
					n++
				}
			}
			if n > most {
				best, most = d.Name, n
			}
		}
		if most < leastMixed || float64(most) < leastMixedShare*float64(telling) {
			break
		}
		for _, text := range reads[best] {
			taken[text] = true
		}
		out = append(out, Share{Encoding: best, Values: most})
	}
	if len(out) < 2 {
		return nil
	}
	slices.SortStableFunc(out, func(a, b Share) int { return cmp.Compare(b.Values, a.Values) })
	rest := 100
	for i := range out {
		if i < len(out)-1 {
			out[i].Percent = percent(float64(out[i].Values) / float64(len(taken)))
			rest -= out[i].Percent
		} else {
			out[i].Percent = rest
		}
	}
	return out
}
