package mapping

import (
	"slices"
	"strings"
	"time"

	"github.com/lienthong/truc/mapping/value"
	"github.com/lienthong/truc/problem"
	"github.com/lienthong/truc/record"
	"github.com/lienthong/truc/schemas"
)

// SinkPlan is a compiled sink mapping. It is immutable; each goroutine takes its own SinkTranslator.
type SinkPlan struct {
	file        *File
	document    *docProperty
	slots       int
	only        node
	key         []columnValue
	values      []columnValue
	onCreate    []columnValue
	deleteSet   []columnValue
	keyParts    []*docProperty // the dataset's key, in its order
	fingerprint string
	explained   []Explanation
}

// columnValue is what is written to one column of the target.
type columnValue struct {
	column string
	kind   record.Kind // of the target's column; AnyKind when it is not known
	// encoding is nil for UTF-8.
	encoding *value.Encoding
	zone     *time.Location // of a column whose times have none
	node     node
	// parts are the paths of the document it is made of; pointer is the one, "" when there are several or none.
	parts                        []string
	pointer                      string
	encodingFailure, typeFailure failure
}

// CompileSink types every expression against the schema and, when it is known, the target table (t nil: untyped). It returns
// the plan, or everything that is wrong; warnings come with a plan.
func CompileSink(f *File, d *schemas.Dataset, t *record.Table, env Env) (*SinkPlan, problem.List) {
	c, err := newCompiler(f, env)
	if err != nil {
		return nil, problem.List{{Code: "mapping.internal", Where: f.Name, What: problem.Verbatim(err.Error()), Fix: problem.Say("report this")}}
	}
	if f.Direction != Sink {
		c.report(f.at, "wrong-direction", problem.Say("this is a source mapping: it has fields"), problem.Say("name it under publish, or write columns with expressions"))
		return nil, c.problems
	}
	if !c.dataset(d) {
		return nil, c.problems
	}
	c.bindDocument(d)
	c.bindCodes()
	c.bindLets()
	p := &SinkPlan{file: f, document: c.document}
	p.only, _ = c.condition(f.Only, "only", "")
	p.values = c.columnValues("columns", f.Values, t)
	p.onCreate = c.columnValues("on_create", f.OnCreate, t)
	p.key = c.columnValues("key", f.SinkKey, t)
	p.keyParts = c.keyParts(d)
	c.fromKey(d, "key", f.SinkKey, p.key, problem.Say("name event.agency and properties of the dataset's key only"))
	p.deleteSet = c.columnValues("on_delete", f.DeleteSet, t)
	c.fromKey(d, "on_delete: set", f.DeleteSet, p.deleteSet, problem.Say("an event that deletes has no document: use event.…, constants and the dataset's key"))
	c.readLets()
	c.unusedCodes()
	c.targetRules(d)
	p.slots, p.explained = c.slots, inParts(c.explained)
	p.fingerprint = fingerprint(c.meant(), nil)
	if !c.sound() {
		return nil, c.problems
	}
	return p, c.problems
}

// bindDocument makes the dataset's properties and the event known to expressions.
func (c *compiler) bindDocument(d *schemas.Dataset) {
	c.document = newDocProperty("", "", d.Root(), false)
	for _, p := range d.Root().Properties {
		child := newDocProperty(p.Name, p.Name, p.Node, !p.Required)
		c.document.children[p.Name] = child
		c.names[p.Name] = &binding{document: child}
	}
	c.names["event"] = &binding{event: true}
}

// keyParts gives the dataset's key properties slots, so that a deletion can fill them from the event key.
func (c *compiler) keyParts(d *schemas.Dataset) []*docProperty {
	var out []*docProperty
	for _, path := range d.KeyProperties() {
		p := c.document
		for name := range strings.SplitSeq(path, ".") {
			child, fault, _ := p.child(name)
			if !fault.Empty() {
				return nil // the schema's own fault, told where schemas are loaded
			}
			p = child
		}
		if p.slot < 0 {
			p.slot = c.slot()
		}
		out = append(out, p)
	}
	return out
}

// takeParts returns the paths of the document that were named since the last call.
func (c *compiler) takeParts() []string {
	var out []string
	for path := range c.parts {
		out = append(out, path)
	}
	slices.Sort(out)
	c.parts = map[string]bool{}
	return out
}

// fromKey refuses what a deletion must write and cannot know.
func (c *compiler) fromKey(d *schemas.Dataset, what string, list []Assignment, values []columnValue, fix problem.Text) {
	for i, v := range values {
		for _, path := range v.parts {
			if !slices.Contains(d.KeyProperties(), path) {
				c.report(list[i].At, "key-not-computable", problem.Say("%s uses %s, which an event that deletes does not carry: only the dataset's key [%s] is known then", what, path, strings.Join(d.KeyProperties(), ", ")), fix)
			}
		}
	}
}

