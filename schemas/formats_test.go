package schemas

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestDateIsWhatTimeParses(t *testing.T) {
	for day := time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC); day.Year() < 10000; day = day.AddDate(0, 0, 97) {
		if s := day.Format(time.DateOnly); !isDate(s) {
			t.Fatalf("%s is refused", s)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		s := fmt.Sprintf("%04d-%02d-%02d", rapid.IntRange(1, 2500).Draw(t, "year"), rapid.IntRange(0, 13).Draw(t, "month"), rapid.IntRange(0, 32).Draw(t, "day"))
		if rapid.IntRange(0, 3).Draw(t, "damage") == 0 {
			s = mutateGen(s).Draw(t, "damaged")
		}
		_, err := time.Parse(time.DateOnly, s)
		if want := err == nil && s[:4] != "0000"; isDate(s) != want {
			t.Fatalf("isDate(%q) is %v, want %v", s, !want, want)
		}
	})
}

func TestDateTime(t *testing.T) {
	good := []string{"2019-03-02T10:00:00Z", "2019-03-02T23:59:59.123456789+07:00", "2024-02-29T00:00:00.1-23:59"}
	bad := []string{
		"", "2019-03-02", "10:00:00", "2019-03-02T10:00:00", "2019-03-02t10:00:00Z", "2019-03-02T10:00:00z", "2019-03-02 10:00:00Z", "2019-03-02T24:00:00Z", "2019-03-02T10:60:00Z", "2016-12-31T23:59:60Z",
		"2019-03-02T10:00:00.Z", "2019-03-02T10:00:00.1234567890Z", "2019-03-02T10:00:00.1", "2019-03-02T10:00:00+0700", "2019-03-02T10:00:00+24:00", "2019-03-02T10:00:00+07:60", "2019-03-02T10:00:00+07:00Z", "2019-02-29T10:00:00Z",
	}
	for _, s := range good {
		if _, err := time.Parse(time.RFC3339Nano, s); err != nil || !isDateTime(s) || !matchFormat("date-time", s) {
			t.Errorf("%q is refused (time.Parse: %v)", s, err)
		}
	}
	for _, s := range bad {
		if isDateTime(s) || isDateTime([]byte(s)) {
			t.Errorf("%q is accepted", s)
		}
	}
}

func TestOtherFormats(t *testing.T) {
	tests := []struct {
		format, text string
		want         bool
	}{
		{"email", "a@b.vn", true},
		{"email", "A <a@b.vn>", false},
		{"email", "a", false},
		{"uri", "https://a.vn/x", true},
		{"uri", "/x", false},
		{"uri", "http://%zz", false},
		{"uuid", "b3b1a8f0-0000-4000-8000-0123456789ab", true},
		{"uuid", "B3B1A8F0-0000-4000-8000-0123456789AB", false},
		{"uuid", "b3b1a8f0x0000-4000-8000-0123456789ab", false},
		{"uuid", "b3b1", false},
		{"hostname", "a", false},
	}
	for _, tt := range tests {
		if got := matchFormat(tt.format, tt.text); got != tt.want {
			t.Errorf("%s of %q: got %v", tt.format, tt.text, got)
		}
	}
}
