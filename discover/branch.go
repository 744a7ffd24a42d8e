package discover

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/lienthong/truc/problem"
)

// branch is an object of the document as the draft writes it.
type branch struct {
	name     string
	leaf     *leaf
	proposal *Proposal
	children []*branch
	// list is what fills a list of objects with one element for each of another list's; elements are those of one written out.
	list     *Proposal
	elements []*branch
}

// element is the element of a list that a proposal is for.
func (b *branch) element(n int) *branch {
	for len(b.elements) < n {
		b.elements = append(b.elements, &branch{name: b.name})
	}
	return b.elements[n-1]
}

func (b *branch) add(path []string, l *leaf, p *Proposal) {
	if len(path) == 0 {
		b.leaf, b.proposal = l, p
		return
	}
	if p != nil && p.element > 0 && strings.HasSuffix(b.name, "[]") {
		below := *p
		below.element = 0
		b.element(p.element).add(path, l, &below)
		return
	}
	i := slices.IndexFunc(b.children, func(c *branch) bool { return c.name == path[0] })
	if i < 0 {
		b.children = append(b.children, &branch{name: path[0]})
		i = len(b.children) - 1
	}
	b.children[i].add(path[1:], l, p)
}

// at finds the branch of a path.
func (b *branch) at(path []string) *branch {
	if len(path) == 0 {
		return b
	}
	i := slices.IndexFunc(b.children, func(c *branch) bool { return c.name == path[0] })
	if i < 0 {
		return nil
	}
	return b.children[i].at(path[1:])
}

// live reports whether a line below is no comment.
func (b *branch) live() bool {
	if b.leaf != nil {
		return b.proposal != nil && b.proposal.Live
	}
	return slices.ContainsFunc(b.children, (*branch).live) || slices.ContainsFunc(b.elements, (*branch).live)
}

// worth reports whether there is anything to write: a proposal, or something that must be filled.
func (b *branch) worth(parent bool) bool {
	if b.leaf != nil {
		return b.proposal != nil || b.leaf.must || b.leaf.required && parent
	}
	return len(b.elements) > 0 || slices.ContainsFunc(b.children, func(c *branch) bool { return c.worth(b.live()) })
}

// branch writes the children of an object; within a comment everything is one.
func (w *writer) branch(b *branch, depth int, live bool) {
	for _, c := range b.children {
		switch {
		case !c.worth(live):
		case c.leaf != nil:
			w.leafLines(c, depth)
		case c.list != nil:
			w.each(c, depth)
		case len(c.elements) > 0:
			w.written(c, depth)
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

// each writes a list with one element for each of another list's.
func (w *writer) each(c *branch, depth int) {
	mark := ""
	if !c.list.Live || !c.live() {
		mark = "# "
	}
	w.why(c.list, depth)
	w.line(depth, "%s%s:", mark, strings.TrimSuffix(c.name, "[]"))
	w.line(depth+1, "%s%s: %s", mark, "each", expression(c.list.Expression))
	w.line(depth+1, "%sas: %s", mark, elementName)
	w.line(depth+1, "%sfields:", mark)
	w.branch(c, depth+2, mark == "")
}

// written writes a list of which every element has columns of its own.
func (w *writer) written(c *branch, depth int) {
	if c.live() {
		w.line(depth, "%s:", strings.TrimSuffix(c.name, "[]"))
	} else {
		w.line(depth, "# %s:", strings.TrimSuffix(c.name, "[]"))
	}
	for _, e := range c.elements {
		if e.live() {
			w.element(e, depth+1)
		} else {
			w.branch(e, depth+1, false)
		}
	}
}

// element writes an object as the one element of a list: its first line that is no comment gets the dash.
func (w *writer) element(c *branch, depth int) {
	inner := &writer{dataset: w.dataset, leaves: w.leaves, table: w.table, columns: w.columns, ids: w.ids, rows: w.rows, opt: w.opt, proposals: w.proposals}
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
	title := problem.Text{VI: c.leaf.node.Title["vi"], EN: c.leaf.node.Title["en"]}
	if p == nil || p.Expression == "" && len(p.Columns) == 0 {
		w.note(depth, say("TODO bắt buộc, chưa có cột nào: %s (%s)", "TODO required, no column found: %s (%s)", c.leaf, title))
		w.line(depth, "# %s: %s", c.name, w.suggested(c.leaf))
		return
	}
	w.why(p, depth)
	for _, t := range p.Todo {
		w.line(depth, "# TODO %s", w.said(t))
	}
	if p.Live {
		w.line(depth, "%s: %s", c.name, expression(p.Expression))
		return
	}
	if p.Required {
		w.note(depth, say("TODO bắt buộc: %s (%s)", "TODO required: %s (%s)", c.leaf, title))
	}
	w.line(depth, "# %s: %s", c.name, expression(p.Expression))
	for _, o := range p.Others {
		if o.Expression != "" {
			w.line(depth, "# %s: %s   # %.2f", c.name, expression(o.Expression), o.Confidence)
		}
	}
}

// why says how certain a proposal is, and for what reasons.
func (w *writer) why(p *Proposal, depth int) {
	reasons := problem.Join(p.Reasons, "; ")
	w.line(depth, "# %.2f %s", p.Confidence, w.said(reasons))
}

// suggested is what could stand for a required property that no column fills.
func (w *writer) suggested(l *leaf) string {
	if form, err := regexp.Compile(l.node.Pattern); err == nil && l.node.Pattern != "" && w.opt.Agency != "" && form.MatchString(w.opt.Agency) {
		return fmt.Sprintf("{ const: %s }", w.opt.Agency)
	}
	return "…"
}

// expression writes an expression so that YAML takes it as it is.
func expression(s string) string {
	if strings.HasPrefix(s, "{ const: ") || strings.HasPrefix(s, "{ each: ") || strings.HasPrefix(s, "['") || !strings.Contains(s, ": ") && !strings.Contains(s, " #") && !strings.HasPrefix(s, `"`) && !strings.HasPrefix(s, "[") {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", "''") + "'"
}
