package pipeline

import (
	"context"
	"hash/maphash"
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
	// pause is how long to wait before differing keys are looked at again; 0 means 400 ms.
	pause time.Duration
	// tempDir and held say where sorters put what they cannot hold, and how many records that is; tests set them.
	tempDir string
	held    int
}

// keySeed makes the hashes by which keys are compared differ from process to process: no key can be made to collide with another,
// and what stands in a temporary file says nothing to anybody else.
var keySeed = maphash.MakeSeed()

func keyHash(key []byte) uint64 { return maphash.Bytes(keySeed, key) }

// contents yields the live keys of a side, by their hashes and in the order of these, each once and with a hash of its content.
type contents struct {
	next  func() (key, content uint64, more bool, err error)
	close func()
}

// side reads a side. It may be asked several times.
type side func(ctx context.Context, in *selection) (contents, error)

// selection says which keys of a side are asked for; its zero value asks for all.
type selection struct {
	only map[uint64]struct{}
	// named, when not nil, gets the keys themselves: there are few then.
	named map[uint64][]byte
}

// wants reports whether a key is asked for.
func (in *selection) wants(hash uint64) bool {
	if in.only == nil {
		return true
	}
	_, ok := in.only[hash]
	return ok
}

// hash gives the hash of a key.
func (in *selection) hash(key []byte) uint64 {
	h := keyHash(key)
	if in.named != nil && in.wants(h) && in.named[h] == nil {
		in.named[h] = append([]byte{}, key...)
	}
	return h
}

// comparison holds two sides against each other. A key that differs is looked at again until it is equal or Settle has
// passed, so that sides which move while they are read are compared at a place that all have passed.
//
// Both sides are read in order of the hashes of their keys, from sorters: memory does not grow with them, nor with the number of
// keys that differ.
type comparison struct {
	// begin is called before both sides are read, each time they are.
	begin       func(ctx context.Context) error
	left, right side
	// topic names the key hashes.
	topic string
	opt   VerifyOptions
}

// suspect is the hash of a key that differs, and how: a record of a sorter.
type suspect = [2]uint64

const (
	contentDiffers = iota
	rightMisses
	leftMisses
)

// smallSelection is how many suspects are picked out while the sides are read; with more, the sides are sorted whole again.
const smallSelection = 1 << 16

// passed is what reading both sides once has told.
type passed struct {
	left, right, equal, differing int64
	suspects                      sorter[suspect]
}