// targetRules checks how the parts of a sink mapping go together.
func (c *compiler) targetRules(d *schemas.Dataset) {
	f := c.file
	if len(f.SinkKey) == 0 && !f.broken {
		c.report(f.at, "missing-key", problem.Say("key is missing: truc must know which row an event is about"), problem.Say("add a line such as: key: { co_quan: event.agency, so: so }"))
	}
	if len(f.SinkKey) > 0 && !f.broken && c.problems.Err() == nil && !c.keyNames(d) && !c.keyNamesEvent() {
		c.report(f.SinkKey[0].At, "wrong-key", problem.Say("the key names nothing of the dataset's key [%s]: all entities of an agency would share one row", strings.Join(d.KeyProperties(), ", ")), problem.Say("add a column with one of %s to it", strings.Join(d.KeyProperties(), ", ")))
	}
	seen := map[string]string{}
	for _, group := range []struct {
		name string
		list []Assignment
	}{{"key", f.SinkKey}, {"columns", f.Values}, {"on_create", f.OnCreate}} {
		for _, a := range group.list {
			if first, twice := seen[a.Name]; twice && first != group.name { // in one group it was told when the file was read
				c.report(a.At, "column-twice", problem.Say("column %s stands under %s and under %s", a.Name, first, group.name), problem.Say("leave it in one place"))
			}
			seen[a.Name] = group.name
		}
	}
	for _, a := range f.DeleteSet {
		if seen[a.Name] == "key" {
			c.report(a.At, "column-twice", problem.Say("on_delete: set changes %s, which is part of the key", a.Name), problem.Say("a row keeps its key: remove it here"))
		}
	}
	if f.Write == record.UpdateOnly && len(f.OnCreate) > 0 {
		c.report(f.OnCreate[0].At, "never-used", problem.Say("on_create is never used: write: update inserts nothing"), problem.Say("remove on_create, or write: upsert"))
	}
	c.writeRules()
}

// writeRules checks write against what else the mapping says.
func (c *compiler) writeRules() {
	f := c.file
	switch f.Write {
	case record.Upsert:
	case record.UpdateOnly:
		if !f.deleteSaid {
			c.warn(f.at, "unsaid-delete", problem.Say("on_delete is not said: a deletion would remove the row, which write: update did not make"), problem.Say("write on_delete: ignore, on_delete: { set: … }, or on_delete: delete if the row is to go"))
		}
	case record.AppendOnly:
		if f.OnDelete == record.DeleteRow && f.deleteSaid {
			c.report(f.deleteAt, "never-used", problem.Say("write: append adds rows and never deletes any"), problem.Say("write on_delete: ignore, or on_delete: { set: … } to add a row for a deletion"))
		}
		if f.conflictAt.Line > 0 {
			c.report(f.conflictAt, "never-used", problem.Say("conflict is never used: write: append adds a row for every event, whoever sends it"), problem.Say("remove conflict"))
		}
		if f.Only != nil && f.OnDelete == record.DeleteSets {
			c.warn(f.deleteAt, "filtered-deletes", problem.Say("an event that fails only counts as a deletion, and write: append with on_delete: { set: … } adds a row for each: also for entities that never passed"), problem.Say("write on_delete: ignore, or remove only and filter where the inbox is read"))
		}
	}
}

// keyNamesEvent reports whether each event has a row of its own, named by the event.
func (c *compiler) keyNamesEvent() bool {
	return c.file.Write == record.AppendOnly && slices.ContainsFunc(c.explained, func(x Explanation) bool {
		return x.Part == "key" && slices.Contains(x.Reads, eventFields()[eventID])
	})
}

// keyNames reports whether the target's key has a part that tells entities apart.
func (c *compiler) keyNames(d *schemas.Dataset) bool {
	c.takeParts()
	told := len(c.problems)
	for i := range c.file.SinkKey {
		c.compile(&c.file.SinkKey[i].Value)
	}
	c.problems = c.problems[:told]
	return len(d.KeyProperties()) == 0 || len(c.takeParts()) > 0
}

