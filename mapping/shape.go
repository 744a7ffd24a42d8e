package mapping

import (
	"slices"
	"strings"

	"github.com/lienthong/truc/problem"
)

// expansion writes shapes out where they are used and gives every expression its scope, so that compiling meets fields only.
type expansion struct {
	decoder *decoder
	shapes  []Shape
	// open are the shapes that are being written out, outermost first.
	open []string
	// circles are the shapes whose circle was told.
	circles map[string]bool
	// count is how many fields were made.
	count int
}

// expand writes the shapes of a document out.
func (d *decoder) expand(f *File) {
	x := &expansion{decoder: d, shapes: f.Shapes, circles: map[string]bool{}}
	if f.Fields == nil {
		return // nothing uses a shape, and why was told
	}
	whole := x.field(*f.Fields, nil, nil)
	f.Fields = &whole
	for i := range f.Shapes {
		s := &f.Shapes[i]
		if s.used || s.Body.broken {
			continue
		}
		x.open = []string{s.Name} // its own faults are told all the same
		x.field(s.Body, &scope{}, nil)
		x.open = nil
		if !s.shared {
			d.problems = append(d.problems, problem.Problem{
				Code: "mapping.never-used", Where: s.At.String(), Warning: true,
				What: problem.Say("no field uses the shape %s", s.Name), Fix: problem.Say("write { use: %s, prefix: … }, or remove it", s.Name),
			})
		}
	}
}

// maxFields bounds a document: shapes that use shapes multiply.
const maxFields = 10_000

// field is a field in a scope. via is where the shape it stands in is used.
func (x *expansion) field(f Field, in *scope, via *Place) Field {
	f.At.Via = via
	if x.count++; x.count > maxFields {
		if x.count == maxFields+1 {
			x.decoder.report(f.At, "too-large", problem.Say("with its shapes written out the document has more than %d fields", maxFields), problem.Say("use fewer shapes inside shapes"))
		}
		f.broken = true
		return f
	}
	f.Value = x.expression(f.Value, in, via)
	f.When = x.expressions(f.When, in, via)
	f.Items = x.fields(f.Items, in, via)
	f.Fields = x.fields(f.Fields, in, via)
	if f.Each != nil {
		e := *f.Each
		e.AsAt.Via = via
		e.Over = x.expression(e.Over, in, via)
		e.in = &scope{prefix: in.columnPrefix(), as: e.As, parent: in}
		e.Item = x.field(e.Item, e.in, via)
		f.Each = &e
	}
	if f.use != nil && !f.broken {
		x.use(&f, in, via)
	}
	return f
}

func (x *expansion) fields(list []Field, in *scope, via *Place) []Field {
	out := make([]Field, len(list))
	for i := range list {
		out[i] = x.field(list[i], in, via)
	}
	return out
}

func (x *expansion) expression(e *Expression, in *scope, via *Place) *Expression {
	if e == nil {
		return nil
	}
	out := *e
	out.At.Via, out.scope = via, in
	return &out
}

func (x *expansion) expressions(list []*Expression, in *scope, via *Place) []*Expression {
	var out []*Expression
	for _, e := range list {
		out = append(out, x.expression(e, in, via))
	}
	return out
}

// use puts the fields of the shape before the field's own; its own replace those of the same name.
func (x *expansion) use(f *Field, in *scope, via *Place) {
	u := *f.use
	u.at.Via = via
	i := slices.IndexFunc(x.shapes, func(s Shape) bool { return s.Name == u.shape })
	if i < 0 {
		var names []string
		for _, s := range x.shapes {
			names = append(names, s.Name)
		}
		fix := suggestion(u.shape, names)
		if len(names) == 0 {
			fix = problem.Say("add shapes: { %s: { property: expression } }", u.shape)
		}
		x.decoder.report(u.at, "unknown-shape", problem.Say("there is no shape %q under shapes", u.shape), fix)
		f.broken = true
		return
	}
	s := &x.shapes[i]
	s.used = true
	if at := slices.Index(x.open, u.shape); at >= 0 {
		if !x.circles[u.shape] {
			x.decoder.report(u.at, "shape-circle", problem.Say("the shape %s uses itself: %s", u.shape, strings.Join(append(slices.Clone(x.open[at:]), u.shape), " → ")), problem.Say("a shape ends somewhere: write the innermost fields out"))
		}
		for _, name := range x.open[at:] {
			x.circles[name] = true
		}
		f.broken = true
		return
	}
	x.open = append(x.open, u.shape)
	body := x.field(s.Body, &scope{prefix: in.columnPrefix() + u.prefix}, &u.at)
	x.open = x.open[:len(x.open)-1]
	f.broken = f.broken || body.broken
	f.When = append(f.When, body.When...)
	fields := body.Fields
	for _, own := range f.Fields {
		if j := slices.IndexFunc(fields, func(of Field) bool { return of.Name == own.Name }); j >= 0 {
			fields[j] = own
		} else {
			fields = append(fields, own)
		}
	}
	f.Fields = fields
}

// withoutRepetition leaves one of the problems that differ only in where the shape they stand in is used.
func withoutRepetition(list problem.List) problem.List {
	seen := map[problem.Problem]bool{}
	return slices.DeleteFunc(list, func(p problem.Problem) bool {
		shape, _, used := strings.Cut(p.Where, usedAt)
		if !used {
			return false
		}
		p.Where = shape
		again := seen[p]
		seen[p] = true
		return again
	})
}