func (c *comparison) run(ctx context.Context, v *Verdict) error {
	if c.opt.Settle == 0 {
		c.opt.Settle = 10 * time.Second
	}
	if c.opt.pause == 0 {
		c.opt.pause = 400 * time.Millisecond
	}
	last, err := c.pass(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { last.suspects.close() }()
	v.LeftKeys, v.RightKeys = last.left, last.right
	settled := last.equal // keys that both sides have, with one content
	deadline := time.Now().Add(c.opt.Settle)
	for last.differing > 0 {
		if !sleep(ctx, c.opt.pause) {
			return ctx.Err()
		}
		again, err := c.pass(ctx, last)
		if err != nil {
			return err
		}
		last.suspects.close()
		last = again
		v.LeftKeys, v.RightKeys = settled+last.left, settled+last.right
		settled += last.equal
		if last.differing > 0 && time.Now().After(deadline) {
			return c.name(ctx, v, last)
		}
	}
	v.Equal = true
	return nil
}

// pass reads both sides and compares them: all keys, or those that differed the last time.
func (c *comparison) pass(ctx context.Context, before *passed) (out *passed, err error) {
	in := &selection{}
	among := everything
	if before != nil {
		if in.only, err = before.few(); err != nil {
			return nil, err
		}
		if among, err = before.contains(); err != nil {
			return nil, err
		}
	}
	if err := c.begin(ctx); err != nil {
		return nil, err
	}
	// One after the other, and nothing of a side whose reading failed: it must not pass for an empty one.
	left, err := c.left(ctx, in)
	if err != nil {
		return nil, err
	}
	defer left.close()
	right, err := c.right(ctx, in)
	if err != nil {
		return nil, err
	}
	defer right.close()
	out = &passed{}
	out.suspects.dir, out.suspects.limit = c.opt.tempDir, c.opt.held
	if err := out.compare(ctx, left, right, among); err != nil {
		out.suspects.close()
		return nil, err
	}
	return out, nil
}

func everything(uint64) (bool, error) { return true, nil }

// compare goes through both sides in the order of their keys. among is asked in that order, too.
func (p *passed) compare(ctx context.Context, left, right contents, among func(uint64) (bool, error)) error {
	l, lContent, lMore, err := left.next()
	if err != nil {
		return err
	}
	r, rContent, rMore, err := right.next()
	if err != nil {
		return err
	}
	for n := 0; lMore || rMore; n++ {
		if n%4096 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		inLeft, inRight := lMore && (!rMore || l <= r), rMore && (!lMore || r <= l)
		key, how := l, uint64(contentDiffers)
		switch {
		case !inRight:
			how = rightMisses
		case !inLeft:
			key, how = r, leftMisses
		}
		counts, err := among(key)
		if err != nil {
			return err
		}
		if counts {
			if inLeft {
				p.left++
			}
			if inRight {
				p.right++
			}
			if inLeft && inRight && lContent == rContent {
				p.equal++
			} else {
				p.differing++
				if err := p.suspects.add(suspect{key, how}); err != nil {
					return err
				}
			}
		}
		if inLeft {
			if l, lContent, lMore, err = left.next(); err != nil {
				return err
			}
		}
		if inRight {
			if r, rContent, rMore, err = right.next(); err != nil {
				return err
			}
		}
	}
	return nil
}

// few are the suspects as a set, nil when they are many.
func (p *passed) few() (map[uint64]struct{}, error) {
	if p.differing > smallSelection {
		return nil, nil //nolint:nilnil // all keys
	}
	return p.first(smallSelection, nil)
}

// first gives the first n suspects; how, when not nil, gets in what way each differs.
func (p *passed) first(n int, how map[uint64]uint64) (map[uint64]struct{}, error) {
	sorted, err := p.suspects.sorted()
	if err != nil {
		return nil, err
	}
	keys := map[uint64]struct{}{}
	for len(keys) < n {
		s, more, err := sorted.next()
		if err != nil {
			return nil, err
		}
		if !more {
			break
		}
		keys[s[0]] = struct{}{}
		if how != nil {
			how[s[0]] = s[1]
		}
	}
	return keys, nil
}

// contains returns a function that tells of keys, asked in their order, whether they are among the suspects.
func (p *passed) contains() (func(key uint64) (bool, error), error) {
	sorted, err := p.suspects.sorted()
	if err != nil {
		return nil, err
	}
	var at suspect
	more := true
	begun := false
	return func(key uint64) (bool, error) {
		for more && (!begun || at[0] < key) {
			begun = true
			var err error
			if at, more, err = sorted.next(); err != nil {
				return false, err
			}
		}
		return more && at[0] == key, nil
	}, nil
}

// name finds the keys behind some of the hashes that still differ.
func (c *comparison) name(ctx context.Context, v *Verdict, last *passed) error {
	v.DifferenceCount = last.differing
	how := map[uint64]uint64{}
	only, err := last.first(MaxDifferences, how)
	if err != nil {
		return err
	}
	in := &selection{only: only, named: map[uint64][]byte{}}
	for _, s := range []side{c.left, c.right} {
		side, err := s(ctx, in)
		if err != nil {
			return err
		}
		side.close()
	}
	for hash, key := range in.named {
		what := "content differs"
		switch how[hash] {
		case rightMisses:
			what = "missing in the " + v.Right
		case leftMisses:
			what = "only in the " + v.Right + ", not in the " + v.Left
		}
		v.Differences = append(v.Differences, Difference{Key: KeyHash(c.topic, key), What: what})
	}
	slices.SortFunc(v.Differences, func(a, b Difference) int { return slices.Compare([]byte(a.Key), []byte(b.Key)) })
	return nil
}

// keyed puts what a reading hands out, in any order and a key perhaps several times, into the order of a comparison. Of a key
// the last content counts.
func keyed(ctx context.Context, opt VerifyOptions, in *selection, read func(ctx context.Context, fn func(key []byte, content uint64) error) error) (contents, error) {
	type record = [3]uint64 // hash of the key, place, content
	s := &sorter[record]{dir: opt.tempDir, limit: opt.held}
	place := uint64(0)
	err := read(ctx, func(key []byte, content uint64) error {
		h := in.hash(key)
		if !in.wants(h) {
			return nil
		}
		place++
		return s.add(record{h, place, content})
	})
	if err != nil {
		s.close()
		return contents{}, err
	}
	sorted, err := s.sorted()
	if err != nil {
		s.close()
		return contents{}, err
	}
	last := lastOfKeys[record]{from: sorted}
	return contents{close: s.close, next: func() (uint64, uint64, bool, error) {
		r, more, err := last.next()
		return r[0], r[2], more, err
	}}, nil
}
