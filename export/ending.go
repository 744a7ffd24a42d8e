package export

// Ending says that a version of a dataset comes to its end.
type Ending struct {
	// Date is the day from which the version may be retired, as 2006-01-02.
	Date string
	// Successor is the dataset that takes its place.
	Successor string
}

// endKeyword holds an ending where the format has no words for it.
const endKeyword = "x-deprecated"

func (e *Ending) object() *object { return of("from", e.Date, "successor", e.Successor) }

func (e *Ending) words() string {
	return "Có thể ngừng từ " + e.Date + "; thay bằng " + e.Successor + " / may end from " + e.Date + " on; use " + e.Successor
}
