package units

import (
	"strings"
	"testing"
)

// FuzzResolve: whatever the text, the answer is of its day and consistent, and asking again gives the same.
func FuzzResolve(f *testing.F) {
	for _, s := range []string{
		"", "24", "xã Hồng Khê, huyện Bình Giang, tỉnh Hải Dương", "P. 5 Q.3 TP HCM", "t.t, T.P. - ; Q", "phường", "a\u0300\u0301, \xff", strings.Repeat("xã A - ", 40),
		"Hòa Bình - Hòa Bình - Hòa Bình", "1-2-3, 4.5 P.6", "TP, TP, TP HCM TP",
	} {
		f.Add(s, int32(20190501))
		f.Add(s, int32(20260101))
	}
	c := catalogue(f)
	f.Fuzz(func(t *testing.T, s string, on int32) {
		at := Date(on)
		r := c.Resolve([]byte(s), at)
		if certain := r.Outcome == Exact || r.Outcome == ByText; certain != (r.Unit != nil) || (r.Outcome == Ambiguous) != (len(r.Candidates) > 1) {
			t.Fatalf("%q: %+v", s, r)
		}
		for _, u := range found(r) {
			if !u.In(at) {
				t.Errorf("%q: %s is not of %s", s, u.Full(), at)
			}
		}
		if r.Within != nil && !r.Within.In(at) {
			t.Errorf("%q: within %s, which is not of %s", s, r.Within.Full(), at)
		}
		if again := c.Resolve([]byte(s), at); again.Outcome != r.Outcome || again.Unit != r.Unit || codesOf(again.Candidates) != codesOf(r.Candidates) {
			t.Errorf("%q: %+v, then %+v", s, r, again)
		}
	})
}
