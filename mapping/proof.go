package mapping

import (
	"strings"
	"unicode/utf8"

	"github.com/lienthong/truc/schemas"
)

// proof is what a plan knows beforehand of the check of a property: the compiled schema is bound to the nodes that write the
// document, so that a value is proven while it is at hand and the document need not be read again.
type proof struct {
	// value proves the property's value; nil where that is proven beforehand, by the parts of an object, or by the whole the
	// property stands in.
	value *schemas.Part
	// bit is the property's in the required of the object it stands in.
	bit uint64
	// required are the bits of an object that is proven by its parts; 0 in others.
	required uint64
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
		part, bit := object.Property(strings.TrimSuffix(string(properties[i].name[1:]), `":`))
		if part == nil || seen&bit != 0 {
			return 0, false
		}
		seen |= bit
		bound[i] = proof{value: part, bit: bit}
	}
	for i := range properties {
		p := &properties[i]
		p.proof = bound[i]
		if p.object != nil {
			if inner, byParts := prove(p.object, p.proof.value); byParts {
				p.proof.value, p.proof.required = nil, inner
			}
		}
		if p.node != nil && provenBeforehand(p.node, p.proof.value) {
			p.proof.value = nil
		}
	}
	return object.Required(), true
}

// provenBeforehand holds for nodes that give one of a few texts, each of which is valid.
func provenBeforehand(n node, part *schemas.Part) bool {
	valid := func(text []byte) bool { return utf8.Valid(text) && part.Text(text) }
	switch n := n.(type) {
	case codeNode:
		for _, to := range n.table {
			if !valid(to) {
				return false
			}
		}
		return true
	case literalNode:
		return n.value.is(kindText) && valid(n.value.b)
	}
	return false
}

// proves takes a value and its JSON.
func (p *proof) proves(v *cell, text []byte) bool {
	switch {
	case p.value == nil:
		return true
	case v.is(kindText):
		return (v.plain || utf8.Valid(v.b)) && p.value.Text(v.b)
	}
	return p.value.Value(text)
}
