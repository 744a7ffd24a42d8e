//go:build linux

package chaos

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/lienthong/truc/tests/nodes"
)

// Kinds of wrong, as the table of results names them.
const (
	lost      = "lost"
	twice     = "twice"
	order     = "order"
	wrong     = "wrong content"
	unsettled = "does not settle"
	memory    = "memory"
	handover  = "no clean hand-over" // of a node that was replaced, or does not end when it is told to
	silent    = "not named"          // a gap that the node did not name, or whose advice does not work
)

// verdict is what a run found wrong.
type verdict struct {
	found []string
	kinds map[string]int
}

func (v *verdict) add(kind, format string, args ...any) {
	if v.kinds == nil {
		v.kinds = map[string]int{}
	}
	v.kinds[kind]++
	if v.kinds[kind] <= 5 {
		v.found = append(v.found, kind+": "+fmt.Sprintf(format, args...))
	}
}

func (v *verdict) ok() bool { return len(v.kinds) == 0 }

// history is what the book says of a key, without changes that change nothing of what is published.
type history struct {
	steps  []state
	before int // steps that were committed before the slot was there
	// again: the source was read again, which is sure for what came after the first until steps.
	again bool
	until int
	// all is every step, and at is where steps stand in it.
	all []state
	at  []int
}

// histories returns what should have been published, by key.
func (b *book) histories() map[string]*history {
	b.mu.Lock()
	defer b.mu.Unlock()
	all := map[string]*history{}
	for key, steps := range b.steps {
		h := &history{all: steps, again: b.again}
		for i, s := range steps {
			last := len(h.steps) - 1
			switch {
			case s.there || last >= 0 && h.steps[last].there:
				h.steps, h.at = append(h.steps, s), append(h.at, i)
			case last >= 0 && s.gone: // hidden, then deleted: that is told
				h.steps[last].gone, h.steps[last].left = true, false
			}
			if i < b.before[key] {
				h.before = len(h.steps)
			}
			if i < b.until[key] {
				h.until = len(h.steps)
			}
		}
		all[key] = h
	}
	return all
}

// reading follows one key through the topic.
type reading struct {
	next     int // the step that the next streamed event must tell
	there    bool
	sequence string
	said     state       // the last event
	copied   string      // epoch of the snapshot that told it last, "" when a change did
	put      map[int]int // how often a version was told
	epoch    string      // of the last event
	again    bool        // in the present epoch the source was read again
	fresh    bool        // and no document was told in it yet: a deletion alone does not say which one it is
	states   []state     // every event
	told     []string    // every event, for whoever reads about a key that is wrong
}

