package trial

import (
	"cmp"
	"slices"
	"time"

	"github.com/lienthong/truc/problem"
	"github.com/lienthong/truc/schemas"
)

// Report is what a trial found. It holds no value of a row: keys are hashes.
type Report struct {
	Dataset string `json:"dataset"`
	Table   string `json:"table"`
	// Rows were read; Complete when they are the whole table, Interrupted when a signal ended it.
	Rows        int64         `json:"rows"`
	Complete    bool          `json:"complete"`
	Interrupted bool          `json:"interrupted"`
	Took        time.Duration `json:"tookNanoseconds"`
	// Filtered rows fail only, Deleted ones are softly deleted; of the others, Live, Valid can be published and Invalid cannot.
	Filtered int64 `json:"filtered"`
	Deleted  int64 `json:"deleted"`
	Live     int64 `json:"live"`
	Valid    int64 `json:"valid"`
	Invalid  int64 `json:"invalid"`
	// Remarked rows have at least one remark.
	Remarked int64 `json:"remarked"`
	// NoKey rows have no key.
	NoKey int64 `json:"noKey"`
	// DuplicateKeys stand in more than one row; DuplicateRows are those beyond the first of each.
	DuplicateKeys int64 `json:"duplicateKeys"`
	DuplicateRows int64 `json:"duplicateRows"`

	Findings   []Finding  `json:"findings"`
	Groups     []Group    `json:"groups"`
	Indicators Indicators `json:"indicators"`
}

// Finding counts one rule at one field.
type Finding struct {
	// Field is the dotted path; empty for the document as a whole.
	Field string `json:"field"`
	Rule  string `json:"rule"`
	Group string `json:"group"`
	// Violation: the document cannot be published. Otherwise it is a remark.
	Violation bool         `json:"violation"`
	Count     int64        `json:"count"`
	Says      problem.Text `json:"says,omitzero"`
}

// Group counts the findings of one error group.
type Group struct {
	Group      string       `json:"group"`
	Title      problem.Text `json:"title"`
	Violations int64        `json:"violations"`
	Remarks    int64        `json:"remarks"`
	// Keys are the hashes of the first bad rows' keys.
	Keys []string `json:"keys"`
}

// groupTitles are the eight groups in the order of the model.
func groupTitles() []Group {
	return []Group{
		{Group: schemas.GroupMissing, Title: problem.Text{VI: "Thiếu", EN: "Missing"}},
		{Group: schemas.GroupOutlier, Title: problem.Text{VI: "Bất thường", EN: "Outlier"}},
		{Group: schemas.GroupDuplicate, Title: problem.Text{VI: "Trùng", EN: "Duplicate"}},
		{Group: schemas.GroupFormat, Title: problem.Text{VI: "Sai định dạng", EN: "Wrong format"}},
		{Group: schemas.GroupReference, Title: problem.Text{VI: "Sai tham chiếu", EN: "Broken reference"}},
		{Group: schemas.GroupContradiction, Title: problem.Text{VI: "Mâu thuẫn", EN: "Contradiction"}},
		{Group: schemas.GroupStale, Title: problem.Text{VI: "Quá cũ", EN: "Stale"}},
		{Group: schemas.GroupNational, Title: problem.Text{VI: "Lệch dữ liệu quốc gia", EN: "Differs from national data"}},
	}
}

// tally counts a live row.
func (r *Run) tally(marks mark, known, invalid, remarked bool) {
	if !known {
		r.report.NoKey++
		marks |= identifierMark
	}
	if invalid {
		r.report.Invalid++
	} else {
		r.report.Valid++
	}
	if remarked {
		r.report.Remarked++
	}
	r.marks.add(marks)
}

// finish puts the report together.
func (r *Run) finish(took time.Duration) error {
	r.report.Took = took
	d, err := r.keys.duplicates()
	if err != nil {
		return err
	}
	r.report.DuplicateKeys, r.report.DuplicateRows = d.keys, d.rows
	if d.rows > 0 {
		g := r.group(schemas.GroupDuplicate)
		g.Remarks += d.rows
		for _, hash := range d.first {
			g.name(hash)
		}
		r.order = append(r.order, &Finding{
			Rule: "duplicate-key", Group: schemas.GroupDuplicate, Count: d.rows,
			Says: problem.Text{VI: "Nhiều hàng có cùng khóa: hàng đọc sau ghi đè hàng trước.", EN: "Several rows have one key: the later one overwrites the earlier."},
		})
	}
	slices.SortStableFunc(r.order, func(a, b *Finding) int {
		if a.Violation != b.Violation {
			if a.Violation {
				return -1
			}
			return 1
		}
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Field, b.Field), cmp.Compare(a.Rule, b.Rule))
	})
	r.report.Findings = []Finding{}
	for _, f := range r.order {
		r.report.Findings = append(r.report.Findings, *f)
	}
	for _, g := range groupTitles() {
		if found := r.groups[g.Group]; found != nil {
			g.Violations, g.Remarks, g.Keys = found.Violations, found.Remarks, found.Keys
		}
		if g.Keys == nil {
			g.Keys = []string{}
		}
		r.report.Groups = append(r.report.Groups, g)
	}
	r.report.Indicators = r.marks.indicators(r.report.Live, d)
	return nil
}
