package mapping

import (
	"strings"
	"unicode/utf8"

	"github.com/lienthong/truc/mapping/value"
	"github.com/lienthong/truc/schemas"
)

// proof is what a plan knows beforehand of the check of a property: the compiled schema is bound to the nodes that write the
// document, so that a value is proven while it is at hand and the document need not be read again.
type proof struct {
	// value proves the property's value; nil where that is proven beforehand, by the parts of an object or a list, or by the
	// whole the property stands in.
	value *schemas.Part
	// dates prove the day, month or year of a partial date, by its precision; nil where none would be valid.
	dates [value.Day + 1]*schemas.Part
	// bit is the property's in the required of the object it stands in.
	bit uint64
	// required are the bits of an object that is proven by its parts; 0 in others.
	required uint64
	// length proves the length of a list that is proven by its elements; nil for others.
	length *schemas.Part
}

// prove binds the properties of an object to their checks, and returns the bits that it must have. byParts is whether it is
// proven so; if not, nothing in it is bound. A name that JSON escapes is none that a compiled check knows.
func prove(properties []property, object *schemas.Part) (required uint64, byParts bool) {
	if object == nil || !object.Open() {
		return 0, false
	}
	bound := make([]proof, len(properties))
	var seen uint64
	for i := range properties {
		part, bit := object.Property(nameOf(&properties[i]))
		if part == nil || seen&bit != 0 {
			return 0, false
		}
		seen |= bit
		bound[i] = proof{value: part, bit: bit}
	}
	for i := range properties {
		properties[i].proof = bound[i]
		properties[i].bind()
	}
	return object.Required(), true
}

func nameOf(p *property) string { return strings.TrimSuffix(string(p.name[1:]), `":`) }

// bind goes into the value of a property whose check is known.
func (p *property) bind() {
	part := p.proof.value
	switch {
	case p.object != nil:
		if required, byParts := prove(p.object, part); byParts {
			p.proof.value, p.proof.required = nil, required
		}
	case p.list != nil && part.OpenList():
		p.proof.value, p.proof.length = nil, part
		p.list.item.bindElement(part)
		for i := range p.list.items {
			p.list.items[i].bindElement(part)
		}
	case p.node != nil && provenBeforehand(p.node, part):
		p.proof.value = nil
	case p.node != nil:
		for precision, word := range precisionWords {
			p.proof.dates[precision] = part.Given("giaTri", schemas.Member{Name: "doChinhXac", Content: word})
		}
	}
}

func (p *property) bindElement(list *schemas.Part) {
	p.proof.value = list.Items()
	p.bind()
}

// provenBeforehand holds for nodes that give one of a few texts, each of which is valid.
func provenBeforehand(n node, part *schemas.Part) bool {
	valid := func(text []byte) bool { return utf8.Valid(text) && part.Text(text) }
	switch n := n.(type) {
	case *codeNode:
		for _, to := range n.table {
			if !valid(to) {
				return false
			}
		}
		return true
	case *literalNode:
		return n.value.is(kindText) && valid(n.value.bytes())
	}
	return false
}

// proves takes a value and its JSON.
func (p *proof) proves(v *cell, text []byte) bool {
	switch {
	case p.value == nil:
		return true
	case v.is(kindText):
		return (v.plain || utf8.Valid(v.bytes())) && p.value.Text(v.bytes())
	case v.is(kindPartial):
		date := p.dates[partialPrecision(v.bytes())]
		return date != nil && value.Plain(v.bytes()) && date.Text(v.bytes())
	}
	return p.value.Value(text)
}
