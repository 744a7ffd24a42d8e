package mapping

import (
	"testing"
)

func TestExamplesOfSource(t *testing.T) {
	set := testSet(t)
	d := testDataset(t, set)
	f := mustParse(t, "testdata/khai_sinh.yaml")
	for _, table := range []bool{true, false} {
		tab := khaiSinhTable()
		if !table {
			tab = nil
		}
		results, problems := f.RunExamples(tab, d, Env{Set: set, Agency: "H44.15"})
		if problems != nil {
			t.Errorf("table known %v: %v", table, problems)
		}
		if len(results) != 4 {
			t.Errorf("table known %v: %d results", table, len(results))
		}
	}
}

func TestExamplesOfSink(t *testing.T) {
	set := testSet(t)
	d := testDataset(t, set)
	f := mustParse(t, "testdata/tre_em.yaml")
	results, problems := f.RunExamples(nil, d, Env{Set: set, Agency: "H26"})
	if problems != nil {
		t.Error(problems)
	}
	if len(results) != 3 {
		t.Errorf("%d results", len(results))
	}
}
