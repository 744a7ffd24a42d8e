package mapping

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/lienthong/truc/mapping/value"
	"github.com/lienthong/truc/problem"
	"github.com/lienthong/truc/record"
	"github.com/lienthong/truc/schemas"
)

// ExampleResult is what became of one example.
type ExampleResult struct {
	Name string
	At   Place
	OK   bool
}

// RunExamples compiles the mapping and runs its examples. The list holds what keeps it from compiling and every example
// that came out differently. t is nil when the table is not known: cells are then of the kind YAML gives them.
// The texts of an example stand in the mapping file; they, and only they, may appear in its problem.
func (f *File) RunExamples(t *record.Table, d *schemas.Dataset, env Env) ([]ExampleResult, problem.List) {
	r := exampleRun{file: f}
	var one func(*Example)
	r.untyped = t == nil
	if f.Direction == Source {
		p, problems := CompileSource(f, t, d, env)
		if p == nil {
			return nil, problems
		}
		tr := p.NewTranslator()
		one = func(e *Example) { r.source(p, tr, e) }
	} else {
		p, problems := CompileSink(f, d, t, env)
		if p == nil {
			return nil, problems
		}
		tr := p.NewTranslator()
		one = func(e *Example) { r.sink(p, tr, d, env, e) }
	}
	var out []ExampleResult
	for i := range f.Examples {
		e := &f.Examples[i]
		before := len(r.problems)
		one(e)
		out = append(out, ExampleResult{Name: e.Name, At: e.At, OK: len(r.problems) == before})
	}
	return out, r.problems
}

type exampleRun struct {
	file *File
	// untyped: which columns the table has is not known.
	untyped  bool
	problems problem.List
}

func (r *exampleRun) report(at Place, what, fix problem.Text) {
	r.problems = append(r.problems, problem.Problem{Code: "mapping.example", Where: at.String(), What: what, Fix: fix})
}

func (r *exampleRun) wrong(e *Example, what problem.Text) {
	r.report(e.At, problem.Say("%q: %s", e.Name, what), problem.Say("correct the mapping, or the example"))
}

func (r *exampleRun) source(p *SourcePlan, t *Translator, e *Example) {
	row, ok := r.row(p, e)
	if !ok {
		return
	}
	verdict := t.Keep(row)
	want := map[string]Verdict{"skipped": Filtered, "deleted": Gone}[e.Result]
	if verdict != want {
		words := map[Verdict]string{Live: "published", Filtered: "skipped (only is not true)", Gone: "deleted (deleted is true)"}
		r.wrong(e, problem.Say("expected the row to be %s, it is %s", words[want], words[verdict]))
		return
	}
	if verdict != Live {
		return
	}
	doc, remarks, violations := t.Document(nil, row)
	if !r.violations(e, violations) {
		return
	}
	for _, rule := range e.Remarks {
		if !slices.ContainsFunc(remarks, func(m Remark) bool { return m.Rule == rule }) {
			var made []string
			for _, m := range remarks {
				made = append(made, m.Rule+" at "+dotted(m.Pointer))
			}
			r.wrong(e, problem.Say("expected the remark %s, found %s", rule, listed(made)))
		}
	}
	if e.Document != nil {
		if r.unknownProperties(e, p.dataset.Root(), "", decoded(e.Document)) {
			return
		}
		differences("", decoded(e.Document), decoded(doc), func(at, expected, found string) {
			r.wrong(e, problem.Say("%s: expected %s, found %s", at, expected, found))
		})
	}
}

