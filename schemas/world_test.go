package schemas

import (
	"io/fs"
	"slices"
	"strings"
	"testing"

	"github.com/lienthong/truc/schemas/compat"
)

// TestDatasetsUnderNewCodes judges each built-in dataset against itself when one of its code lists gains a code, and when it
// loses one: a reader that knows more codes reads everything, one that lacks a code is shown a document with it.
func TestDatasetsUnderNewCodes(t *testing.T) {
	set, err := Builtin()
	if err != nil {
		t.Fatal(err)
	}
	types, err := fs.ReadFile(embedded, "data/types/kieu.json")
	if err != nil {
		t.Fatal(err)
	}
	references := map[string][]byte{"https://github.com/lienthong/truc/schemas/kieu/1.0.0": types}
	tried := map[string]bool{} // each list in one dataset
	// The codes of these stand where no document is found: the version is refused as not proven, without one that shows why.
	noDocument := map[string]bool{"danhmuc.giayto": true, "danhmuc.loaiphi": true}
	for _, d := range set.Datasets() {
		text := d.Raw()
		parse := func(codes func(id, version string) ([]string, bool)) *compat.Document {
			doc, err := compat.World{References: references, Codes: codes, Formats: FormatChecks()}.Parse(text)
			if err != nil {
				t.Fatalf("%s: %v", d.ID(), err)
			}
			return doc
		}
		now := parse(set.Codes)
		for _, list := range set.CodeLists() {
			if tried[list.ID] || !strings.Contains(string(text), `"`+list.ID+`"`) {
				continue
			}
			tried[list.ID] = true
			grown := parse(func(id, version string) ([]string, bool) {
				codes, known := set.Codes(id, version)
				if id == list.ID {
					codes = append(codes, "MA-MOI")
				}
				return codes, known
			})
			if r, err := compat.Includes(now, grown); err != nil || r != nil {
				t.Errorf("%s with a code more in %s: %+v, %v", d.ID(), list.ID, r, err)
			}
			r, err := compat.Includes(grown, now)
			if noDocument[list.ID] {
				if err != nil || r == nil {
					t.Errorf("%s with a code less in %s is taken for compatible: %v", d.ID(), list.ID, err)
				}
				continue
			}
			if err != nil || r == nil || !strings.Contains(string(r.Witness), `"MA-MOI"`) {
				t.Errorf("%s with a code less in %s: %+v, %v", d.ID(), list.ID, r, err)
				continue
			}
			if violations := d.Check(r.Witness); !slices.ContainsFunc(violations, func(v Violation) bool { return v.Rule == RuleCode }) {
				t.Errorf("%s: %s does not break the rule of %s: %v", d.ID(), r.Witness, list.ID, violations)
			}
		}
	}
	if len(tried) < 10 {
		t.Errorf("only %d lists were tried", len(tried))
	}
}

// TestCodesOfASet wants the version that the set has, and no other.
func TestCodesOfASet(t *testing.T) {
	set, err := Builtin()
	if err != nil {
		t.Fatal(err)
	}
	list, err := set.CodeList("danhmuc.gioitinh")
	if err != nil {
		t.Fatal(err)
	}
	for version, want := range map[string]bool{"": true, list.Version: true, "0.0.9": false} {
		codes, known := set.Codes(list.ID, version)
		if known != want || want && len(codes) != len(list.Codes()) {
			t.Errorf("version %q: %d codes, known %t", version, len(codes), known)
		}
	}
	if _, known := set.Codes("danhmuc.khongco", ""); known {
		t.Error("a list that is not there is known")
	}
}
