package messages

import (
	"flag"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/lienthong/truc/problem"
)

func read(t *testing.T) (*Source, map[string]string) {
	t.Helper()
	source, err := Read("../..")
	if err != nil {
		t.Fatal(err)
	}
	if len(source.Formats) < 500 || len(source.Messages) < 100 {
		t.Fatalf("%d formats and %d findings were found: the code is read wrongly", len(source.Formats), len(source.Messages))
	}
	translations, err := problem.Translations()
	if err != nil {
		t.Fatal(err)
	}
	return source, translations
}

// TestEveryMessageIsTranslated holds vi.po to the code: nothing missing, nothing left over, the same arguments.
func TestEveryMessageIsTranslated(t *testing.T) {
	source, translations := read(t)
	for _, place := range source.Faults {
		t.Errorf("%s: the format is no constant, so it cannot be translated", place)
	}
	for format, place := range source.Formats {
		vi, ok := translations[format]
		if !ok {
			t.Errorf("%s: problem/vi.po lacks\nmsgid %s\nmsgstr \"\"", place, strconv.Quote(format))
			continue
		}
		if want, got := verbs(t, format), verbs(t, vi); !slices.Equal(want, got) {
			t.Errorf("%s: %q has the arguments %v, its translation %q has %v", place, format, want, vi, got)
		}
	}
	for format := range translations {
		if _, used := source.Formats[format]; !used {
			t.Errorf("problem/vi.po translates %q, which no code says", format)
		}
	}
}

var verb = regexp.MustCompile(`%(?:\[(\d+)\])?[-+# 0]*\d*([a-zA-Z%])`)

// verbs are the arguments a format uses, as "1q", in the order of the arguments.
func verbs(t *testing.T, format string) []string {
	t.Helper()
	var out []string
	next := 1
	for _, m := range verb.FindAllStringSubmatch(format, -1) {
		if m[2] == "%" {
			continue
		}
		if m[1] != "" {
			n, err := strconv.Atoi(m[1])
			if err != nil {
				t.Fatal(err)
			}
			next = n
		}
		out = append(out, strconv.Itoa(next)+m[2])
		next++
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func TestVerbs(t *testing.T) {
	for format, want := range map[string]string{
		"%d%% of %s": "1d 2s", "%[2]s: %[1]q": "1q 2s", "no": "", "0x%02X": "1X",
	} {
		if got := strings.Join(verbs(t, format), " "); got != want {
			t.Errorf("%q: %s, want %s", format, got, want)
		}
	}
}

// TestEveryFindingHasARemedy: what is wrong is not enough.
func TestEveryFindingHasARemedy(t *testing.T) {
	source, _ := read(t)
	for _, m := range source.Messages {
		if len(m.Fixes) == 0 {
			t.Errorf("%s: %s: %q has no remedy that can be read from the code", m.Place, m.Code, m.What)
		}
	}
}

var update = flag.Bool("update", false, "write docs/when-something-is-wrong.md")

// TestGuideIsCurrent holds the page to the code.
func TestGuideIsCurrent(t *testing.T) {
	const page = "../../docs/when-something-is-wrong.md"
	source, translations := read(t)
	want := Guide(source, translations)
	if *update {
		if err := os.WriteFile(page, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Error("docs/when-something-is-wrong.md is not what the code says: go test ./tests/messages -update")
	}
}