// unknownProperties reports what an example expects and the dataset does not have.
func (r *exampleRun) unknownProperties(e *Example, n *schemas.Node, path string, want any) bool {
	if list, ok := want.([]any); ok && n.Items != nil {
		found := false
		for i, item := range list {
			found = r.unknownProperties(e, n.Items, fmt.Sprintf("%s[%d]", path, i), item) || found
		}
		return found
	}
	object, ok := want.(map[string]any)
	if !ok || len(n.Properties) == 0 {
		return false
	}
	var names []string
	for _, p := range n.Properties {
		names = append(names, p.Name)
	}
	found := false
	for _, name := range sortedKeys(object) {
		p := n.Property(name)
		if p == nil {
			found = true
			r.report(e.At, problem.Say("%q: its document has %s, which the dataset has not", e.Name, join(path, name)), suggestion(name, names))
			continue
		}
		found = r.unknownProperties(e, p.Node, join(path, name), object[name]) || found
	}
	return found
}

// violations compares those expected with those found; false ends the example.
func (r *exampleRun) violations(e *Example, found []schemas.Violation) bool {
	var words []string
	for _, v := range found {
		if e.Rule != "" && v.Rule == e.Rule && dotted(v.Pointer) == e.Field {
			return false
		}
		words = append(words, fmt.Sprintf("%s at %s (%s)", v.Rule, orRoot(dotted(v.Pointer)), v.EN))
	}
	switch {
	case e.Rule != "":
		r.wrong(e, problem.Say("expected the error %s at %s, found %s", e.Rule, orRoot(e.Field), listed(words)))
		return false
	case len(found) > 0:
		r.wrong(e, problem.Say("the document is not valid: %s", listed(words)))
		return false
	}
	return true
}

func orRoot(path string) string {
	if path == "" {
		return "the document"
	}
	return path
}

func listed(words []string) string {
	if len(words) == 0 {
		return "none"
	}
	return strings.Join(words, "; ")
}

func decoded(doc []byte) any {
	d := json.NewDecoder(strings.NewReader(string(doc)))
	d.UseNumber()
	var v any
	if d.Decode(&v) != nil {
		return nil
	}
	return v
}

// row makes the cells of an example as the adapter would deliver them; columns that are not named are null.
func (r *exampleRun) row(p *SourcePlan, e *Example) (record.Row, bool) {
	row := make(record.Row, len(p.table.Columns))
	for i := range row {
		row[i] = record.NullValue
	}
	ok := true
	for _, c := range e.Row {
		i := p.table.Index(c.Column)
		for _, rule := range r.file.Columns {
			if rule.Name == c.Column && rule.From != "" {
				i = p.table.Index(rule.From)
			}
		}
		if i < 0 && r.untyped {
			continue // it may have this one: no expression reads it
		}
		if i < 0 {
			var names []string
			for _, col := range p.table.Columns {
				names = append(names, col.Name)
			}
			r.report(c.At, problem.Say("table %s has no column %q", p.table, c.Column), suggestion(c.Column, names))
			ok = false
			continue
		}
		v, fault := exampleValue(c, p.table.Columns[i].Kind, p.columns[i].encoding)
		if !fault.Empty() {
			r.report(c.At, fault, problem.Say("write a value of the column's kind"))
			ok = false
		}
		row[i] = v
	}
	return row, ok
}

