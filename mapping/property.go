package mapping

import (
	"slices"

	"github.com/lienthong/truc/problem"
	"github.com/lienthong/truc/schemas"
)

// property is one property of the document, or the elements of a list: a value, an object or a list.
type property struct {
	// name is the quoted name with its colon, `"hoTen":`; empty for elements.
	name []byte
	// pointer holds anIndex where the index of an element belongs.
	pointer string
	// when are the conditions under which it is there.
	when   []node
	node   node
	object []property
	list   *listPlan
	schema *schemas.Node
	// number and condition are what becomes of a number that JSON cannot say and of a condition that is not true or false.
	number, condition failure
	proof             proof
}

// listPlan is a list made of another list, or written out.
type listPlan struct {
	over node
	// slot is where the expressions of item find the element.
	slot  int
	item  property
	items []property
	fail  failure
}

// anIndex stands in a pointer for the index of an element: no name in YAML holds it.
const anIndex = "\x00"

// object compiles the fields of an object and checks them against its schema.
func (c *compiler) object(f *Field, pointer string, schema *schemas.Node) []property {
	var out []property
	var names []string
	for _, p := range schema.Properties {
		names = append(names, p.Name)
	}
	for i := range f.Fields {
		field := &f.Fields[i]
		found := schema.Property(field.Name)
		if found == nil && (schema.Closed || len(names) > 0) {
			c.report(field.At, "unknown-property", problem.Say("dataset %s has no property %q here", c.file.Dataset, field.Name), suggestion(field.Name, names))
		}
		var known *schemas.Node
		if found != nil {
			known = found.Node
		}
		if p, ok := c.property(field, pointer+"/"+pointerToken(field.Name), known, found != nil && found.Required); ok {
			p.name = append(appendJSONString(nil, []byte(field.Name)), ':')
			out = append(out, p)
		}
	}
	for _, s := range schema.Properties {
		if s.Required && !slices.ContainsFunc(f.Fields, func(x Field) bool { return x.Name == s.Name }) {
			c.report(f.At, "missing-property", problem.Say("the dataset requires %s here, and nothing fills it", s.Name), problem.Say("add a line: %s: expression   (%s)", s.Name, schemaWords(s.Node)))
		}
	}
	return out
}

// reading notes which columns the documents are made of.
func (c *compiler) reading(columns []int) {
	for _, i := range columns {
		c.allReads[i] = true
	}
}

// property compiles one property or element. known is its schema, nil when there is none.
func (c *compiler) property(f *Field, pointer string, known *schemas.Node, required bool) (property, bool) {
	p := property{pointer: pointer, schema: known, number: newFailure(schemas.RuleNumber, ""), condition: newFailure(ruleType, "when")}
	if known == nil {
		p.schema = &schemas.Node{MaxLength: -1, MaxItems: -1}
	}
	if f.broken {
		return p, false
	}
	for _, e := range f.When {
		when, reads := c.condition(e, "when", propertyName(pointer))
		p.when = append(p.when, when)
		c.reading(reads)
	}
	switch {
	case f.Each != nil || f.List:
		if known != nil && !allows(known, "array") {
			c.report(f.At, "wrong-type", problem.Say("%s is %s in the dataset, the mapping gives it a list", f.Name, schemaWords(known)), problem.Say("give it one expression; an expression that begins with [ must be quoted"))
			return p, false
		}
		p.list = c.list(f, pointer, p.schema)
	case f.Value == nil:
		if known != nil && !allows(known, "object") {
			c.report(f.At, "wrong-type", problem.Say("%s is %s in the dataset, the mapping gives it fields", f.Name, schemaWords(known)), problem.Say("give it one expression; an expression that begins with { must be quoted"))
			return p, false
		}
		p.object = c.object(f, pointer, p.schema)
	default:
		var t typ
		p.node, t = c.compile(f.Value)
		reads, _ := c.explain("fields", propertyName(pointer), f.Value, p.node, t, known)
		c.reading(reads)
		if required && (t.nullable || c.untyped && f.Value.CEL != "") {
			c.mayFail(newFailure("required", ""))
		}
		if known != nil {
			c.fits(f.Value, f.Name, t, known)
			c.outcomesFit(f.Value, f.Name, p.node, known)
		}
	}
	return p, true
}