// columnValues compiles what is written to columns, for one part of the mapping.
func (c *compiler) columnValues(part string, list []Assignment, t *record.Table) []columnValue {
	out := make([]columnValue, 0, len(list))
	var names []string
	if t != nil {
		for _, col := range t.Columns {
			names = append(names, col.Name)
		}
	}
	for i := range list {
		a := &list[i]
		v := columnValue{column: a.Name, kind: record.AnyKind}
		if e, ok := value.EncodingNamed(a.Text); ok && a.Text != "utf-8" {
			v.encoding = &e
		}
		v.encodingFailure = newFailure(schemas.RuleUnwritable, a.Text+", column "+a.Name)
		v.typeFailure = newFailure(ruleType, "column "+a.Name)
		c.takeParts()
		var ty typ
		v.node, ty = c.compile(&a.Value)
		if _, v.parts = c.explain(part, a.Name, &a.Value, v.node, ty, nil); len(v.parts) == 1 {
			v.pointer = "/" + strings.ReplaceAll(v.parts[0], ".", "/")
		}
		if a.Text != "" {
			c.mayFail(v.encodingFailure)
		}
		if part == "key" && ty.nullable {
			c.mayFail(newFailure("required", "column "+a.Name))
		}
		if a.Text != "" && ty.kind != kindText && ty.kind != kindAny && ty.kind != kindNull {
			c.report(a.At, "wrong-type", problem.Say("%s is %s: it has no text encoding", a.Value.text(), article(ty.kind)), problem.Say("remove text, or write text(…)"))
		}
		if t != nil {
			j := t.Index(a.Name)
			if j < 0 {
				c.report(a.At, "unknown-column", problem.Say("table %s has no column %q", t, a.Name), suggestion(a.Name, names))
			} else {
				v.kind = t.Columns[j].Kind
				if v.kind == record.DateTime {
					v.zone = c.localZone()
				}
				c.columnTakes(a, ty, t.Columns[j])
				if col := t.Columns[j]; !col.Nullable && ty.nullable && !c.toldAt(a.At) {
					c.warn(a.At, "nullable", problem.Say("column %s must not be null, but %s can be absent: such events become dead letters", a.Name, a.Value.text()), problem.Say("write or(%s, %s), or allow null in the table", a.Value.text(), sample(ty.kind)))
				}
			}
		}
		out = append(out, v)
	}
	return out
}

// localZone is Vietnam's: times without zone are written as its clocks show them.
func (c *compiler) localZone() *time.Location {
	zone, err := time.LoadLocation(vietnam)
	if err != nil {
		return time.FixedZone(vietnam, 7*60*60)
	}
	return zone
}

// columnTakes reports a value whose kind the target's column cannot hold.
func (c *compiler) columnTakes(a *Assignment, t typ, col record.Column) {
	if t.kind == kindAny || t.kind == kindNull || col.Kind == record.AnyKind {
		return
	}
	ok := false
	fix := problem.Say("write an expression of the column's kind")
	switch col.Kind {
	case record.Text:
		ok = t.kind != kindBytes
	case record.Int:
		ok = t.kind == kindInt
		if t.kind == kindText || t.kind == kindFloat {
			fix = problem.Say("write int(%s)", a.Value.text())
		}
	case record.Decimal, record.Float:
		ok = t.kind.number()
		if t.kind == kindText {
			fix = problem.Say("write decimal(%s)", a.Value.text())
		}
	case record.Bool:
		ok = t.kind == kindBool
	case record.Date:
		ok = t.kind == kindDate
		if t.kind == kindText {
			fix = problem.Say(`write date(%s, "yyyy-MM-dd")`, a.Value.text())
		}
		if t.kind == kindObject && t.schema != nil && t.schema.Property("giaTri") != nil {
			fix = problem.Say("a date of which less may be known does not fit a date column: write it to a text column, as %s.giaTri", a.Value.text())
		}
	case record.Time:
		ok = t.kind == kindTime || t.kind == kindText
	case record.DateTime, record.Timestamp:
		ok = t.kind == kindTimestamp
	case record.JSON:
		ok = t.kind == kindObject || t.kind == kindList || t.kind == kindJSON
	case record.Bytes:
		ok = t.kind == kindText
	case record.Null, record.Unchanged, record.AnyKind: // no column's kind, or left above
	}
	if !ok {
		c.report(a.At, "wrong-type", problem.Say("column %s is %s (%s), but %s is %s", a.Name, article(kindOf(col.Kind)), col.Type, a.Value.text(), article(t.kind)), fix)
	}
}

// Target says how the changes of a delivery touch the table. pipeline is its name.
func (p *SinkPlan) Target(pipeline string) *record.Target {
	onDelete := p.file.OnDelete
	if p.file.Write == record.AppendOnly && onDelete == record.DeleteRow {
		onDelete = record.DeleteIgnored
	}
	return &record.Target{
		Pipeline: pipeline, Table: p.file.Table, Write: p.file.Write,
		Key: columnNames(p.key), Columns: columnNames(p.values), OnCreate: columnNames(p.onCreate),
		OnDelete: onDelete, DeleteSet: columnNames(p.deleteSet), Conflict: p.file.Conflict,
	}
}

func columnNames(list []columnValue) []string {
	out := make([]string, len(list))
	for i, v := range list {
		out[i] = v.column
	}
	return out
}

// Fingerprint is a stable hash of the mapping's meaning, 16 hexadecimal digits.
func (p *SinkPlan) Fingerprint() string { return p.fingerprint }

// NewTranslator returns a translator for one goroutine.
func (p *SinkPlan) NewTranslator() *SinkTranslator {
	return &SinkTranslator{plan: p, frame: newFrame(nil, p.slots)}
}
