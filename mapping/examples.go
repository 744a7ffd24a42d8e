package mapping

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/lienthong/truc/problem"
)

// Example is one entry of `examples`, run by `truc check` and `truc mapping test` without a database.
//
// In a source mapping a row is given and one of result, document or error is expected; remarks may be added. In a sink
// mapping a document (and parts of the event) is given, and a row, a result or an error is expected.
type Example struct {
	At   Place
	Name string
	// Row holds the cells of a row by column name, as YAML has them.
	Row []ExampleCell
	// Event holds parts of an event: op, agency, id, sequence, time (sink).
	Event map[string]string
	// Result is "", "skipped", "deleted" or "ignored".
	Result string
	// Document is JSON text; nil when not given.
	Document []byte
	// Field and Rule are the violation expected.
	Field, Rule string
	// Remarks are the rules of remarks that must be among those made.
	Remarks []string
}

// ExampleCell is one cell of an example's row.
type ExampleCell struct {
	At     Place
	Column string
	// Tag is YAML's: "!!str", "!!int", "!!float", "!!bool", "!!null".
	Tag, Text string
}

func (d *decoder) examples(f *File, n *yaml.Node) []Example {
	var out []Example
	for i, item := range d.items(n, "examples", problem.Say("examples")) {
		path := "examples[" + strconv.Itoa(i) + "]"
		e := Example{At: d.place(item, path), Name: "example " + strconv.Itoa(i+1)}
		before := len(d.problems)
		for _, p := range d.entries(item, path, problem.Say("row, document, result, error, remarks")) {
			d.examplePart(f, &e, p)
		}
		d.exampleWhole(f, &e, len(d.problems) > before)
		out = append(out, e)
	}
	return out
}

func (d *decoder) examplePart(f *File, e *Example, p pair) {
	switch p.key {
	case "name":
		e.Name, _ = d.text(p.value, p.at.Path)
	case "row":
		for _, q := range d.entries(p.value, p.at.Path, problem.Say("columns with values")) {
			if q.value.Kind != yaml.ScalarNode {
				d.report(q.at, "wrong-type", problem.Say("a cell is a text, a number, true, false or null, found %s", kindOfNode(q.value)), problem.Say("write a JSON column as text in single quotes"))
				continue
			}
			tag := q.value.Tag
			if q.value.Style != 0 {
				tag = "!!str"
			}
			e.Row = append(e.Row, ExampleCell{At: q.at, Column: q.key, Tag: tag, Text: q.value.Value})
		}
	case "document":
		e.Document = d.constant(p.value, p.at.Path)
	case "result":
		allowed := []string{"skipped", "deleted"}
		e.Result = d.word(p.value, p.at.Path, allowed...)
	case "error":
		for _, q := range d.entries(p.value, p.at.Path, problem.Say("field and rule")) {
			switch q.key {
			case "field":
				e.Field, _ = d.text(q.value, q.at.Path)
			case "rule":
				e.Rule, _ = d.text(q.value, q.at.Path)
			default:
				d.unknown(q, []string{"field", "rule"})
			}
		}
	case "remarks":
		for i, item := range d.items(p.value, p.at.Path, problem.Say("rules")) {
			if s, ok := d.text(item, p.at.Path+"["+strconv.Itoa(i)+"]"); ok {
				e.Remarks = append(e.Remarks, s)
			}
		}
	case "event":
		if f.Direction == Source {
			d.unknown(p, []string{"name", "row", "result", "document", "error", "remarks"})
			return
		}
		e.Event = map[string]string{}
		for _, q := range d.entries(p.value, p.at.Path, problem.Say("parts of an event")) {
			known := []string{"id", "op", "time", "agency", "sequence"}
			if !slices.Contains(known, q.key) {
				d.unknown(q, known)
				continue
			}
			e.Event[q.key], _ = d.text(q.value, q.at.Path)
		}
	default:
		d.unknown(p, []string{"name", "row", "event", "result", "document", "error", "remarks"})
	}
}

// exampleWhole checks that an example says what is given and what is expected. What is expected may be wrong, which was told.
func (d *decoder) exampleWhole(f *File, e *Example, told bool) {
	if f.Direction == Source {
		if e.Row == nil {
			d.report(e.At, "missing-key", problem.Say("the example gives no row"), problem.Say("add row: { column: value }"))
		}
		if e.Result == "" && e.Document == nil && e.Rule == "" && e.Remarks == nil && !told {
			d.report(e.At, "missing-key", problem.Say("the example expects nothing"), problem.Say("add document: { … }, result: skipped or deleted, error: { field: …, rule: … } or remarks: [ … ]"))
		}
		return
	}
	if e.Document == nil && e.Event["op"] != "deleted" {
		d.report(e.At, "missing-key", problem.Say("the example gives no document"), problem.Say("add document: { … }, or event: { op: deleted }"))
	}
	if e.Result == "" && e.Row == nil && e.Rule == "" && !told {
		d.report(e.At, "missing-key", problem.Say("the example expects nothing"), problem.Say("add row: { column: value }, result: skipped or deleted, or error: { field: …, rule: … }"))
	}
}

// differences compares what is expected with what there is: every property that is expected must be there with that value;
// properties that are not named may be anything. Each difference is told with its path and both sides.
func differences(path string, want, got any, tell func(at, expected, found string)) {
	switch w := want.(type) {
	case map[string]any:
		g, ok := got.(map[string]any)
		if !ok {
			tell(path, "an object", jsonText(got))
			return
		}
		for _, name := range sortedKeys(w) {
			if _, there := g[name]; !there {
				tell(join(path, name), jsonText(w[name]), "nothing")
				continue
			}
			differences(join(path, name), w[name], g[name], tell)
		}
		return
	case []any:
		g, ok := got.([]any)
		if !ok || len(g) != len(w) {
			tell(path, jsonText(want), jsonText(got))
			return
		}
		for i := range w {
			differences(fmt.Sprintf("%s[%d]", path, i), w[i], g[i], tell)
		}
		return
	case json.Number:
		if g, ok := got.(json.Number); ok && equal(bytesCell(kindDecimal, []byte(w)), bytesCell(kindDecimal, []byte(g))) {
			return
		}
	default:
		if want == got {
			return
		}
	}
	tell(path, jsonText(want), jsonText(got))
}

func jsonText(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return "?"
	}
	return string(b)
}

func sortedKeys(m map[string]any) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// dotted turns a JSON pointer into the path a person writes.
func dotted(pointer string) string {
	return strings.ReplaceAll(strings.TrimPrefix(pointer, "/"), "/", ".")
}
