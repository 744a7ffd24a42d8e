package compat

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write docs/compatibility.md")

const page = "../../docs/compatibility.md"

// TestPage holds docs/compatibility.md to the rows; -update writes it.
func TestPage(t *testing.T) {
	var b strings.Builder
	b.WriteString(pageHead)
	section := ""
	for i, r := range rows(t) {
		if r.section != section {
			section = r.section
			fmt.Fprintf(&b, "\n## %s\n\n| Difference | Draft | Old | New | strict | sound | Test |\n|---|---|---|---|---|---|---|\n", section)
		}
		old, updated := parseText(t, r.draft, r.old), parseText(t, r.draft, r.updated)
		refusal, err := Includes(old, updated)
		if err != nil {
			t.Fatal(err)
		}
		sound := "compatible"
		switch {
		case refusal != nil && refusal.Witness != nil:
			sound = "refused, by " + code(string(refusal.Witness))
		case refusal != nil:
			sound = "not proven"
		}
		name, absent := strings.CutPrefix(r.rule, "-")
		if absent {
			name = "not " + name
		}
		strict := map[bool]string{true: "compatible", false: "refused"}[r.compatible]
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s | `TestRules/%d` |\n", name, r.draft, code(r.old), code(r.updated), strict, sound, i)
	}
	if *update {
		if err := os.WriteFile(page, []byte(b.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if string(have) != b.String() {
		t.Errorf("%s differs from the rows; go test ./schemas/compat -run TestPage -update", page)
	}
}

// code makes a cell of code, bars and all.
func code(text string) string { return "`" + strings.ReplaceAll(text, "|", `\|`) + "`" }

const pageHead = `# Which version may follow which

A new version of a schema is judged when it is proposed, in one of two ways.

**strict** gives the verdict of Confluent Schema Registry and uses its names for the differences, so that a subject can
move from one registry to the other. It looks at the wording: some changes that harm nobody are refused, and some that
harm readers pass, because it does not compare ` + "`format`, `propertyNames`, `if`/`then`/`else`" + `, the schema of ` + "`contains`" + `,
what stands inside ` + "`patternProperties`" + `, and required properties that are not declared. A required property with a default
passes, although a validator does not fill in defaults.

**sound**, the default, looks at the documents: the new version passes when everything the old one accepts is accepted
still. A refusal shows a document that the old version accepts and the new one refuses. Where neither a proof nor such a
document is found the verdict is a refusal too, and says "not proven"; two different patterns are the usual case, since
patterns are compared by their text. ` + "`format`" + ` counts as a check in all drafts.

| Level | Who must still be able to read |
|---|---|
| NONE | nobody is asked |
| BACKWARD | readers of the new version, what the latest version allowed |
| BACKWARD_TRANSITIVE | readers of the new version, what any earlier version allowed |
| FORWARD | readers of the latest version, what the new version allows |
| FORWARD_TRANSITIVE | readers of any earlier version, what the new version allows |
| FULL | both, with the latest version |
| FULL_TRANSITIVE | both, with all versions |

**An optional property cannot be added to an open object.** The old version allowed any value under that name, so a
document with another kind of value is valid there and refused by the new version. Let producers validate with
` + "`\"additionalProperties\": false`" + `, and the property can be added under BACKWARD.

Schemas of drafts 4, 6, 7, 2019-09 and 2020-12 are compared; without ` + "`$schema`" + ` a schema is draft 7. Nothing is ever
fetched: a ` + "`$ref`" + ` leads into the schema or to a reference given with it. Refused with a reason are schemas larger than
1 MiB or nested more than 128 levels deep, a ` + "`$ref`" + ` that comes back to itself without a step into the document, and
definitions that multiply to more than 50,000 subschemas for one value.

The rows below are the tests: ` + "`go test ./schemas/compat`" + ` runs each of them in both ways, and the page is written from
them. "not X" is a row in which X must not be reported.
`
