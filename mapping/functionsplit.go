package mapping

import (
	"bytes"
	"slices"

	celast "cel.dev/cel-go/common/ast"

	"github.com/lienthong/truc/problem"
)

// splitNode makes a list of the parts of a text.
type splitNode struct {
	text       node
	separators [][]byte // the longest first, so that " - " is not taken for "-"
	fail       failure
}

func lowerSplit(l *lowering, e celast.Expr, args []celast.Expr) (node, typ) {
	n, t := l.lower(args[0])
	l.wantKind("split", args[0], t, kindText)
	items := args[1:]
	if args[1].Kind() == celast.ListKind {
		items = args[1].AsList().Elements()
	}
	out := &splitNode{text: n, fail: l.typeFailure(e)}
	for _, item := range items {
		s, ok := l.constantText("split", item, problem.Say("the separator"))
		if !ok {
			return &literalNode{null}, typ{}
		}
		if s == "" {
			return l.problem(item, "wrong-arguments", problem.Say("split(): the separator is empty"), problem.Say(`write split(x, ";")`))
		}
		out.separators = append(out.separators, []byte(s))
	}
	if len(items) == 0 {
		return l.problem(args[1], "wrong-arguments", problem.Say("split(): no separator is given"), problem.Say(`write split(x, ";")`))
	}
	slices.SortStableFunc(out.separators, func(a, b []byte) int { return len(b) - len(a) })
	return out, typ{kind: kindList, nullable: true, item: &typ{kind: kindText}}
}

// eval trims the parts and leaves out those that are blank; without any part the list is null.
func (n *splitNode) eval(f *frame) cell {
	v := n.text.eval(f)
	switch {
	case v.isNull() || v.isFailed():
		return v
	case !v.is(kindText):
		return failed(n.fail)
	}
	start := len(f.scratch)
	f.scratch = append(f.scratch, '[')
	rest := v.bytes()
	for more := true; more; {
		var part []byte
		part, rest, more = n.cut(rest)
		if part = bytes.TrimSpace(part); len(part) == 0 {
			continue
		}
		if len(f.scratch) > start+1 {
			f.scratch = append(f.scratch, ',')
		}
		f.scratch = appendJSONString(f.scratch, part)
	}
	if len(f.scratch) == start+1 {
		f.scratch = f.scratch[:start]
		return null
	}
	f.scratch = append(f.scratch, ']')
	return bytesCell(kindList, f.since(start))
}

// cut returns what stands before the first separator and after it.
func (n *splitNode) cut(text []byte) (part, rest []byte, found bool) {
	if len(n.separators) == 1 {
		return bytes.Cut(text, n.separators[0])
	}
	for i := range text {
		for _, s := range n.separators {
			if bytes.HasPrefix(text[i:], s) {
				return text[:i], text[i+len(s):], true
			}
		}
	}
	return text, nil, false
}
