package pipeline

import (
	"context"
	"slices"
	"time"

	"github.com/lienthong/truc/problem"
)

// Verdict is the outcome of comparing two sides key by key.
type Verdict struct {
	Pipeline string `json:"pipeline"`
	// Left and Right name what was compared: "source", "topic", "sink".
	Left  string `json:"left"`
	Right string `json:"right"`
	// LeftKeys and RightKeys count the live keys of each side.
	LeftKeys  int64 `json:"leftKeys"`
	RightKeys int64 `json:"rightKeys"`
	Equal     bool  `json:"equal"`
	// Excluded counts keys with an open dead letter: they are known to differ, and why.
	Excluded int64 `json:"excluded,omitempty"`
	// Differences are at most MaxDifferences; DifferenceCount counts all.
	Differences     []Difference `json:"differences,omitempty"`
	DifferenceCount int64        `json:"differenceCount,omitempty"`
	// Absent counts keys for which a delivery that only updates has written no row: the table did not have it.
	Absent int64 `json:"absent,omitempty"`
	// Skipped says why nothing was compared; Equal says nothing then.
	Skipped problem.Text `json:"skipped,omitzero"`
	// Totals says how the topic compares with the control totals its publisher left; empty when there are none to compare with.
	Totals string `json:"totals,omitempty"`
}

// Difference names one key, hashed, and what is wrong with it.
type Difference struct {
	Key  string `json:"key"`
	What string `json:"what"`
}

// MaxDifferences is how many differing keys a verdict names.
const MaxDifferences = 100

// VerifyOptions bound a verification.
type VerifyOptions struct {
	// Settle is how long a key may differ before it counts: what is on its way arrives meanwhile. 0 means 10 s.
	Settle time.Duration
}

// side yields each live key of one side with a hash of its content. It may be asked several times.
type side func(ctx context.Context, fn func(key []byte, content uint64)) error

// comparison holds two sides against each other. A key that differs is looked at again until it is equal or Settle has
// passed, so that sides which move while they are read are compared at a place that all have passed.
type comparison struct {
	// begin is called before both sides are read, each time they are.
	begin       func(ctx context.Context) error
	left, right side
	// topic names the key hashes.
	topic string
	opt   VerifyOptions
}

type pairing struct{ left, right uint64 }

func (c *comparison) run(ctx context.Context, v *Verdict) error {
	if c.opt.Settle == 0 {
		c.opt.Settle = 10 * time.Second
	}
	left, right, err := c.collect(ctx, func(uint64) bool { return true })
	if err != nil {
		return err
	}
	v.LeftKeys, v.RightKeys = int64(len(left)), int64(len(right))
	suspects := differing(left, right)
	settled := len(left) - present(suspects, left) // keys that both sides have, with one content
	deadline := time.Now().Add(c.opt.Settle)
	for len(suspects) > 0 {
		if !sleep(ctx, 400*time.Millisecond) {
			return ctx.Err()
		}
		in := func(fp uint64) bool { _, ok := suspects[fp]; return ok }
		left, right, err := c.collect(ctx, in)
		if err != nil {
			return err
		}
		diff := differing(left, right)
		v.LeftKeys, v.RightKeys = int64(settled+len(left)), int64(settled+len(right))
		settled += len(left) - present(diff, left)
		if len(diff) == 0 {
			break
		}
		if time.Now().After(deadline) {
			return c.name(ctx, v, diff)
		}
		suspects = diff
	}
	v.Equal = true
	return nil
}

// collect reads both sides.
func (c *comparison) collect(ctx context.Context, want func(uint64) bool) (left, right map[uint64]uint64, err error) {
	if err := c.begin(ctx); err != nil {
		return nil, nil, err
	}
	read := func(s side) map[uint64]uint64 {
		out := map[uint64]uint64{}
		if err == nil {
			err = s(ctx, func(key []byte, content uint64) {
				if fp := fingerprint(key); want(fp) {
					out[fp] = content
				}
			})
		}
		return out
	}
	// One after the other: the order of calls and of err within a return is not certain, and a failed read must not pass for one.
	left = read(c.left)
	right = read(c.right)
	return left, right, err
}

// present counts the suspects that a side has.
func present(suspects map[uint64]pairing, side map[uint64]uint64) (n int) {
	for fp := range suspects {
		if _, ok := side[fp]; ok {
			n++
		}
	}
	return n
}

func differing(left, right map[uint64]uint64) map[uint64]pairing {
	out := map[uint64]pairing{}
	for fp, l := range left {
		if r, ok := right[fp]; !ok || r != l {
			out[fp] = pairing{l, r}
		}
	}
	for fp, r := range right {
		if _, ok := left[fp]; !ok {
			out[fp] = pairing{0, r}
		}
	}
	return out
}

// name finds the keys behind the fingerprints that still differ.
func (c *comparison) name(ctx context.Context, v *Verdict, diff map[uint64]pairing) error {
	v.DifferenceCount = int64(len(diff))
	type found struct {
		key         []byte
		left, right bool
	}
	named := map[uint64]*found{}
	note := func(mark func(*found)) func(key []byte, _ uint64) {
		return func(key []byte, _ uint64) {
			fp := fingerprint(key)
			if _, ok := diff[fp]; !ok {
				return
			}
			f := named[fp]
			if f == nil {
				if len(named) >= MaxDifferences {
					return
				}
				f = &found{key: append([]byte(nil), key...)}
				named[fp] = f
			}
			mark(f)
		}
	}
	if err := c.left(ctx, note(func(f *found) { f.left = true })); err != nil {
		return err
	}
	if err := c.right(ctx, note(func(f *found) { f.right = true })); err != nil {
		return err
	}
	for _, f := range named {
		what := "content differs"
		switch {
		case !f.right:
			what = "missing in the " + v.Right
		case !f.left:
			what = "only in the " + v.Right + ", not in the " + v.Left
		}
		v.Differences = append(v.Differences, Difference{Key: KeyHash(c.topic, f.key), What: what})
	}
	slices.SortFunc(v.Differences, func(a, b Difference) int { return slices.Compare([]byte(a.Key), []byte(b.Key)) })
	return nil
}
