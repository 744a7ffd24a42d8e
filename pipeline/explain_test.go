package pipeline

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/problem"
)

// TestGapsAreBilingual: the reason of a gap appears in the language of the sentence around it; the error itself, which is for
// logs, is English.
func TestGapsAreBilingual(t *testing.T) {
	reason := problem.Text{VI: "lý do", EN: "a reason"}
	for _, err := range []error{
		&adapters.GapError{Source: "hotich", Reason: reason},
		&adapters.DivergenceError{Source: "hotich", Reason: reason},
		&BusGapError{Source: "hotich", Reason: reason},
		&DeliveryGapError{Delivery: "tre_em", Reason: reason},
	} {
		p := Explain(fmt.Errorf("reader: %w", err))
		if !strings.Contains(p.What.VI, reason.VI) || strings.Contains(p.What.VI, reason.EN) || !strings.Contains(p.What.EN, reason.EN) {
			t.Errorf("%T: %+v", err, p.What)
		}
		if !strings.Contains(err.Error(), reason.EN) || strings.Contains(err.Error(), reason.VI) {
			t.Errorf("%T for logs: %v", err, err)
		}
	}
	if p := Explain(errors.New("disk full")); p.Code != "run.failed" {
		t.Errorf("an unforeseen error: %+v", p)
	}
}
