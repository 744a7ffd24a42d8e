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

// TestDeprecatedIsShown: publisher and subscriber are told that a dataset comes to its end, until when, and what takes its place.
func TestDeprecatedIsShown(t *testing.T) {
	s := running()
	s.Readers[0].Pipelines[0].Deprecated = &pipeline.Deprecation{Date: "2027-01-01", Successor: "hotich.khaisinh.v2"}
	s.Deliveries[0].Deprecated = &pipeline.Deprecation{Date: "2027-06-30", Successor: "hotich.khaisinh.v3"}
	site := portalOf(func() Status { return s })
	for lang, want := range map[string][]string{
		"vi": {"Phiên bản của hotich.khaisinh.v1 sẽ ngừng: từ ngày 2027-01-01 không ai chăm sóc nó nữa. Thay bằng hotich.khaisinh.v2.", "Thay bằng hotich.khaisinh.v3."},
		"en": {"from 2027-01-01 on nobody may look after it. hotich.khaisinh.v2 takes its place.", "hotich.khaisinh.v3 takes its place."},
	} {
		page := get(t, site, "/"+lang).Body.String()
		for _, words := range want {
			if !strings.Contains(page, words) {
				t.Errorf("/%s does not say %q", lang, words)
			}
		}
	}
	s.Readers[0].Pipelines[0].Deprecated, s.Deliveries[0].Deprecated = nil, nil
	if page := get(t, portalOf(func() Status { return s }), "/en").Body.String(); strings.Contains(page, "takes its place") {
		t.Error("a dataset that is not deprecated comes to its end")
	}
}
