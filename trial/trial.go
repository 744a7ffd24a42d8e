// Package trial translates and checks the rows of a table without publishing anything, and counts what it finds.
//
//	adapters.Scanner → rows → mapping → document → check → counts by field, rule and error group, indicators of quality
//
// Memory is bounded whatever the table: findings are counted by place, keys are kept as hashes and spilled to a file.
// Nothing here holds a value of a row longer than its group, and the report has none.
package trial

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/mapping"
	"github.com/lienthong/truc/problem"
	"github.com/lienthong/truc/record"
	"github.com/lienthong/truc/schemas"
)

// Run is one trial of a publishing pipeline.
type Run struct {
	Scanner adapters.Scanner
	Table   string
	Dataset *schemas.Dataset
	// Compile types the mapping against the table as the source has it; it is asked again should that change meanwhile.
	Compile func(*record.Table) (*mapping.SourcePlan, error)
	// Rows bounds how many rows are read; 0 reads all.
	Rows int64
	// Hash is how a key shows; the same as dead letters have.
	Hash func(key []byte) string
	// Progress is told now and then how many rows were read; nil is allowed.
	Progress func(rows int64)
	// Document is given the first documents with what is wrong with them, until it answers false; nil is allowed. It is the only way
	// by which values get out.
	Document func(doc []byte, violations []schemas.Violation) bool
	// Dir is where hashes of keys are spilled to; empty is the system's own folder for temporary files.
	Dir string

	report  Report
	groups  map[string]*Group
	places  map[place]*Finding
	order   []*Finding
	keys    *keys
	marks   indicatorCounts
	formed  map[string]bool
	showing bool
}

// place names what findings are counted by.
type place struct {
	field, rule string
	violation   bool
}

const (
	// keysShown is how many bad rows of a group are named by their keys.
	keysShown = 5
	// mostFindings bounds the list of findings: a schema has some hundred fields and a dozen rules for each.
	mostFindings = 2000
)

// errEnough ends a scan.
var errEnough = errors.New("enough rows")

// Do reads the rows. When it is interrupted the report of what was read so far comes with the error of ctx.
func (r *Run) Do(ctx context.Context) (Report, error) {
	started := time.Now()
	r.groups, r.places = map[string]*Group{}, map[place]*Finding{}
	r.keys = &keys{dir: r.Dir}
	defer r.keys.close()
	r.formed = identifiers(r.Dataset)
	r.showing = r.Document != nil
	r.report.Dataset, r.report.Table = r.Dataset.ID(), r.Table
	var plan *mapping.SourcePlan
	var tr *mapping.Translator
	var table *record.Table
	var doc []byte
	err := r.Scanner.Scan(ctx, r.Table, func(t *record.Table, rows []record.Row) error {
		if t != table {
			var err error
			if plan, err = r.Compile(t); err != nil {
				return err
			}
			tr, table = plan.NewTranslator(), t
		}
		for _, row := range rows {
			if r.Rows > 0 && r.report.Rows == r.Rows {
				return errEnough
			}
			if err := ctx.Err(); err != nil {
				return err
			}
			var err error
			if doc, err = r.row(tr, plan, row, doc); err != nil {
				return err
			}
		}
		if r.Progress != nil {
			r.Progress(r.report.Rows)
		}
		return nil
	})
	r.report.Complete = err == nil
	if errors.Is(err, errEnough) {
		err = nil
	}
	interrupted := ctx.Err() != nil
	if err != nil && !interrupted {
		return r.report, err
	}
	if failed := r.finish(time.Since(started)); failed != nil {
		return r.report, failed
	}
	r.report.Interrupted = interrupted
	if interrupted {
		return r.report, ctx.Err()
	}
	return r.report, nil
}

