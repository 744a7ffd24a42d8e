package mapping

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestExplain holds the explanations of three mappings: part name | place | expression | reads | functions | codes | by | failures.
func TestExplain(t *testing.T) {
	set := testSet(t)
	d, err := set.Dataset("thu.hoso.v1")
	if err != nil {
		t.Fatal(err)
	}
	untyped, problems := CompileSource(mustParse(t, "testdata/ho_so.yaml"), nil, d, Env{Set: set})
	if problems != nil {
		t.Fatal(problems)
	}
	for name, list := range map[string][]Explanation{
		"khai_sinh": khaiSinhPlan(t).Explain(), "ho_so": hoSoPlan(t).Explain(), "ho_so_untyped": untyped.Explain(), "tre_em": treEmPlan(t).Explain(),
	} {
		var b strings.Builder
		for _, x := range list {
			var rules []string
			for _, f := range x.Failures {
				rules = append(rules, strings.TrimSuffix(f.Rule+" "+f.Detail, " "))
				if f.VI == "" || f.EN == "" {
					t.Errorf("%s: %s has no words for %s", name, x.Name, f.Rule)
				}
			}
			if x.Part == "fields" && x.Title["vi"] == "" {
				t.Errorf("%s: %s has no title", name, x.Name)
			}
			fmt.Fprintf(&b, "%s %s | %s | %s | %s | %s | %s | %s | %s\n", x.Part, x.Name, strings.TrimPrefix(x.Where, "testdata/"), x.Expression,
				strings.Join(x.Reads, " "), strings.Join(x.Functions, " "), strings.Join(x.Codes, " "), x.By, strings.Join(rules, "; "))
		}
		file := "testdata/explain_" + name + ".txt"
		if *update {
			if err := os.WriteFile(file, []byte(b.String()), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), b.String()); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestFunctionsHaveHelp(t *testing.T) {
	for _, f := range Functions() {
		if f.VI == "" || f.EN == "" || !strings.HasPrefix(f.Usage, f.Name+"(") {
			t.Errorf("%+v", f)
		}
	}
}
