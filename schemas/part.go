package schemas

import "slices"

// Part is the fast check of one place in a dataset's documents, for whoever writes a document value by value: what is proven
// of a value that is about to be written need not be read again in the bytes. Like Accepts it says "certainly valid" or
// nothing. A document is certainly valid when each value of it was proven by the part of its place, and each object that was
// written property by property (Open) has no property twice and all of Required, and each list that was written element by
// element (OpenList) has a length that fits (Length).
type Part struct {
	check *checker
	depth int
}

// Part is the place of a whole document, nil when nothing of this dataset is ever proven (Fast).
func (d *Dataset) Part() *Part {
	c, slow := d.fast()
	if slow != "" {
		return nil
	}
	return &Part{check: c}
}

// Open reports whether an object in this place may be proven property by property; otherwise it takes Value.
func (p *Part) Open() bool {
	c := p.check
	return c.allows(kindObject) && !c.limited && c.allOf == nil && c.anyOf == nil && p.depth < maxDepth
}

// Property is the place of a declared property of an object, and its bit in Required; nil where the schema declares none of
// that name.
func (p *Part) Property(name string) (inner *Part, bit uint64) {
	i := p.check.declared(name)
	if i < 0 {
		return nil, 0
	}
	return &Part{check: p.check.properties[i].check, depth: p.depth + 1}, 1 << i
}

// Required holds the bits of the properties that an object in this place must have.
func (p *Part) Required() uint64 { return p.check.required }

// OpenList reports whether a list in this place may be proven element by element, each by Items; otherwise it takes Value.
func (p *Part) OpenList() bool {
	c := p.check
	return c.allows(kindArray) && !c.limited && c.allOf == nil && c.anyOf == nil && p.depth < maxDepth
}

// Items is the place of every element of a list.
func (p *Part) Items() *Part {
	items := p.check.items
	if items == nil {
		items = anyValue
	}
	return &Part{check: items, depth: p.depth + 1}
}

// Length proves the number of elements of a list.
func (p *Part) Length(n int) bool {
	return n >= p.check.minItems && (p.check.maxItems < 0 || n <= p.check.maxItems)
}

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

// Member is a property of an object, whose value is a string.
type Member struct {
	Name string
	// Content is valid UTF-8 and not escaped.
	Content []byte
}

// Given is the place of the content of one more property of an object, all of whose other properties are known: what it proves
// there proves the object. nil stands for an object that no text would prove.
func (p *Part) Given(name string, others ...Member) *Part {
	if p.depth >= maxDepth {
		return nil
	}
	if c := p.check.given(name, others); c != nil {
		return &Part{check: c, depth: p.depth + 1}
	}
	return nil
}

func (c *checker) given(name string, others []Member) *checker {
	if !c.allows(kindObject) || c.limited {
		return nil
	}
	var seen uint64
	for _, m := range others {
		switch i := c.declared(m.Name); {
		case i >= 0 && c.properties[i].check.provesText(m.Content):
			seen |= 1 << i
		case i >= 0 || c.closed:
			return nil
		}
	}
	demands := &checker{maxLength: -1}
	switch i := c.declared(name); {
	case i >= 0:
		seen |= 1 << i
		demands.allOf = append(demands.allOf, c.properties[i].check)
	case c.closed:
		return nil
	}
	if seen&c.required != c.required {
		return nil
	}
	for _, branch := range c.allOf {
		inner := branch.given(name, others)
		if inner == nil {
			return nil
		}
		demands.allOf = append(demands.allOf, inner)
	}
	for _, branch := range c.anyOf {
		if inner := branch.given(name, others); inner != nil {
			demands.anyOf = append(demands.anyOf, inner)
		}
	}
	switch {
	case c.anyOf != nil && demands.anyOf == nil:
		return nil
	case demands.anyOf == nil && len(demands.allOf) == 1:
		return demands.allOf[0]
	}
	return demands
}

// declared is the place of a property among those of an object, -1 for one that it does not declare.
func (c *checker) declared(name string) int {
	return slices.IndexFunc(c.properties, func(f fastProperty) bool { return f.quoted == name+`":` })
}

// Value proves a value of any kind by its JSON text, as Accepts proves a document.
func (p *Part) Value(text []byte) bool {
	s := scan{doc: text}
	return s.value(p.check, 0, p.depth) == len(text)
}
