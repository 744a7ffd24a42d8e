package mapping

import (
	"bytes"
	"math"

	"github.com/lienthong/truc/schemas"
)

// node is one step of a plan. Nodes are immutable and shared by all translators of the plan; whatever changes is in the frame.
type node interface {
	eval(f *frame) cell
}

// typ is what is known of a node's value before there is one.
type typ struct {
	kind     kind
	nullable bool
	// item is what the elements of a list are; nil when it is not known.
	item *typ
	// parts says that it comes out of a JSON text, so that parts of it can be named.
	parts bool
	// codes is the table whose targets the value is one of.
	codes *codeTable
	// list is the code list of which lookup() gives a code.
	list string
	// made names what an object may hold that a function makes.
	made []string
	// schema describes an object or a list of a document.
	schema *schemas.Node
}

const (
	// ruleIncomplete is a cell that the log does not carry where a whole row was promised.
	ruleIncomplete = "incomplete"
	// ruleType is a value of another kind than an operator takes; only what has no declared kind can bring it.
	ruleType = "type"
)

type literalNode struct{ value cell }

func (n *literalNode) eval(*frame) cell { return n.value }

// columnNode reads a cell of the row, once a row.
type columnNode struct {
	slot   int
	column *column
}

func (n *columnNode) eval(f *frame) cell {
	if f.stamps[n.slot] != f.stamp {
		f.slots[n.slot] = n.column.load(f)
		f.stamps[n.slot] = f.stamp
	}
	return f.slots[n.slot]
}

// sharedNode evaluates another node at most once a row: a `let`.
type sharedNode struct {
	slot int
	node node
}

func (n *sharedNode) eval(f *frame) cell {
	if f.stamps[n.slot] != f.stamp {
		v := n.node.eval(f)
		f.slots[n.slot] = v
		f.stamps[n.slot] = f.stamp
	}
	return f.slots[n.slot]
}

// slotNode reads what was put into the slot before: a part of a document. An empty slot is null.
type slotNode struct{ slot int }

func (n *slotNode) eval(f *frame) cell {
	if f.stamps[n.slot] != f.stamp {
		return null
	}
	return f.slots[n.slot]
}

type equalNode struct {
	a, b node
	not  bool
}

func (n *equalNode) eval(f *frame) cell {
	a := n.a.eval(f)
	if a.isFailed() {
		return a
	}
	b := n.b.eval(f)
	if b.isFailed() {
		return b
	}
	return boolCell(equal(a, b) != n.not)
}

type memberNode struct {
	value node
	of    []node
}

func (n *memberNode) eval(f *frame) cell {
	v := n.value.eval(f)
	if v.isFailed() {
		return v
	}
	var firstFailure cell
	found := false
	for _, m := range n.of {
		c := m.eval(f)
		if c.isFailed() && !firstFailure.isFailed() {
			firstFailure = c
		}
		found = found || !c.isFailed() && equal(v, c)
	}
	if firstFailure.isFailed() {
		return firstFailure
	}
	return boolCell(found)
}

// comparison is one of the four orders.
type comparison uint8

const (
	less comparison = iota
	lessEqual
	greater
	greaterEqual
)

type compareNode struct {
	a, b node
	op   comparison
	fail failure
}

func (n *compareNode) eval(f *frame) cell {
	a := n.a.eval(f)
	if a.isFailed() {
		return a
	}
	b := n.b.eval(f)
	if b.isFailed() {
		return b
	}
	order, ok := compare(a, b)
	if !ok {
		// Every comparison with not-a-number is false in CEL, whatever stands on the other side, but for null on the left.
		if (a.isNaN() || b.isNaN()) && !a.isNull() {
			return boolCell(false)
		}
		return failed(n.fail)
	}
	switch n.op {
	case less:
		return boolCell(order < 0)
	case lessEqual:
		return boolCell(order <= 0)
	case greater:
		return boolCell(order > 0)
	default:
		return boolCell(order >= 0)
	}
}

