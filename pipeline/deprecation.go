package pipeline

import (
	"regexp"
	"sync/atomic"
	"time"

	"github.com/lienthong/truc/bus"
)

// Deprecation says that the version of a dataset comes to its end, and what takes its place.
type Deprecation struct {
	// Date is the day, as 2006-01-02, from which on nobody may look after the version any more.
	Date string `json:"date"`
	// Successor is the dataset to move to: "hotich.khaisinh.v2".
	Successor string `json:"successor"`
}

// headers are those that tell subscribers, among the ones that all events of a pipeline share; none for nil.
func (d *Deprecation) headers() []bus.Header {
	if d == nil {
		return nil
	}
	return []bus.Header{{Key: bus.HeaderDeprecated, Value: []byte(d.Date)}, {Key: bus.HeaderSuccessor, Value: []byte(d.Successor)}}
}

// heard keeps the deprecation that events told of last. It may be used by several goroutines.
type heard struct{ last atomic.Pointer[Deprecation] }

// note looks at an event.
func (h *heard) note(e *bus.Event) {
	if e.Deprecated == "" {
		return
	}
	d := h.last.Load()
	if d != nil && d.Date == e.Deprecated && d.Successor == e.Successor {
		return
	}
	// It is shown to people, and whoever may write the topic can put anything there.
	if _, err := time.Parse(time.DateOnly, e.Deprecated); err == nil && len(e.Successor) <= maxSuccessor && successorForm.MatchString(e.Successor) {
		h.last.Store(&Deprecation{Date: e.Deprecated, Successor: e.Successor})
	}
}

const maxSuccessor = 200

var successorForm = regexp.MustCompile(`^[a-z][a-z0-9.]*(@[0-9.]+)?$`)
