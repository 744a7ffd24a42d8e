package mapping

import (
	"slices"
	"strings"

	"github.com/lienthong/truc/problem"
	"github.com/lienthong/truc/record"
	"github.com/lienthong/truc/schemas"
)

// SourcePlan is a compiled source mapping. It is immutable; each goroutine takes its own Translator.
type SourcePlan struct {
	file      *File
	dataset   *schemas.Dataset
	table     *record.Table
	tableText string
	columns   []*column
	slots     int
	root      []property
	// required and provable say how a whole document is proven by its parts.
	required    uint64
	provable    bool
	key         []string
	keyNodes    []node
	keyReads    []int
	only        node
	deleted     node
	keepReads   []int
	keepCanFail bool
	reads       []int
	fingerprint string
	explained   []Explanation
}

// CompileSource types every expression against the table and the schema and returns the plan, or everything that is wrong;
// warnings come with a plan. t is nil when the table is not known: its columns are then taken from the expressions, of any kind.
func CompileSource(f *File, t *record.Table, d *schemas.Dataset, env Env) (*SourcePlan, problem.List) {
	c, err := newCompiler(f, env)
	if err != nil {
		return nil, problem.List{{Code: "mapping.internal", Where: f.Name, What: problem.Verbatim(err.Error()), Fix: problem.Say("report this")}}
	}
	if f.Direction != Source {
		c.report(f.at, "wrong-direction", problem.Say("this is a sink mapping: it has no fields"), problem.Say("name it under subscribe, or write fields"))
		return nil, c.problems
	}
	if !c.dataset(d) {
		return nil, c.problems
	}
	if t == nil {
		t, c.untyped = c.inferTable(), true
	}
	c.bindColumns(t)
	c.bindCodes()
	c.bindLets()
	p := &SourcePlan{file: f, dataset: d, table: t, tableText: t.String(), columns: c.columns, key: keyProperties(f, d)}
	if f.Fields != nil {
		p.root = c.object(f.Fields, "", d.Root())
	}
	p.required, p.provable = prove(p.root, d.Part())
	reads := c.allReads
	var onlyReads, deletedReads []int
	p.only, onlyReads = c.condition(f.Only, "only", "")
	p.deleted, deletedReads = c.condition(f.Deleted, "deleted", "")
	p.keepReads = slices.Compact(slices.Sorted(slices.Values(slices.Concat(onlyReads, deletedReads))))
	c.sourceKey(p, d)
	c.readLets()
	c.unusedCodes()
	for _, i := range slices.Concat(p.keepReads, p.keyReads) {
		reads[i] = true
	}
	for i := range reads {
		p.reads = append(p.reads, i)
	}
	slices.Sort(p.reads)
	p.keepCanFail = !neverFails(p.only) || !neverFails(p.deleted)
	p.slots, p.explained = c.slots, c.explained
	p.fingerprint = fingerprint(c.meant(), p.key)
	c.problems = withoutRepetition(c.problems)
	if !c.sound() {
		return nil, c.problems
	}
	return p, c.problems
}

// neverFails recognises the commonest conditions, comparisons of numbers and truth values for equality, which no row can
// make fail: they need not be computed again for the document.
func neverFails(n node) bool {
	switch n := n.(type) {
	case nil, *literalNode:
		return true
	case *columnNode:
		k := n.column.typ.kind
		return k == kindBool || k == kindInt || k == kindFloat
	case *equalNode:
		return neverFails(n.a) && neverFails(n.b)
	case *memberNode:
		return neverFails(n.value) && !slices.ContainsFunc(n.of, func(m node) bool { return !neverFails(m) })
	}
	return false
}

