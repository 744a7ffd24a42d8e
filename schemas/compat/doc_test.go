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
	evidence, err := os.ReadFile("testdata/evidence.md")
	if err != nil {
		t.Fatal(err)
	}
	var kept strings.Builder
	for _, name := range sortedKeys(spared) {
		fmt.Fprintf(&kept, "| `%s` | %s |\n", name, spared[name])
	}
	b.WriteString(strings.NewReplacer("EVIDENCE", string(evidence), "SPARED\n", kept.String()+"\n").Replace(pageHead))
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
patterns are compared by their text. ` + "`format`" + ` counts as a check in all drafts; all texts of a date or a uuid have one length,
and a wider format (` + "`uri-reference` after `uri`" + `) follows. A code list (` + "`x-danh-muc`" + `, an id or ` + "`{\"id\", \"version\"}`" + `) is to a schema
what an enum is: a version of a list that only gains codes accepts what the former one accepted, one that loses a code is
refused by a document with that code. Lists whose codes are not at hand are compared by id and version.

**What a refusal says**: which subscribers would break on what which producers write, the document, the place (a JSON
pointer into the version of the reader), and the smallest change that would pass. The change has been tried before it is
offered: at the place that refuses the document, or the nearest one around it, the earlier wording is put back, until the
version passes. For a person, ` + "`{\"properties\":{\"ten\":{\"type\":\"string\",\"maxLength\":4}}}`" + ` after 5 reads:

    bên nhận đọc theo phiên bản mới sẽ từ chối dữ liệu mà bên công bố có thể ghi theo phiên bản 1: phiên bản 1 chấp nhận {"ten":"aaaaa"}, còn phiên bản mới thì không
    → viết lại tại #/properties/ten/maxLength nội dung trước đây: 5
    subscribers who read by the new version would refuse what producers may write by version 1: version 1 accepts {"ten":"aaaaa"}, the new version does not
    → write at #/properties/ten/maxLength what stood there before: 5

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

**No pair of schemas takes for ever.** What a comparison costs is counted in steps, not timed, so that an answer never depends on
the machine: proof, rule table, search for a document and suggestions have shares of their own, less than a second of processor time
together. Where the steps do not suffice, and no document was found that settles it, the answer is an error (` + "`compat.too-complex`" + `)
that names the place to simplify. What is said twice in a schema is compared once.

Schemas of drafts 4, 6, 7, 2019-09 and 2020-12 are compared; without ` + "`$schema`" + ` a schema is draft 7. Nothing is ever
fetched: a ` + "`$ref`" + ` leads into the schema or to a reference given with it. Refused with a reason are schemas larger than
1 MiB, with more than 50,000 subschemas or nested more than 128 levels deep, identifiers of more than 1,000 bytes, a ` + "`$ref`" + ` that comes back to itself without a step into the document, and
definitions that multiply to more than 50,000 subschemas for one value.

The rows below are the tests: ` + "`go test ./schemas/compat`" + ` runs each of them in both ways, and the page is written from
them. "not X" is a row in which X must not be reported. Rows that the table calls compatible and sound refuses are those with a
document beside them; TestSoundOnRules fails for any other.

## How it is tested

EVIDENCE
The command is ` + "`make compat-check N=100000`" + ` (26 November 2026, go 1.26, gojsonschema v1.2.0 for drafts 4, 6 and 7,
santhosh-tekuri/jsonschema v6.0.3 for 2019-09 and 2020-12; seed 1; a short run is part of ` + "`go test`" + `). Each pair is a schema
made for one keyword and a version of it that was widened, narrowed, or made anew; documents are drawn beside the schemas,
and what a refusal shows is judged by the same validators.

` + "`make compat-mutants`" + ` removes each single comparison of the rule table, of the proof and of the evaluation of documents, one at a time, and
fails for one whose removal no test notices: of 806 (26 November 2026) the tests tell 709. Left alone are 52 that count and end the work
(TestHostilePairs does), returns of what is false or not heeded anyway, and:

| Comparison | Why its removal changes no verdict |
|---|---|
SPARED
Suggested changes are made and judged again (TestSuggestionsPass). Pairs made to take for ever are answered, or refused with
what to simplify, in less than a second of processor time each (TestHostilePairs; FuzzParse, FuzzDiff, FuzzIncludes): unions of
types that contain each other, branches of branches, a billion laughs, chains of 10,000 definitions, 1 MiB of values, patterns of a
million steps. Documents are judged by an evaluation that counts its steps as well; TestEvaluate and FuzzEvaluate hold it to the validator.
`
