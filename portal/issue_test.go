package portal

import (
	"strings"
	"testing"

	"github.com/lienthong/truc/bus/kafka"
	"github.com/lienthong/truc/pipeline"
)

// TestFaultOf: the page names a fault as Explain and the exit codes do.
func TestFaultOf(t *testing.T) {
	for _, tc := range []struct {
		err  error
		want string
	}{
		{nil, ""},
		{pipeline.ErrTakenOver, faultTakenOver},
		{&kafka.FencedError{}, faultTakenOver},
		{&kafka.UnreachableError{}, faultUnreachable},
	} {
		if got := faultOf(tc.err); got != tc.want {
			t.Errorf("%v is %q, want %q", tc.err, got, tc.want)
		}
	}
	if s := pipeline.Explain(&kafka.FencedError{}).Code; !strings.HasSuffix(s, faultTakenOver) {
		t.Errorf("Explain says %s", s)
	}
}
