package discover

import (
	"maps"
	"strings"

	"github.com/lienthong/truc/problem"
	"github.com/lienthong/truc/schemas"
)

// Fit says how well a table could be a dataset.
type Fit struct {
	Dataset string       `json:"dataset"`
	Title   problem.Text `json:"title"`
	// Score is from 0 to 1: of the required properties that columns would fill, and of the columns that find a place.
	Score float64 `json:"score"`
	// Required of the dataset's required properties, and how many of them a proposal fills.
	Required int `json:"required"`
	Filled   int `json:"filled"`
	// Placed of the table's columns have a property.
	Placed int `json:"placed"`
}

// fitOf weighs the proposals for a dataset.
func fitOf(d *schemas.Dataset, table string, proposals []*Proposal, columns []*profile, v *vocabulary) Fit {
	f := Fit{Dataset: d.ID(), Title: problem.Text{VI: d.Title("vi"), EN: d.Title("en")}}
	placed := map[string]bool{}
	for _, p := range proposals {
		if p.Required {
			f.Required++
		}
		if len(p.Columns) == 0 || p.Confidence < 0.5 {
			continue
		}
		if p.Required {
			f.Filled++
		}
		for _, c := range p.Columns {
			placed[c] = true
		}
	}
	f.Placed = len(placed)
	required := 0.0
	if f.Required > 0 {
		required = float64(f.Filled) / float64(f.Required)
	}
	used := 0.0
	if len(columns) > 0 {
		used = float64(f.Placed) / float64(len(columns))
	}
	f.Score = rounded(0.5*required + 0.3*used + 0.2*sharedWords(d, table, v))
	return f
}

// sharedWords is how much the name of a table has in common with a dataset's.
func sharedWords(d *schemas.Dataset, table string, v *vocabulary) float64 {
	words := map[string]bool{}
	for _, r := range v.read(d.Title("vi") + " " + d.Name()) {
		for _, w := range r.words {
			words[w] = true
		}
	}
	best := 0.0
	for _, r := range v.read(table[strings.LastIndexByte(table, '.')+1:]) {
		common := 0
		for _, w := range r.words {
			if words[w] {
				common++
			}
		}
		if len(r.words) > 0 {
			best = max(best, float64(common)/float64(len(r.words)))
		}
	}
	return best
}

// KeyPart says what fills one property of the key.
type KeyPart struct {
	Property string   `json:"property"`
	Columns  []string `json:"columns"`
}

// KeyCoverage says whether the key of a dataset can be made of the table's columns.
type KeyCoverage struct {
	Parts []KeyPart `json:"parts"`
	// Open are the key properties that nothing fills yet.
	Open []string `json:"open,omitempty"`
	// Unique of Rows rows of the sample have a key of their own, as far as it is filled.
	Unique int `json:"unique"`
	Rows   int `json:"rows"`
	// NotCarried are columns of the key that a deletion in this table does not carry.
	NotCarried []string `json:"notCarried,omitempty"`
}

// cloneVocabulary copies what a dataset may teach: trying one must not teach words that another has not.
func cloneVocabulary(v *vocabulary) *vocabulary {
	return &vocabulary{meanings: maps.Clone(v.meanings), brief: maps.Clone(v.brief), longest: v.longest, words: maps.Clone(v.words)}
}
