package discover_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/lienthong/truc/discover"
	"github.com/lienthong/truc/mapping"
	"github.com/lienthong/truc/schemas"
)

// TestStarters: every dataset's starter parses both ways, names each required property with its title, and check finds
// nothing but what is missing. Uncommented, its fields are those of the dataset.
func TestStarters(t *testing.T) {
	set, err := schemas.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range set.Datasets() {
		t.Run(d.ID(), func(t *testing.T) {
			text := discover.Starter(d, "public.bảng", false, set)
			file, problems := mapping.Parse("x.yaml", []byte(text), nil)
			if problems.Err() != nil || file.Direction != mapping.Source || file.Table != "public.bảng" {
				t.Fatalf("%v\n%s", problems, text)
			}
			_, problems = mapping.CompileSource(file, nil, d, mapping.Env{Set: set})
			missing := 0
			for _, p := range problems {
				switch p.Code {
				case "mapping.missing-property":
					missing++
				case "mapping.wrong-key":
				default:
					t.Errorf("unexpected: %v", p)
				}
			}
			for _, p := range d.Root().Properties {
				if p.Required {
					missing--
					grouped := len(p.Node.Properties) > 0 || p.Node.Items != nil && len(p.Node.Items.Properties) > 0 // what is in it is titled
					if !regexp.MustCompile(`(?m)^  # `+p.Name+`:.*$`).MatchString(text) || !strings.Contains(text, p.Node.Title["vi"]) && !grouped {
						t.Errorf("required %s is not there", p.Name)
					}
				}
			}
			if missing != 0 {
				t.Errorf("check misses %d more properties than the dataset requires", missing)
			}
			live := strings.Replace(text, "fields: {}", "fields:", 1)
			_, fields, _ := strings.Cut(live, "fields:")
			_, fields, _ = strings.Cut(fields, "\n")
			fields = "\n" + fields
			fields, _, _ = strings.Cut(fields, "\n# examples")
			fields = regexp.MustCompile(`(?m)^( +)# `).ReplaceAllString(fields, "$1")
			file, problems = mapping.Parse("x.yaml", []byte("dataset: "+d.ID()+"\nfields:"+fields), nil)
			if problems.Err() != nil {
				t.Fatalf("uncommented: %v\n%s", problems, fields)
			}
			_, problems = mapping.CompileSource(file, nil, d, mapping.Env{Set: set})
			for _, p := range problems {
				if p.Code == "mapping.unknown-property" || p.Code == "mapping.missing-property" {
					t.Errorf("uncommented: %v", p)
				}
			}

			text = discover.Starter(d, "bang", true, set)
			file, problems = mapping.Parse("x.yaml", []byte(text), nil)
			if problems.Err() != nil || file.Direction != mapping.Sink {
				t.Fatalf("sink: %v\n%s", problems, text)
			}
		})
	}
}
