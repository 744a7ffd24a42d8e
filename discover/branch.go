package discover

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// branch is an object of the document as the draft writes it.
type branch struct {
	name     string
	leaf     *leaf
	proposal *Proposal
	children []*branch
}

func (b *branch) add(path []string, l *leaf, p *Proposal) {
	if len(path) == 0 {
		b.leaf, b.proposal = l, p
		return
	}
	i := slices.IndexFunc(b.children, func(c *branch) bool { return c.name == path[0] })
	if i < 0 {
		b.children = append(b.children, &branch{name: path[0]})
		i = len(b.children) - 1
	}
	b.children[i].add(path[1:], l, p)
}

// live reports whether a line below is no comment.
func (b *branch) live() bool {
	if b.leaf != nil {
		return b.proposal != nil && b.proposal.Live
	}
	return slices.ContainsFunc(b.children, (*branch).live)
}

// worth reports whether there is anything to write: a proposal, or something that must be filled.
func (b *branch) worth(parent bool) bool {
	if b.leaf != nil {
		return b.proposal != nil || b.leaf.must || b.leaf.required && parent
	}
	return slices.ContainsFunc(b.children, func(c *branch) bool { return c.worth(b.live()) })
}

// branch writes the children of an object; within a comment everything is one.
func (w *writer) branch(b *branch, depth int, live bool) {
	for _, c := range b.children {
		switch {
		case !c.worth(live):
		case c.leaf != nil:
			w.leafLines(c, depth)
		case c.live() && strings.HasSuffix(c.name, "[]"):
			w.line(depth, "%s:", strings.TrimSuffix(c.name, "[]"))
			w.element(c, depth+1)
		case c.live():
			w.line(depth, "%s:", c.name)
			w.branch(c, depth+1, true)
		default:
			w.line(depth, "# %s:", strings.TrimSuffix(c.name, "[]"))
			w.branch(c, depth+1, false)
		}
	}
}

// element writes an object as the one element of a list: its first line that is no comment gets the dash.
func (w *writer) element(c *branch, depth int) {
	inner := &writer{dataset: w.dataset, table: w.table, columns: w.columns, ids: w.ids, rows: w.rows, opt: w.opt, proposals: w.proposals}
	inner.branch(c, 0, true)
	dashed := false
	for line := range strings.Lines(inner.b.String()) {
		mark := "  "
		if !dashed && !strings.HasPrefix(strings.TrimSpace(line), "#") {
			mark, dashed = "- ", true
		}
		w.line(depth, "%s%s", mark, strings.TrimSuffix(line, "\n"))
	}
}

func (w *writer) leafLines(c *branch, depth int) {
	p := c.proposal
	title := Text{c.leaf.node.Title["vi"], c.leaf.node.Title["en"]}
	if p == nil || p.Expression == "" && len(p.Columns) == 0 {
		w.line(depth, "# TODO bắt buộc, chưa có cột nào / required, no column found: %s (%s)", c.leaf, both(title))
		w.line(depth, "# %s: %s", c.name, w.suggested(c.leaf))
		return
	}
	why := Text{joined(p.Reasons, func(t Text) string { return t.VI }), joined(p.Reasons, func(t Text) string { return t.EN })}
	w.line(depth, "# %.2f %s", p.Confidence, both(why))
	for _, t := range p.Todo {
		w.line(depth, "# TODO %s", both(t))
	}
	if p.Live {
		w.line(depth, "%s: %s", c.name, expression(p.Expression))
		return
	}
	if p.Required {
		w.line(depth, "# TODO bắt buộc / required: %s (%s)", c.leaf, both(title))
	}
	w.line(depth, "# %s: %s", c.name, expression(p.Expression))
	for _, o := range p.Others {
		if o.Expression != "" {
			w.line(depth, "# %s: %s   # %.2f", c.name, expression(o.Expression), o.Confidence)
		}
	}
}

// suggested is what could stand for a required property that no column fills.
func (w *writer) suggested(l *leaf) string {
	if form, err := regexp.Compile(l.node.Pattern); err == nil && l.node.Pattern != "" && w.opt.Agency != "" && form.MatchString(w.opt.Agency) {
		return fmt.Sprintf("{ const: %s }", w.opt.Agency)
	}
	return "…"
}

func joined(list []Text, of func(Text) string) string {
	var out []string
	for _, t := range list {
		out = append(out, of(t))
	}
	return strings.Join(out, "; ")
}

// expression writes an expression so that YAML takes it as it is.
func expression(s string) string {
	if strings.HasPrefix(s, "{ const: ") || strings.HasPrefix(s, "{ each: ") || strings.HasPrefix(s, "['") || !strings.Contains(s, ": ") && !strings.Contains(s, " #") && !strings.HasPrefix(s, `"`) && !strings.HasPrefix(s, "[") {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", "''") + "'"
}