// list compiles a list. schema is the array's.
func (c *compiler) list(f *Field, pointer string, schema *schemas.Node) *listPlan {
	l := &listPlan{slot: -1, fail: newFailure(ruleType, "")}
	if f.List {
		always := 0
		for i := range f.Items {
			item := &f.Items[i]
			if p, ok := c.property(item, pointer+"/"+anIndex, schema.Items, false); ok {
				l.items = append(l.items, p)
			}
			if len(item.When) == 0 && item.Value != nil && item.Value.CEL == "" {
				always++
			}
		}
		if most := schema.MaxItems; most >= 0 && always > most {
			c.report(f.At, "list-length", problem.Say("%s may have %d elements, %d that are always there stand here", f.Name, most, always), problem.Say("remove some, or give them a condition: when"))
		}
		if least := schema.MinItems; len(f.Items) < least {
			c.report(f.At, "list-length", problem.Say("%s needs %d elements at least, %d stand here", f.Name, least, len(f.Items)), problem.Say("add the others"))
		}
		return l
	}
	e := f.Each
	var over typ
	l.over, over = c.compile(e.Over)
	reads, _ := c.explain("each", propertyName(pointer), e.Over, l.over, over, nil)
	c.reading(reads)
	behind := c.explained[len(c.explained)-1]
	l.fail = newFailure(l.fail.rule(), e.Over.text())
	switch over.kind {
	case kindList, kindJSON, kindAny, kindNull:
	case kindText:
		c.report(e.Over.At, "wrong-type", problem.Say("each goes through a list, but %s is text", e.Over.text()), problem.Say(`write split(%s, ";") with the separator the column has`, e.Over.text()))
	default:
		c.report(e.Over.At, "wrong-type", problem.Say("each goes through a list, but %s is %s", e.Over.text(), article(over.kind)), problem.Say("write split(column, separator), or a column that holds a JSON array"))
	}
	element := typ{nullable: true, parts: true}
	if over.item != nil {
		element = *over.item
	}
	l.slot = c.slot()
	c.bindElement(e, &binding{node: &slotNode{l.slot}, typ: element, reads: reads, uses: usesOf(behind)})
	if item, ok := c.property(&e.Item, pointer+"/"+anIndex, schema.Items, false); ok {
		l.item = item
	}
	return l
}

// bindElement makes the element of an each known to the expressions in it.
func (c *compiler) bindElement(e *Each, b *binding) {
	in := e.in
	c.elements[in] = b
	taken := c.names[e.As] != nil || c.names[in.prefix+e.As] != nil || in.parent.element(e.As) != nil
	if taken {
		c.report(e.AsAt, "bad-name", problem.Say("as gives the element the name %s, which something else has already", e.As), problem.Say("choose another name"))
		return
	}
	named := false
	e.Item.expressions(func(x *Expression) { named = named || c.mentions(x, e.As) })
	if !named && !e.Item.broken {
		c.report(e.AsAt, "never-used", problem.Say("nothing is made of the element %s: all elements would be alike", e.As), problem.Say("name %s in the expression", e.As))
	}
}

// mentions reports whether an expression names the element of an each; one that cannot be read may.
func (c *compiler) mentions(e *Expression, name string) bool {
	if e.scope.element(name) == nil {
		return false // it stands in a shape
	}
	names, ok := c.namesIn(e)
	return !ok || slices.Contains(names, name)
}

// partNode is a part of a JSON object.
type partNode struct {
	of   node
	name string
	fail failure
}

func (n *partNode) eval(f *frame) cell {
	v := n.of.eval(f)
	switch {
	case v.isNull() || v.isFailed():
		return v
	case !v.is(kindObject) && !v.is(kindJSON):
		return failed(n.fail)
	}
	raw, ok := member(v.bytes(), n.name)
	if !ok {
		return null
	}
	return jsonCell(f, raw)
}

// jsonCell makes a value of a JSON text.
func jsonCell(f *frame, raw []byte) cell {
	k := kindDecimal
	switch raw[0] {
	case '{':
		k = kindObject
	case '[':
		k = kindList
	case '"':
		k = kindText
	case 't', 'f':
		k = kindBool
	case 'n':
		return null
	}
	var anything docProperty
	return anything.cell(f, k, raw)
}
