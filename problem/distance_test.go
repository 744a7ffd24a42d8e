package problem

import "testing"

func TestDistance(t *testing.T) {
	for _, c := range []struct {
		from, to string
		want     int
	}{
		{"", "", 0},
		{"", "ab", 2},
		{"ab", "", 2},
		{"so_dk", "so_dk", 0},
		{"so_dkk", "so_dk", 1},
		{"so_kd", "so_dk", 1},
		{"tên", "ten", 1},
		{"kitten", "sitting", 3},
	} {
		if got := Distance(c.from, c.to); got != c.want {
			t.Errorf("%q to %q: %d, want %d", c.from, c.to, got, c.want)
		}
	}
}