// exampleValue makes a cell of a column's kind from YAML. Texts are written readably and encoded as the column is.
func exampleValue(c ExampleCell, k record.Kind, encoding *value.Encoding) (v record.Value, fault problem.Text) {
	if c.Tag == "!!null" {
		return record.NullValue, problem.Text{}
	}
	if k == record.AnyKind {
		k = map[string]record.Kind{"!!int": record.Int, "!!float": record.Float, "!!bool": record.Bool}[c.Tag]
		if k == record.Unchanged {
			k = record.Text
		}
	}
	wrong := problem.Say("column %s holds %s, the example gives %s", c.Column, article(kindOf(k)), c.Text)
	b := []byte(c.Text)
	switch k {
	case record.Int:
		n, err := strconv.ParseInt(c.Text, 10, 64)
		if err != nil {
			return v, wrong
		}
		return record.IntValue(n), problem.Text{}
	case record.Float:
		n, err := strconv.ParseFloat(c.Text, 64)
		if err != nil {
			return v, wrong
		}
		return record.FloatValue(n), problem.Text{}
	case record.Bool:
		if c.Text != "true" && c.Text != "false" {
			return v, wrong
		}
		return record.BoolValue(c.Text == "true"), problem.Text{}
	case record.Decimal:
		if _, ok := value.AppendDecimal(nil, b); !ok {
			return v, wrong
		}
	case record.Date:
		if _, ok := value.ParseISODate(b); !ok {
			return v, problem.Say("%s; write it like %s", wrong, "2006-01-02")
		}
	case record.DateTime:
		if _, utc, ok := value.ParseISODateTime(b); !ok || utc {
			return v, problem.Say("%s; write it like %s", wrong, "2006-01-02T15:04:05")
		}
	case record.Timestamp:
		if _, utc, ok := value.ParseISODateTime(b); !ok || !utc {
			return v, problem.Say("%s; write it like %s", wrong, "2006-01-02T15:04:05Z")
		}
	case record.Text, record.Bytes:
		if encoding == nil {
			break
		}
		encoded, ok := encoding.Encode(nil, b)
		if !ok {
			return v, problem.Say("%s: %q cannot be written in %s", c.Column, c.Text, encoding.Name)
		}
		b = encoded
	default: // as it is written
	}
	return record.BytesOf(k, b), problem.Text{}
}

func (r *exampleRun) sink(p *SinkPlan, t *SinkTranslator, d *schemas.Dataset, env Env, e *Example) {
	ev := EventView{ID: "example", Op: "updated", Agency: env.Agency, Sequence: "0", Dataset: d.ID(), Time: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	for name, s := range e.Event {
		switch name {
		case "id":
			ev.ID = s
		case "op":
			ev.Op = s
		case "agency":
			ev.Agency = s
		case "sequence":
			ev.Sequence = s
		case "time":
			at, err := time.Parse(time.RFC3339, s)
			if err != nil {
				r.wrong(e, problem.Say("event.time is not RFC 3339, such as 2026-01-01T00:00:00Z"))
				return
			}
			ev.Time = at
		}
	}
	doc := e.Document
	if ev.Op == "deleted" {
		ev.Key, _ = KeyOf(nil, d.KeyProperties(), e.Document)
		doc = nil
	} else if found := d.Check(doc); len(found) > 0 {
		r.wrong(e, problem.Say("its document is not valid: %s (%s)", found[0].EN, orRoot(dotted(found[0].Pointer))))
		return
	}
	var change record.Change
	verdict, violations := t.Change(ev, doc, &change)
	if !r.violations(e, violations) {
		return
	}
	words := map[Verdict]string{Live: "written", Filtered: "skipped (only is not true)", Gone: "deleted"}
	if want := (map[string]Verdict{"skipped": Filtered, "deleted": Gone})[e.Result]; e.Result != "" && verdict != want {
		r.wrong(e, problem.Say("expected the event to be %s, it is %s", words[want], words[verdict]))
		return
	}
	written := map[string]record.Value{}
	collect := func(list []columnValue, row record.Row) {
		for i, v := range list {
			if i < len(row) {
				written[v.column] = row[i]
			}
		}
	}
	collect(p.key, change.Key)
	if change.Delete {
		collect(p.deleteSet, change.Values)
	} else {
		collect(p.values, change.Values)
		collect(p.onCreate, change.OnCreate)
	}
	for _, c := range e.Row {
		v, there := written[c.Column]
		switch {
		case !there:
			r.wrong(e, problem.Say("column %s is not written", c.Column))
		case c.Tag == "!!null" != v.IsNull() || c.Tag != "!!null" && string(v.Append(nil)) != c.Text:
			found := "null"
			if !v.IsNull() {
				found = strconv.Quote(string(v.Append(nil)))
			}
			r.wrong(e, problem.Say("column %s: expected %s, found %s", c.Column, c.Text, found))
		}
	}
}