// inferTable stands in for a table nobody has described: whatever the expressions name is a column.
func (c *compiler) inferTable() *record.Table {
	names := map[string]bool{}
	c.file.Fields.expressions(func(e *Expression) { c.identifiers(e, names) })
	c.identifiers(c.file.Only, names)
	c.identifiers(c.file.Deleted, names)
	for i := range c.file.Let {
		c.identifiers(&c.file.Let[i].Value, names)
	}
	for _, r := range c.file.Columns {
		switch {
		case r.Name == "*":
		case r.From != "":
			delete(names, r.Name)
			names[r.From] = true
		default:
			names[r.Name] = true
		}
	}
	for _, a := range c.file.Let {
		delete(names, a.Name)
	}
	delete(names, "event")
	t := &record.Table{Name: c.file.Table, Version: 1}
	for n := range names {
		t.Columns = append(t.Columns, record.Column{Name: n, Kind: record.AnyKind})
	}
	slices.SortFunc(t.Columns, func(a, b record.Column) int { return strings.Compare(a.Name, b.Name) })
	return t
}

// condition compiles only and deleted; null counts as false.
// of is the property it decides about, "" for the whole. reads are its columns.
func (c *compiler) condition(e *Expression, name, of string) (n node, reads []int) {
	if e == nil {
		return nil, nil
	}
	n, t := c.compile(e)
	reads, _ = c.explain(name, of, e, n, t, nil)
	if t.kind != kindBool && t.kind != kindAny {
		fix := problem.Say("write a comparison, such as trang_thai == 2")
		if identifier(e.text()) {
			fix = problem.Say("compare it: %s == %s", e.text(), sample(t.kind))
		}
		c.report(e.At, "wrong-type", problem.Say("%s must be true or false, but %s is %s", name, e.text(), article(t.kind)), fix)
	}
	if constant, ok := n.(*literalNode); ok && t.kind == kindBool {
		c.constantCondition(e, name, constant.value.num != 0)
	}
	return n, reads
}

// constantCondition warns of a condition that is the same for every row.
func (c *compiler) constantCondition(e *Expression, name string, holds bool) {
	what := problem.Say("%s is always %t, as without it", name, holds)
	switch {
	case name == "only" && !holds:
		what = problem.Say("%s is always %t: nothing passes", name, holds)
	case name == "deleted" && holds:
		what = problem.Say("%s is always %t: every row is a deletion", name, holds)
	case name == "when" && !holds:
		what = problem.Say("%s is always %t: it is always absent", name, holds)
	}
	c.warn(e.At, "constant-condition", what, problem.Say("write a comparison, such as trang_thai == 2, or remove the line"))
}

// text is the expression as a message shows it.
func (e *Expression) text() string {
	if e.CEL != "" {
		return shortened(strings.TrimSpace(e.CEL))
	}
	return shortened(string(e.Const))
}

func pointerToken(name string) string {
	return strings.NewReplacer("~", "~0", "/", "~1").Replace(name)
}

// keyProperties are the mapping's key, or the schema's.
func keyProperties(f *File, d *schemas.Dataset) []string {
	if len(f.Key) == 0 {
		return d.KeyProperties()
	}
	var out []string
	for _, k := range f.Key {
		out = append(out, k.Name)
	}
	return out
}

// sourceKey compiles the entity key: the expressions of the key's properties, again, so that a delete needs nothing else.
func (c *compiler) sourceKey(p *SourcePlan, d *schemas.Dataset) {
	at := c.file.at
	if len(c.file.Key) > 0 {
		at = c.file.Key[0].At
	}
	if want := d.KeyProperties(); !slices.Equal(want, p.key) {
		c.report(at, "wrong-key", problem.Say("the key of dataset %s is [%s]: subscribers find the entity of a deletion by it", d.ID(), strings.Join(want, ", ")), problem.Say("remove key, or write key: [%s]", strings.Join(want, ", ")))
		return
	}
	for _, path := range p.key {
		// What is wrong with the expression was told when it was compiled for the document.
		told := len(c.problems)
		n, faultAt, fault := c.keyNode(path)
		c.problems = c.problems[:told]
		if !fault.Empty() && !c.toldAt(faultAt) {
			c.report(faultAt, "wrong-key", fault, problem.Say("give it an expression of its own under fields"))
		}
		p.keyNodes = append(p.keyNodes, n)
	}
	p.keyReads = c.takeUsed()
	c.identity(p, at)
}