// judgeTopic compares every event of the topic with the book. What it finds is followed by the stories of some keys, that of
// about ("" for none) among them.
func (b *book) judgeTopic(v *verdict, about string, events []*nodes.Event) map[string]*reading {
	all := b.histories()
	readings := map[string]*reading{}
	ids := map[string]bool{}
	for _, e := range events {
		key, state, copied, err := parse(e)
		where := fmt.Sprintf("partition %d offset %d, key %s", e.Partition, e.Offset, key)
		if err != nil {
			v.add(wrong, "%s: %v", where, err)
			continue
		}
		if id := e.Header("ce_id"); ids[id] {
			v.add(twice, "%s: ce_id %s is on the topic already", where, id)
		} else {
			ids[id] = true
		}
		h := all[key]
		if h == nil {
			v.add(wrong, "%s: nobody registered it", where)
			continue
		}
		r := readings[key]
		if r == nil {
			r = &reading{next: h.before, put: map[int]int{}}
			readings[key] = r
		}
		if s := e.Header("ce_sequence"); s <= r.sequence {
			v.add(order, "%s: sequence %s after %s", where, s, r.sequence)
		} else {
			r.sequence = s
		}
		if state.there {
			r.put[state.version]++
		}
		r.told = append(r.told, fmt.Sprintf("%s%s at %s", map[bool]string{true: "snapshot "}[copied], state, e.Header("ce_sequence")))
		r.states = append(r.states, state)
		epoch := r.sequence[:min(8, len(r.sequence))]
		if h.again && epoch != r.epoch {
			r.again, r.fresh = true, true
		}
		if r.epoch = epoch; r.fresh && state.there {
			h.restart(r, state)
		}
		h.skip(r, state, copied)
		switch {
		case copied: // the row as it was when everything before it had been told
			switch {
			case !h.is(r.next-1, state):
				v.add(order, "%s: the snapshot says %s, the last change before it was %s", where, state, h.step(r.next-1))
			case r.copied == epoch && r.said.version == state.version && r.said.note == state.note:
				v.add(twice, "%s: the snapshot says %s again", where, state)
			}
			r.copied = epoch
		case r.fresh && !h.is(r.next, state):
		case !state.there && !r.there && !h.is(r.next, state):
			// A row that was hidden is changed or deleted: whether its key was ever published need not be known.
		case h.is(r.next, state):
			r.next++
			r.copied = ""
		default:
			switch at := h.find(state); {
			case state.there && at < 0:
				v.add(wrong, "%s: %s with this note was never committed", where, state)
			case state.there && at < r.next:
				v.add(twice, "%s: %s again, expected %s", where, state, h.step(r.next))
			default:
				v.add(lost, "%s: %s, but before it comes %s", where, state, h.step(r.next))
				r.next = max(at+1, r.next)
			}
		}
		r.there, r.said = state.there, state
	}
	for key, h := range all {
		r := readings[key]
		switch {
		case len(h.steps) == 0:
		case r == nil && (len(h.steps) > max(h.before, h.until) || h.steps[len(h.steps)-1].there):
			v.add(lost, "key %s: nothing on the topic, expected %s", key, h.step(len(h.steps)-1))
		case r != nil && h.rest(r) < len(h.steps):
			v.add(lost, "key %s: the topic ends before %s, %d changes are missing", key, h.step(r.next), len(h.steps)-r.next)
		case r != nil && r.there != h.steps[len(h.steps)-1].there:
			v.add(lost, "key %s: the last is %s", key, h.step(len(h.steps)-1))
		case r != nil && h.again && r.there && !h.is(len(h.steps)-1, r.said):
			v.add(lost, "key %s: the last is %s, the topic ends with %s", key, h.step(len(h.steps)-1), r.said)
		}
	}
	stories := 0
	for key, r := range readings {
		if key == about || stories < 4 && slices.ContainsFunc(v.found, func(f string) bool { return strings.Contains(f, "key "+key+":") }) {
			stories++
			v.found = append(v.found, fmt.Sprintf("%s was committed as %v (%d before the slot, %d before it was read again) and told as %q", key, all[key].all, all[key].before, all[key].until, r.told))
		}
	}
	return readings
}

// judgeLetters looks for a dead letter of each row that no document can be made of.
func (b *book) judgeLetters(v *verdict, letters []*nodes.Event) {
	var all strings.Builder
	for _, e := range letters {
		if e.Payload != nil {
			all.WriteString(e.Key + " " + *e.Payload + "\n")
		}
	}
	for key := range b.refused {
		if !strings.Contains(all.String(), key) {
			v.add(lost, "key %s: its row cannot be published, and there is no dead letter of it:\n%.1000s", key, all.String())
		}
	}
}

// is reports whether a step says what an event says. A note that the log leaves out is read again, and may be a later one.
func (h *history) is(i int, s state) bool {
	if i < 0 || i >= len(h.steps) || h.steps[i].there != s.there || h.steps[i].version != s.version {
		return false
	}
	if !s.there || h.steps[i].note == s.note {
		return true
	}
	return h.steps[i].left && slices.ContainsFunc(h.all[h.at[i]:], func(later state) bool { return !later.gone && later.note == s.note })
}

// restart finds the step that the first document of an epoch tells, in which the source was read again: one from before that
// may be told again, and between what was told and that moment steps may be missing.
func (h *history) restart(r *reading, s state) {
	r.fresh = false
	for i := range min(max(h.until, r.next)+1, len(h.steps)) {
		if h.is(i, s) {
			r.next, r.there = i, i > 0 && h.steps[i-1].there
			return
		}
	}
	r.next = max(r.next, h.until)
}

// maySkip reports whether the event of a step may be missing: its note is to be read again, and the row was deleted before
// that. Its deletion is told.
func (h *history) maySkip(i int) bool {
	return i < len(h.steps) && h.steps[i].left &&
		slices.ContainsFunc(h.all[h.at[i]:], func(later state) bool { return later.gone })
}

