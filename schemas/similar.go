package schemas

import (
	"slices"
	"strconv"
	"strings"

	"github.com/lienthong/truc/problem"
)

// nearest returns the names within a small edit distance of a mistyped one, the closest first; a name twice as far as the closest is
// not what was meant.
func nearest(name string, have []string) []string {
	type candidate struct {
		name     string
		distance int
	}
	var near []candidate
	for _, h := range have {
		d := problem.Distance(strings.ToLower(name), strings.ToLower(h))
		if d <= max(2, len(name)/3) {
			near = append(near, candidate{h, d})
		}
	}
	slices.SortFunc(near, func(a, b candidate) int {
		if a.distance != b.distance {
			return a.distance - b.distance
		}
		return strings.Compare(a.name, b.name)
	})
	var out []string
	for _, c := range near[:min(3, len(near))] {
		if c.distance <= 2*near[0].distance {
			out = append(out, c.name)
		}
	}
	return out
}

func quoteList(names []string) string {
	quoted := make([]string, len(names))
	for i, n := range names {
		quoted[i] = strconv.Quote(n)
	}
	return strings.Join(quoted, ", ")
}