// toldAt reports whether something that prevents a plan was reported of what stands at a place: there, or inside its expression.
func (c *compiler) toldAt(at Place) bool {
	return slices.ContainsFunc(c.problems, func(p problem.Problem) bool {
		return !p.Warning && (p.Where == at.String() || at.Path != "" && strings.HasPrefix(p.Where, at.File+":") && strings.HasSuffix(p.Where, " "+at.Path))
	})
}

// keyNode compiles the expression of one key property. at is where its fault, or its expression, stands.
func (c *compiler) keyNode(path string) (n node, at Place, fault problem.Text) {
	f := c.file.Fields
	if f == nil {
		return &literalNode{null}, c.file.at, problem.Text{} // told when the file was read
	}
	rest := strings.Split(path, ".")
	for i, name := range rest {
		j := slices.IndexFunc(f.Fields, func(x Field) bool { return x.Name == name })
		if j < 0 {
			return &literalNode{null}, f.At, problem.Text{} // told as a missing property
		}
		f = &f.Fields[j]
		switch {
		case f.broken:
			return &literalNode{null}, f.At, problem.Text{}
		case len(f.When) > 0:
			return &literalNode{null}, f.At, problem.Say("key property %s stands under a condition (when): without it the entity would have no name", path)
		case f.List || f.Each != nil:
			return &literalNode{null}, f.At, problem.Say("key property %s is a list", path)
		case f.Value == nil:
			continue
		case i == len(rest)-1 && len(f.Value.Const) == 0:
			n, _ = c.compile(f.Value)
			return n, f.At, problem.Text{}
		case len(f.Value.Const) == 0:
			return &literalNode{null}, f.At, problem.Say("key property %s is part of %s, which one expression gives as a whole", path, strings.Join(rest[:i+1], "."))
		}
		raw := f.Value.Const
		for _, inner := range rest[i+1:] {
			var ok bool
			if raw, ok = member(raw, inner); !ok {
				return &literalNode{null}, f.At, problem.Say("key property %s is not in the constant", path)
			}
		}
		n, _ = constantNode(raw)
		return n, f.At, problem.Text{}
	}
	return &literalNode{null}, f.At, problem.Text{} // told: a key property is text or a whole number
}

// identity refuses a key that the old row of a delete cannot give.
func (c *compiler) identity(p *SourcePlan, at Place) {
	var missing []string
	for _, i := range p.keyReads {
		if !p.table.Carried(i) {
			missing = append(missing, p.table.Columns[i].Name)
		}
	}
	if len(missing) == 0 {
		return
	}
	fix := problem.Verbatim(c.env.IdentityFix)
	if fix.Empty() {
		fix = problem.Say("make the table log whole old rows, or build the key from the columns of its primary key")
	}
	c.report(at, "key-identity", problem.Say("the key [%s] is made of %s, which a delete in table %s does not carry", strings.Join(p.key, ", "), strings.Join(missing, ", "), p.tableText), fix)
}

// Columns are the indexes of the table columns the plan reads, ascending.
func (p *SourcePlan) Columns() []int { return slices.Clone(p.reads) }

// KeyColumns are the indexes of the table columns the entity key is made of, ascending.
func (p *SourcePlan) KeyColumns() []int { return slices.Clone(p.keyReads) }

// Fingerprint is a stable hash of the mapping's meaning, 16 hexadecimal digits.
func (p *SourcePlan) Fingerprint() string { return p.fingerprint }

// Key are the document properties that name the entity, as dotted paths.
func (p *SourcePlan) Key() []string { return slices.Clone(p.key) }

// Table is the table the plan was typed against.
func (p *SourcePlan) Table() *record.Table { return p.table }

// NewTranslator returns a translator for one goroutine.
func (p *SourcePlan) NewTranslator() *Translator {
	return &Translator{plan: p, frame: newFrame(p.columns, p.slots)}
}
