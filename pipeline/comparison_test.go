package pipeline

import (
	"context"
	"errors"
	"strconv"
	"testing"
	"time"
)

// TestComparisonCountsWhatItSettled: what was on its way when both sides were read first is in the counts of a verdict.
func TestComparisonCountsWhatItSettled(t *testing.T) {
	// Passes of a side that lags behind the other: key by key, what it holds at each look; the last one stays.
	passes := func(looks ...map[string]uint64) side {
		i := 0
		return func(ctx context.Context, in *selection) (contents, error) {
			look := looks[min(i, len(looks)-1)]
			i++
			return keyed(ctx, VerifyOptions{}, in, func(_ context.Context, fn func([]byte, uint64) error) error {
				for key, content := range look {
					if err := fn([]byte(key), content); err != nil {
						return err
					}
				}
				return nil
			})
		}
	}
	contents := func(n, changed int) map[string]uint64 {
		out := map[string]uint64{}
		for i := range n {
			out[strconv.Itoa(i)] = uint64(1 + i)
		}
		for i := range changed {
			out[strconv.Itoa(i)] = 0
		}
		return out
	}
	all := contents(10, 0)
	c := comparison{begin: func(context.Context) error { return nil }, left: passes(all), right: passes(contents(7, 2), contents(8, 1), all), opt: VerifyOptions{Settle: time.Minute}}
	var v Verdict
	if err := c.run(t.Context(), &v); err != nil {
		t.Fatal(err)
	}
	if !v.Equal || v.LeftKeys != 10 || v.RightKeys != 10 {
		t.Errorf("%+v, want both sides equal with 10 keys", v)
	}
	c = comparison{begin: func(context.Context) error { return nil }, left: passes(all), right: passes(contents(7, 2), contents(8, 1)), opt: VerifyOptions{Settle: time.Millisecond}}
	v = Verdict{}
	if err := c.run(t.Context(), &v); err != nil {
		t.Fatal(err)
	}
	if v.Equal || v.LeftKeys != 10 || v.RightKeys != 8 || v.DifferenceCount != 3 {
		t.Errorf("%+v, want 10 and 8 keys, 3 different", v)
	}
}

// A side that cannot be read, or letters that cannot be, end the comparison: what was read until then proves nothing.
func TestComparisonEndsWithAFailedRead(t *testing.T) {
	broken := errors.New("away")
	none := func(context.Context) error { return nil }
	yields := func(err error) side {
		return func(ctx context.Context, in *selection) (contents, error) {
			return keyed(ctx, VerifyOptions{}, in, func(context.Context, func([]byte, uint64) error) error { return err })
		}
	}
	nothing, fails := yields(nil), yields(broken)
	for name, c := range map[string]comparison{
		"letters": {begin: func(context.Context) error { return broken }, left: nothing, right: nothing},
		"left":    {begin: none, left: fails, right: nothing},
		"right":   {begin: none, left: nothing, right: fails},
	} {
		var v Verdict
		if err := c.run(t.Context(), &v); !errors.Is(err, broken) || v.Equal {
			t.Errorf("%s cannot be read: %v, equal %v", name, err, v.Equal)
		}
	}
}
