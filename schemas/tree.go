package schemas

import (
	"fmt"
	"slices"
	"strings"

	"github.com/lienthong/truc/problem"
)

// newTree returns the typed tree of a schema.
func newTree(root *schema) *Node {
	n := (&tree{open: map[*schema]*Node{}}).node("", root)
	inheritClass(n, map[*Node]bool{})
	return n
}

// inheritClass gives properties without a data class of their own that of the object above them.
func inheritClass(n *Node, seen map[*Node]bool) {
	if seen[n] {
		return
	}
	seen[n] = true
	inner := make([]*Node, 0, len(n.Properties)+1)
	for _, p := range n.Properties {
		inner = append(inner, p.Node)
	}
	if n.Items != nil {
		inner = append(inner, n.Items)
	}
	for _, m := range inner {
		if m.Class == "" {
			m.Class, m.LegalGround = n.Class, n.LegalGround
		}
		if m.Dictionary.Domain == "" {
			m.Dictionary.Domain = n.Dictionary.Domain
		}
		inheritClass(m, seen)
	}
}

// tree builds the nodes of a schema.
type tree struct{ open map[*schema]*Node }

func (t *tree) node(name string, s *schema) *Node {
	if n, ok := t.open[s]; ok {
		return n // recursion: the node that is being built, under the name of its first use
	}
	n := &Node{Name: name, MaxLength: -1, MaxItems: -1, Title: map[string]string{}, Description: map[string]string{}}
	t.open[s] = n
	defer delete(t.open, s)
	t.merge(n, s)
	for target := s.target; target != nil; target = target.target { // the last of a chain is the type
		if _, name := cutLast(target.pointer, "/"); name != "" {
			n.Definition = name
		}
	}
	return n
}

// merge adds to a node what a schema says about the same value: its own keywords over those of its $ref and allOf.
func (t *tree) merge(n *Node, s *schema) {
	if s.target != nil {
		t.merge(n, s.target)
	}
	for _, branch := range s.allOf {
		t.merge(n, branch)
	}
	set(&n.Types, s.types)
	set(&n.Enum, stringsOnly(s.enum))
	setText(&n.Format, s.format)
	setText(&n.Pattern, s.pattern)
	if s.codeList != "" {
		n.CodeList, n.CodeListVersion = s.codeList, s.codeListVersion
	}
	setText(&n.Class, s.class)
	setText(&n.LegalGround, s.legalGround)
	setText(&n.Source, s.origin)
	if s.dictionary.Domain != "" {
		n.Dictionary = s.dictionary
	}
	setText(&n.Minimum, s.minimum.String())
	setText(&n.Maximum, s.maximum.String())
	if s.hasConst {
		n.Const = s.constant
	}
	n.MinLength = max(n.MinLength, s.minLength)
	if s.maxLength >= 0 && (n.MaxLength < 0 || s.maxLength < n.MaxLength) {
		n.MaxLength = s.maxLength
	}
	n.MinItems = max(n.MinItems, s.minItems)
	if s.maxItems >= 0 && (n.MaxItems < 0 || s.maxItems < n.MaxItems) {
		n.MaxItems = s.maxItems
	}
	n.Closed = n.Closed || s.closed()
	for lang, title := range s.title {
		n.Title[lang] = title
	}
	for lang, description := range s.description {
		n.Description[lang] = description
	}
	if s.items != nil {
		n.Items = t.node("", s.items)
	}
	for _, m := range s.properties {
		child := t.node(m.name, m.schema)
		if p := n.Property(m.name); p != nil {
			p.Node = child
			continue
		}
		n.Properties = append(n.Properties, Property{Name: m.name, Node: child})
	}
	for _, name := range s.required {
		if p := n.Property(name); p != nil {
			p.Required = true
		}
	}
}

func set[T any](to *[]T, from []T) {
	if len(from) > 0 {
		*to = from
	}
}

func setText(to *string, from string) {
	if from != "" {
		*to = from
	}
}

// stringsOnly returns the values of an enum that holds nothing but strings.
func stringsOnly(enum []any) []string {
	out := list[string](enum)
	if len(out) != len(enum) {
		return nil
	}
	return out
}

// checkKey judges x-khoa: every key property is required on all its way, and is text or a number.
func (d *Dataset) checkKey() problem.List {
	var ps problem.List
	bad := func(i int, what, fix problem.Text) {
		ps = append(ps, problem.Problem{Code: "schema.key", Where: fmt.Sprintf("%s#/x-khoa/%d", d.file.path, i), What: what, Fix: fix})
	}
	if len(d.file.key) == 0 {
		return problem.List{{
			Code: "schema.key", Where: d.file.path + "#/x-khoa", What: problem.Say("the schema does not say which properties identify an entity"),
			Fix: problem.Say(`write "x-khoa": ["<property>", ...] with dotted paths`),
		}}
	}
	for i, path := range d.file.key {
		n, required := d.root, true
		for name := range strings.SplitSeq(path, ".") {
			p := n.Property(name)
			if p == nil {
				n = nil
				break
			}
			n, required = p.Node, required && p.Required
		}
		switch {
		case n == nil:
			bad(i, problem.Say("the key property %q does not exist", path), problem.Say("name a declared property by its dotted path"))
		case !required:
			bad(i, problem.Say("the key property %q is not required", path), problem.Say("make it and every object above it required"))
		case len(n.Types) != 1 || !slices.Contains([]string{"string", "integer"}, n.Types[0]):
			bad(i, problem.Say("the key property %q is neither text nor a whole number", path), problem.Say(`give it "type": "string" or "integer"`))
		}
	}
	return ps
}
