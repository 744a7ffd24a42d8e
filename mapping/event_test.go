package mapping

import (
	"testing"
	"time"
)

// TestUTCTimestamp: a timestamp that is handed on as it is, is what formatting it would give.
func TestUTCTimestamp(t *testing.T) {
	taken := 0
	for _, text := range []string{
		"2026-01-02T03:04:05Z", "2026-01-02T03:04:05.678901Z", "2026-01-02T03:04:05.6Z", "2026-01-02T03:04:05.60Z", "2026-01-02T03:04:05.000000Z",
		"2026-01-02T03:04:05.6789012Z", "2026-01-02T03:04:05.678901234Z", "2026-01-02T03:04:05.Z", "2026-01-02T24:00:00Z", "2016-12-31T23:59:60Z",
		"2026-02-28T23:59:59.999999Z", "2026-01-02 03:04:05Z", "2026-01-02t03:04:05Z", "2026-01-02T03:04Z", "2026-01-02T10:04:05+07:00",
		"0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "12026-01-02T03:04:05Z", "2026-1-02T03:04:05.1Z", "2026-02-29T03:04:05Z", "",
	} {
		at, ok := instant([]byte(text))
		got, gotOK := utcTimestamp(nil, []byte(text))
		if ok != gotOK {
			t.Errorf("%s: ok is %v, of the instant %v", text, gotOK, ok)
		}
		if !ok {
			continue
		}
		if inTimestampForm([]byte(text), at) {
			taken++
		}
		if want := at.Truncate(time.Microsecond).UTC().Format(timestampForm); string(got) != want {
			t.Errorf("%s became %s, want %s", text, got, want)
		}
	}
	if taken != 6 {
		t.Errorf("%d texts were handed on as they are, want 6", taken)
	}
}
