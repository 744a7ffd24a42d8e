package trial

import "github.com/lienthong/truc/schemas"

// mark is a set of what a row's findings tell against.
type mark uint8

const (
	rightMark mark = 1 << iota
	fullMark
	cleanMark
	aliveMark
	consistentMark
	identifierMark
)

// markOf says which indicator a group counts against.
func markOf(group string) mark {
	switch group {
	case schemas.GroupOutlier, schemas.GroupContradiction, schemas.GroupNational:
		return rightMark
	case schemas.GroupMissing:
		return fullMark
	case schemas.GroupFormat, schemas.GroupDuplicate:
		return cleanMark
	case schemas.GroupStale:
		return aliveMark
	case schemas.GroupReference:
		return consistentMark
	}
	return 0
}

// Indicators are the five of the national data-quality model, each the share of live rows without a finding (violation or
// remark) of its groups, from 0 to 1:
//
//	Đúng        right       no outlier, contradiction, or difference from national data
//	Đủ          full        nothing missing
//	Sạch        clean       no wrong format, no duplicate
//	Sống        alive       nothing stale
//	Thống nhất  consistent  no broken reference
//
// A nil indicator was not measured: there were no live rows, or, for Sống, no rule looked at age. Overall is the mean of those
// that were measured, in equal weights. Identifiers is the share of live rows whose key can be made, is in no other row, and
// whose properties with a prescribed form have no finding; it has to be 1.
type Indicators struct {
	Right       *float64 `json:"right"`
	Full        *float64 `json:"full"`
	Clean       *float64 `json:"clean"`
	Alive       *float64 `json:"alive"`
	Consistent  *float64 `json:"consistent"`
	Overall     *float64 `json:"overall"`
	Identifiers *float64 `json:"identifiers"`
}

// indicatorCounts counts rows by what their findings tell against.
type indicatorCounts [6]int64

func (c *indicatorCounts) add(m mark) {
	for i := range c {
		if m&(1<<i) != 0 {
			c[i]++
		}
	}
}

func (c *indicatorCounts) indicators(live int64, d duplicates) Indicators {
	if live == 0 {
		return Indicators{}
	}
	share := func(i int, more int64) *float64 {
		x := float64(live-c[i]-more) / float64(live)
		return &x
	}
	out := Indicators{Right: share(0, 0), Full: share(1, 0), Clean: share(2, d.unclean), Consistent: share(4, 0), Identifiers: share(5, d.unnamed)}
	if c[3] > 0 {
		out.Alive = share(3, 0)
	}
	sum, n := 0.0, 0
	for _, i := range []*float64{out.Right, out.Full, out.Clean, out.Alive, out.Consistent} {
		if i != nil {
			sum += *i
			n++
		}
	}
	mean := sum / float64(n)
	out.Overall = &mean
	return out
}