// skip passes over steps that may be missing, up to the one that an event tells; copied: the one before the next. A deletion
// may be missing, too, where nothing is there: it may have been told before, when nobody could know for which change.
func (h *history) skip(r *reading, s state, copied bool) {
	if !s.there && !r.there {
		return
	}
	back := 0
	if copied {
		back = 1
	}
	for next := r.next; ; next++ {
		if h.is(next-back, s) {
			r.next = next
			return
		}
		if r.again && next < h.until {
			continue
		}
		if !h.maySkip(next) && !(next < len(h.steps) && !h.steps[next].there && !r.there) {
			return
		}
	}
}

// rest passes over the steps at the end that may be missing, and returns the first that may not.
func (h *history) rest(r *reading) int {
	next := r.next
	for next < len(h.steps) && (next < h.until || h.maySkip(next) || !h.steps[next].there && !r.there) {
		next++
	}
	return next
}

// find returns the step that an event tells, -1 when there is none.
func (h *history) find(s state) int {
	for i := range h.steps {
		if h.is(i, s) {
			return i
		}
	}
	return -1
}

func (h *history) step(i int) string {
	if i < 0 || i >= len(h.steps) {
		return "nothing"
	}
	return h.steps[i].String()
}

// parse reads an event: its key, what it says, and whether a snapshot says it.
func parse(e *nodes.Event) (key string, s state, copied bool, err error) {
	var parts []string
	if err := json.Unmarshal([]byte(e.Key), &parts); err != nil || len(parts) == 0 {
		return e.Key, s, false, fmt.Errorf("the key is not a list: %q", e.Key)
	}
	copied = strings.HasSuffix(e.Header("ce_type"), ".snapshot")
	if e.Payload == nil {
		return parts[0], s, copied, nil
	}
	var document struct{ NguoiKy, GhiChu string }
	if err := json.Unmarshal([]byte(*e.Payload), &document); err != nil {
		return parts[0], s, copied, fmt.Errorf("the document is not JSON: %w", err)
	}
	s.there = true
	if s.version, err = versionOf(document.NguoiKy); err != nil {
		return parts[0], s, copied, err
	}
	s.note, err = noteOf(document.GhiChu)
	return parts[0], s, copied, err
}

// noteOf reads back noteText.
func noteOf(text string) (int, error) {
	number, _, _ := strings.Cut(text, " ")
	n, err := strconv.Atoi(number)
	if err != nil || text != noteText(n) {
		return 0, fmt.Errorf("a note of %d characters that nobody wrote", len(text))
	}
	return n, nil
}

// versionOf reads back signature.
func versionOf(text string) (int, error) {
	n, err := strconv.Atoi(strings.TrimPrefix(text, "Người ký "))
	if err != nil {
		return 0, fmt.Errorf("no version in %q", text)
	}
	return n, nil
}

// judgeSink compares everything that was written at the sink with the book: a version is written at most as often as the
// topic tells it, and nothing older comes after something newer.
func (b *book) judgeSink(v *verdict, written map[string][]state, readings map[string]*reading) {
	if b.cut {
		return // what it ends with is compared all the same
	}
	for key, r := range readings {
		var last state
		if n := len(written[key]); n > 0 {
			last = written[key][n-1]
		}
		if last.there != r.there || r.there && last.version != r.said.version {
			v.add(lost, "sink, key %s: the topic ends with %s, the sink with %s", key, r.said, last)
		}
	}
	for key, states := range written {
		r := readings[key]
		if r == nil {
			v.add(wrong, "sink, key %s: written, but never on the topic", key)
			continue
		}
		if b.again {
			if !within(states, r.states) {
				v.add(order, "sink, key %s: %v written, the topic tells %v", key, states, r.states)
			}
			continue
		}
		times, newest := map[int]int{}, 0
		for _, s := range states {
			if !s.there {
				continue
			}
			if s.version < newest {
				v.add(order, "sink, key %s: %s written after version %d", key, s, newest)
			}
			newest = max(newest, s.version)
			if times[s.version]++; times[s.version] > r.put[s.version] {
				v.add(twice, "sink, key %s: %s written %d times, the topic tells it %d times: %v written, %q told", key, s, times[s.version], r.put[s.version], states, r.told)
			}
		}
	}
}

// within reports whether what was written is what was told, in that order, with parts left out.
func within(written, told []state) bool {
	next := 0
	for _, s := range told {
		if next < len(written) && written[next].there == s.there && written[next].version == s.version {
			next++
		}
	}
	return next == len(written)
}