// row translates one row and counts it. doc is a buffer.
func (r *Run) row(tr *mapping.Translator, plan *mapping.SourcePlan, row record.Row, doc []byte) ([]byte, error) {
	r.report.Rows++
	switch tr.Keep(row) {
	case mapping.Filtered:
		r.report.Filtered++
		return doc, nil
	case mapping.Gone:
		r.report.Deleted++
		return doc, nil
	default:
	}
	r.report.Live++
	key, known := tr.Key(nil, row)
	hash := ""
	if known {
		hash = r.Hash(key)
	}
	doc, remarks, violations := tr.Document(doc[:0], row)
	if len(doc) > mapping.MaxDocument {
		violations = append(violations, schemas.NewViolation("", schemas.RuleOversize, ""))
	}
	if !known && len(violations) == 0 {
		violations = append(violations, keyViolation(plan.Key()))
	}
	if r.showing {
		r.showing = r.Document(doc, violations)
	}
	marks := mark(0)
	for _, v := range violations {
		marks |= r.count(field(v.Pointer), v.Rule, v.Group, problem.Text{VI: v.VI, EN: v.EN}, true, hash)
	}
	for _, m := range remarks {
		marks |= r.count(field(m.Pointer), m.Rule, m.Group, problem.Text{}, false, hash)
	}
	r.tally(marks, known, len(violations) > 0, len(remarks) > 0)
	if !known {
		return doc, nil
	}
	return doc, r.keys.add(key, hash, marks)
}

// keyViolation is a row whose key cannot be made: it cannot be published.
func keyViolation(key []string) schemas.Violation {
	return schemas.Violation{
		Pointer: "", Rule: "key", Group: schemas.GroupMissing,
		VI: fmt.Sprintf("Không lập được khóa (%s).", strings.Join(key, ", ")),
		EN: fmt.Sprintf("The key cannot be made (%s).", strings.Join(key, ", ")),
	}
}

// count adds one finding and returns what it means for the indicators.
func (r *Run) count(at, rule, group string, says problem.Text, violation bool, hash string) mark {
	p := place{at, rule, violation}
	f := r.places[p]
	if f == nil && len(r.places) < mostFindings {
		f = &Finding{Field: at, Rule: rule, Group: group, Violation: violation, Says: says}
		r.places[p] = f
		r.order = append(r.order, f)
	}
	if f != nil {
		f.Count++
	}
	g := r.group(group)
	if violation {
		g.Violations++
	} else {
		g.Remarks++
	}
	g.name(hash)
	marks := markOf(group)
	if r.formed[at] {
		marks |= identifierMark
	}
	return marks
}

func (r *Run) group(name string) *Group {
	g := r.groups[name]
	if g == nil {
		g = &Group{Group: name}
		r.groups[name] = g
	}
	return g
}

// name keeps the first keys of bad rows.
func (g *Group) name(hash string) {
	if hash == "" || len(g.Keys) >= keysShown {
		return
	}
	for _, k := range g.Keys {
		if k == hash {
			return
		}
	}
	g.Keys = append(g.Keys, hash)
}

var index = regexp.MustCompile(`/[0-9]+(/|$)`)

// field turns a JSON pointer into the path a person writes; the places of a list count as one.
func field(pointer string) string {
	if strings.ContainsAny(pointer, "0123456789") {
		for index.MatchString(pointer) {
			pointer = index.ReplaceAllString(pointer, "[]$1")
		}
	}
	return strings.ReplaceAll(strings.TrimPrefix(pointer, "/"), "/", ".")
}

// identifiers are the properties that name something: the key, and whatever has a pattern.
func identifiers(d *schemas.Dataset) map[string]bool {
	out := map[string]bool{"": true} // a key that cannot be made
	for _, k := range d.KeyProperties() {
		out[k] = true
	}
	var visit func(n *schemas.Node, path string, depth int)
	visit = func(n *schemas.Node, path string, depth int) {
		if n == nil || depth > 8 {
			return
		}
		if n.Pattern != "" && path != "" {
			out[path] = true
		}
		for _, p := range n.Properties {
			below := p.Name
			if path != "" {
				below = path + "." + p.Name
			}
			visit(p.Node, below, depth+1)
		}
		visit(n.Items, path+"[]", depth+1)
	}
	visit(d.Root(), "", 0)
	return out
}
