package main

import "time"

// markers is how many records on a topic may not be events: every start of truc leaves a transaction marker on each partition.
const markers = 30

// watch sees the records of a topic grow and tells rates.
type watch struct {
	started time.Time // the process
	want    int64     // records

	first, half, end          time.Time
	firstSeen, halfSeen, seen int64
}

// see takes note of how many records there are now, and reports whether there are enough.
func (w *watch) see(now time.Time, n int64) bool {
	if w.first.IsZero() && n > min(markers, w.want-1) {
		w.first, w.firstSeen = now, n
	}
	if w.half.IsZero() && n >= w.want/2 {
		w.half, w.halfSeen = now, n
	}
	if n < w.want {
		return false
	}
	w.end, w.seen = now, n
	return true
}

// values are the rates in changes a second; each record stands for so many changes.
func (w *watch) values(changes float64) map[string]float64 {
	fromStart := w.end.Sub(w.started).Seconds()
	v := map[string]float64{
		RateStart:  float64(w.want) * changes / fromStart,
		FirstEvent: w.first.Sub(w.started).Seconds(),
	}
	rate := func(name string, from time.Time, seen int64) {
		if took := w.end.Sub(from).Seconds(); took > 0 && w.want > seen {
			v[name] = float64(w.want-seen) * changes / took
		}
	}
	rate(Rate, w.first, w.firstSeen)
	rate(RateWarm, w.half, w.halfSeen)
	return v
}
