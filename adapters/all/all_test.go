package all_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lienthong/truc/adapters/all"
)

func TestBuiltInAdaptersAreSourcesAndSinks(t *testing.T) {
	r := all.Registry()
	want := []string{"postgres", "sqlite"} // reference is a source only
	if diff := cmp.Diff(want, r.Names(true, true)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	for _, name := range r.Names(false, false) {
		if r.Doc(name) == "" {
			t.Errorf("adapter %s has no sentence for truc adapter list", name)
		}
	}
}
