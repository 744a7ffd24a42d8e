package schemas

import "slices"

// Part is the fast check of one place in a dataset's documents, for whoever writes a document value by value: what is proven
// of a value that is about to be written need not be read again in the bytes. Like Accepts it says "certainly valid" or
// nothing. A document is certainly valid when each value of it was proven by the part of its place, and each object that was
// written property by property (Open) has no property twice and all of Required.
type Part struct {
	check *checker
	depth int
}

// Part is the place of a whole document, nil when nothing of this dataset is ever proven (Fast).
func (d *Dataset) Part() *Part {
	if d.slow != "" {
		return nil
	}
	return &Part{check: d.fast}
}

// Open reports whether an object in this place may be proven property by property; otherwise it takes Value.
func (p *Part) Open() bool {
	c := p.check
	return c.allows(kindObject) && !c.limited && c.allOf == nil && c.anyOf == nil && p.depth < maxDepth
}

// Property is the place of a declared property of an object, and its bit in Required; nil where the schema declares none of
// that name.
func (p *Part) Property(name string) (inner *Part, bit uint64) {
	i := slices.IndexFunc(p.check.properties, func(f fastProperty) bool { return f.quoted == name+`":` })
	if i < 0 {
		return nil, 0
	}
	return &Part{check: p.check.properties[i].check, depth: p.depth + 1}, 1 << i
}

// Required holds the bits of the properties that an object in this place must have.
func (p *Part) Required() uint64 { return p.check.required }

// Text proves a string by its content, which is valid UTF-8 and not escaped.
func (p *Part) Text(content []byte) bool { return p.check.provesText(content) }

func (c *checker) provesText(content []byte) bool {
	if !c.allows(kindString) || !c.textFits(content, 0) {
		return false
	}
	for _, branch := range c.allOf {
		if !branch.provesText(content) {
			return false
		}
	}
	return c.anyOf == nil || slices.ContainsFunc(c.anyOf, func(branch *checker) bool { return branch.provesText(content) })
}

// Value proves a value of any kind by its JSON text, as Accepts proves a document.
func (p *Part) Value(text []byte) bool {
	s := scan{doc: text}
	return s.value(p.check, 0, p.depth) == len(text)
}
