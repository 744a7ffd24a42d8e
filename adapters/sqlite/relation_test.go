package sqlite

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lienthong/truc/adapters"
)

// TestRelations: foreign keys are described, also those that name no columns, and those to what does not exist.
func TestRelations(t *testing.T) {
	a := newApplication(t,
		"CREATE TABLE xa (tinh TEXT, ma TEXT, ten TEXT, PRIMARY KEY (tinh, ma)) WITHOUT ROWID",
		"CREATE TABLE nguoi (id INTEGER PRIMARY KEY, tinh TEXT, xa TEXT, me INTEGER REFERENCES nguoi, la INTEGER REFERENCES khong_co, FOREIGN KEY (tinh, xa) REFERENCES xa (tinh, ma))")
	infos, err := NewSource(a.config(), env("x")).Describe(t.Context(), "nguoi", "xa")
	if err != nil {
		t.Fatal(err)
	}
	want := []adapters.Relation{
		{Columns: []string{"tinh", "xa"}, Table: "xa", References: []string{"tinh", "ma"}},
		{Columns: []string{"la"}, Table: "khong_co"},
		{Columns: []string{"me"}, Table: "nguoi", References: []string{"id"}},
	}
	if diff := cmp.Diff(want, infos[0].Relations); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if infos[1].Relations != nil {
		t.Errorf("xa has %v", infos[1].Relations)
	}
}
