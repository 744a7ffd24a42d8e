package discover_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/discover"
	"github.com/lienthong/truc/mapping"
	"github.com/lienthong/truc/schemas"
)

// TestDraftsOfReceivingTables compares what is proposed for tables that receive with the sink mappings written for them, read
// backwards: a property that a hand writes to columns is proposed right when a live line reads it from one of these columns. A
// partial date is one property. Nothing is wrong that was proposed with a confidence above 0.9.
func TestDraftsOfReceivingTables(t *testing.T) {
	const dir = "../examples/bao-hiem"
	set, err := schemas.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	source := load(t, dir)
	right, all := 0, 0
	for _, name := range []string{"tre_em.yaml", "the_bhyt.yaml"} {
		data, err := os.ReadFile(filepath.Join(dir, "mappings", name))
		if err != nil {
			t.Fatal(err)
		}
		file, problems := mapping.Parse(name, data, &mapping.Files{Root: os.DirFS(dir), Path: "mappings/" + name})
		if problems.Err() != nil {
			t.Fatal(problems)
		}
		infos, err := source.(adapters.Describer).Describe(t.Context(), file.Table)
		if err != nil {
			t.Fatal(err)
		}
		table, rows, err := discover.Rows(t.Context(), source.(adapters.Scanner), file.Table, discover.MaxRows)
		if err != nil {
			t.Fatal(err)
		}
		hand, choices := propertiesOf(t, file, infos[0], set)
		report := described(t, source, discover.Options{Set: set, Dataset: file.Dataset, Agency: "H44.15"}, infos[0], table, rows)
		proposed := map[string]bool{}
		for _, p := range report.Draft.Proposals {
			property := fieldName(p.Property)
			switch {
			case !p.Live || len(p.Columns) == 0:
			case len(p.Columns) == 1 && slices.Contains(hand[property], p.Columns[0]):
				proposed[property] = true
			case len(p.Columns) == 1 && slices.Contains(choices[property], p.Columns[0]):
				t.Logf("one of several, %.2f: %s from %v", p.Confidence, property, p.Columns)
			case p.Confidence > certain:
				t.Errorf("wrong with %.2f: %s from %v, by hand %v", p.Confidence, property, p.Columns, hand[property])
			default:
				t.Logf("differs, %.2f: %s from %v, by hand %v", p.Confidence, property, p.Columns, hand[property])
			}
		}
		for property, columns := range hand {
			if !proposed[property] {
				t.Logf("%s: not right: %s of %v", file.Table, property, columns)
			}
		}
		right, all = right+len(proposed), all+len(hand)
	}
	share := float64(right) / float64(all)
	t.Logf("%d of %d properties right (%.0f %%)", right, all, share*100)
	if share < wanted {
		t.Errorf("%.0f %% of the properties are proposed right, want %.0f %%", share*100, wanted*100)
	}
}

// propertiesOf lists the columns that a sink mapping writes each property to, and apart those that it writes one of several
// properties to.
func propertiesOf(t *testing.T, f *mapping.File, info adapters.TableInfo, set *schemas.Set) (columns, choices map[string][]string) {
	t.Helper()
	dataset, err := set.Dataset(f.Dataset)
	if err != nil {
		t.Fatal(err)
	}
	plan, problems := mapping.CompileSink(f, dataset, info.Table, mapping.Env{Set: set, Agency: "G24.25", Pseudonyms: map[string][]byte{"bao_hiem": []byte(strings.Repeat("k", mapping.MinPseudonymKey))}})
	if plan == nil {
		t.Fatalf("%s does not compile: %v", f.Name, problems)
	}
	columns, choices = map[string][]string{}, map[string][]string{}
	for _, x := range plan.Explain() {
		if x.Part != "key" && x.Part != "columns" {
			continue
		}
		into := columns
		if len(x.Reads) > 1 {
			into = choices
		}
		for _, property := range x.Reads {
			if strings.HasPrefix(property, "event.") || strings.HasSuffix(property, ".doChinhXac") {
				continue
			}
			property = fieldName(strings.TrimSuffix(property, ".giaTri"))
			into[property] = append(into[property], x.Name)
		}
	}
	return columns, choices
}