// logicNode is && or ||: one side that decides is enough, whatever becomes of the other (CEL's rule: error && false is false).
type logicNode struct {
	a, b    node
	decides bool // true for ||, false for &&
	fail    failure
}

func (n *logicNode) eval(f *frame) cell {
	a := n.a.eval(f)
	if a.is(kindBool) && a.isTrue() == n.decides {
		return a
	}
	b := n.b.eval(f)
	if b.is(kindBool) && b.isTrue() == n.decides {
		return b
	}
	switch {
	case a.isFailed():
		return a
	case b.isFailed():
		return b
	case !a.is(kindBool) || !b.is(kindBool):
		return failed(n.fail)
	}
	return boolCell(!n.decides)
}

type notNode struct {
	a    node
	fail failure
}

func (n *notNode) eval(f *frame) cell {
	a := n.a.eval(f)
	switch {
	case a.isFailed():
		return a
	case !a.is(kindBool):
		return failed(n.fail)
	}
	return boolCell(!a.isTrue())
}

type conditionNode struct {
	when, then, otherwise node
	fail                  failure
}

func (n *conditionNode) eval(f *frame) cell {
	c := n.when.eval(f)
	switch {
	case c.isFailed():
		return c
	case !c.is(kindBool):
		return failed(n.fail)
	case c.isTrue():
		return n.then.eval(f)
	}
	return n.otherwise.eval(f)
}

// presentNode is has(a.b).
type presentNode struct{ a node }

func (n *presentNode) eval(f *frame) cell {
	a := n.a.eval(f)
	if a.isFailed() {
		return a
	}
	return boolCell(!a.isNull())
}

// arithmeticNode is + - * on two numbers of one kind, and + on texts. Whole numbers that overflow fail.
type arithmeticNode struct {
	a, b            node
	op              byte
	fail, rangeFail failure
}

func (n *arithmeticNode) eval(f *frame) cell {
	a := n.a.eval(f)
	if a.isFailed() {
		return a
	}
	b := n.b.eval(f)
	if b.isFailed() {
		return b
	}
	switch {
	case a.kind != b.kind:
		return failed(n.fail)
	case a.is(kindText) && n.op == '+':
		start := len(f.scratch)
		f.scratch = append(append(f.scratch, a.text...), b.text...)
		return textCell(f.since(start))
	case a.is(kindInt):
		if r, ok := wholeArithmetic(a.num, b.num, n.op); ok {
			return intCell(r)
		}
		return failed(n.rangeFail)
	case a.is(kindFloat):
		switch n.op {
		case '+':
			return floatCell(a.float() + b.float())
		case '-':
			return floatCell(a.float() - b.float())
		default:
			return floatCell(a.float() * b.float())
		}
	}
	return failed(n.fail)
}

func wholeArithmetic(a, b int64, op byte) (r int64, ok bool) {
	switch op {
	case '+':
		r = a + b
		return r, (r > a) == (b > 0)
	case '-':
		r = a - b
		return r, (r < a) == (b > 0)
	default:
		if a == 0 || b == 0 {
			return 0, true
		}
		r = a * b
		return r, r/b == a && !(a == -1 && b == math.MinInt64) && !(b == -1 && a == math.MinInt64)
	}
}

// textTestNode is startsWith, endsWith and contains with a constant, the commonest methods on texts.
type textTestNode struct {
	text node
	part []byte
	how  func(s, part []byte) bool
	fail failure
}

func (n *textTestNode) eval(f *frame) cell {
	v := n.text.eval(f)
	switch {
	case v.isFailed():
		return v
	case !v.is(kindText):
		return failed(n.fail)
	}
	return boolCell(n.how(v.bytes(), n.part))
}

// textTest returns the test a method stands for, nil for other methods.
func textTest(method string) func(s, part []byte) bool {
	switch method {
	case "startsWith":
		return bytes.HasPrefix
	case "endsWith":
		return bytes.HasSuffix
	case "contains":
		return bytes.Contains
	}
	return nil
}
