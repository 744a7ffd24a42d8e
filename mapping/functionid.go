package mapping

import (
	"bytes"
	"strconv"

	celast "cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"

	"github.com/lienthong/truc/mapping/value"
	"github.com/lienthong/truc/problem"
	"github.com/lienthong/truc/schemas"
)

const (
	// ruleRepaired is a remark: zeros that a number column had lost were put back.
	ruleRepaired = "repaired"
	// ruleCMND is a remark: a number of nine digits, of an identity card, was left out.
	ruleCMND = "cmnd"
	// ruleSex and ruleBirthYear are remarks: a personal identification number says otherwise than its row.
	ruleSex       = "sex"
	ruleBirthYear = "birth-year"
	// sexList is the code list in which 1 is nam and 2 nữ.
	sexList = "danhmuc.gioitinh"
)

// writtenNumber is a number with rules as its column has it: a text, or a number that cannot have zeros on its left.
func writtenNumber(v cell, buf []byte) (b []byte, numeric, ok bool) {
	switch {
	case v.is(kindText):
		return v.bytes(), false, true
	case v.kind.number():
		b, ok = v.appendDecimal(buf)
		return b, true, ok && !bytes.ContainsAny(b, "-.")
	}
	return nil, false, false
}

func blank(b []byte) bool { return len(bytes.TrimSpace(b)) == 0 }

type taxCodeNode struct {
	a                node
	fail, checkDigit failure
}

func lowerTaxCode(l *lowering, e celast.Expr, args []celast.Expr) (node, typ) {
	n, t := l.lower(args[0])
	l.wantKind("taxCode", args[0], t, kindText, kindInt, kindDecimal, kindFloat)
	return &taxCodeNode{n, newFailure(schemas.RuleTaxCode, l.source(e)), newFailure(schemas.RuleCheckDigit, l.source(e))}, typ{kind: kindText, nullable: true}
}

func (n *taxCodeNode) eval(f *frame) cell {
	v := n.a.eval(f)
	if v.isNull() || v.isFailed() {
		return v
	}
	var buf [32]byte
	b, numeric, ok := writtenNumber(v, buf[:0])
	if !ok {
		return failed(n.fail)
	}
	if blank(b) {
		return null
	}
	start := len(f.scratch)
	out, lost, fault := value.AppendTaxCode(f.scratch, b, numeric)
	switch fault {
	case value.WrongForm:
		return failed(n.fail)
	case value.WrongCheckDigit:
		return failed(n.checkDigit)
	case value.NoFault:
	}
	f.scratch = out
	if lost > 0 {
		f.remark(Remark{Group: schemas.GroupFormat, Rule: ruleRepaired})
	}
	return textCell(f.since(start))
}

type personIDNode struct {
	a, sex, born node // sex and born are nil when nothing is compared
	lenient      bool
	fail         failure
}

// lowerPersonID takes x, sex and date of birth to compare with or neither, and "remark" or not.
func lowerPersonID(l *lowering, e celast.Expr, args []celast.Expr) (node, typ) {
	n := &personIDNode{fail: newFailure(schemas.RulePersonID, l.source(e))}
	var ok bool
	if args, n.lenient, ok = l.lenient("personId", args, 1, 3); !ok {
		return &literalNode{null}, typ{}
	}
	var t typ
	n.a, t = l.lower(args[0])
	l.wantKind("personId", args[0], t, kindText, kindInt, kindDecimal, kindFloat)
	if len(args) == 3 {
		var ts, tb typ
		n.sex, ts = l.lower(args[1])
		l.wantKind("personId", args[1], ts, kindText, kindInt)
		list := ts.list
		if ts.codes != nil {
			list = ts.codes.source.List
		}
		if ts.schema != nil {
			list = ts.schema.CodeList
		}
		if list != "" && list != sexList {
			l.problem(args[1], "wrong-code-list", problem.Say("personId() compares with a sex, a code of %s, and %s is a code of %s", sexList, l.source(args[1]), list), problem.Say("write code(\"…\", x) with a code table of list: %s", sexList))
		}
		n.born, tb = l.lower(args[2])
		if tb.kind == kindText {
			return l.problem(args[2], "wrong-type", problem.Say("personId() compares with a date of birth, but %s is text", l.source(args[2])), problem.Say(`write partialDate(%s, ["dd/MM/yyyy", "yyyy"]) with the layouts the column has`, l.source(args[2])))
		}
		if tb.kind == kindObject && (tb.schema == nil || tb.schema.Property("giaTri") == nil) {
			return l.problem(args[2], "wrong-type", problem.Say("personId() compares with a date of birth, but %s is an object", l.source(args[2])), problem.Say("name the date inside it"))
		}
		l.wantKind("personId", args[2], tb, kindPartial, kindDate, kindDateTime, kindObject)
	}
	return n, typ{kind: kindText, nullable: true}
}

// lenient takes the word "remark" from the end of the arguments: what has a fault is then left out, with a remark, and is no violation. What remains must be
// of one of two numbers.
func (l *lowering) lenient(fn string, args []celast.Expr, counts ...int) (rest []celast.Expr, yes, ok bool) {
	const word = "remark"
	for _, n := range counts {
		switch {
		case len(args) == n:
			return args, false, true
		case len(args) == n+1 && args[n].Kind() == celast.LiteralKind:
			if args[n].AsLiteral() == types.String(word) {
				return args[:n], true, true
			}
			l.problem(args[n], "wrong-arguments", problem.Say("%s(): %s is not possible here; \"remark\" leaves out what has a fault, and counts it", fn, l.source(args[n])), problem.Say("write %q, or nothing for a violation", word))
			return nil, false, false
		}
	}
	var words []problem.Text
	for _, n := range counts {
		words = append(words, problem.Verbatim(strconv.Itoa(n)))
	}
	l.problem(args[len(args)-1], "wrong-arguments", problem.Say("%s() takes %s values, and \"remark\" after them or not", fn, alternatives(words)), problem.Say("write %s", functionNamed(fn).usage))
	return nil, false, false
}

func (n *personIDNode) eval(f *frame) cell {
	v := n.a.eval(f)
	if v.isNull() || v.isFailed() {
		return v
	}
	var buf [32]byte
	b, numeric, ok := writtenNumber(v, buf[:0])
	if ok && blank(b) {
		return null
	}
	start, lost, short := len(f.scratch), 0, false
	if ok {
		f.scratch, lost, short, ok = value.AppendPersonID(f.scratch, b, numeric)
	}
	if !ok {
		if !n.lenient {
			return failed(n.fail)
		}
		rule := schemas.RulePersonID
		if short {
			rule = ruleCMND
		}
		f.remark(Remark{Group: schemas.GroupFormat, Rule: rule})
		return null
	}
	id := f.since(start)
	if lost > 0 {
		f.remark(Remark{Group: schemas.GroupFormat, Rule: ruleRepaired})
	}
	if n.sex != nil {
		n.compare(f, id)
	}
	return textCell(id)
}

// compare leaves a remark where number and row contradict each other: a clerk decides which of them is wrong. What the row does not say is not compared.
func (n *personIDNode) compare(f *frame, id []byte) {
	says, ok := value.ParsePersonID(id)
	if !ok {
		return
	}
	var buf [24]byte
	if v := n.sex.eval(f); !v.isNull() && !v.isFailed() {
		sex, _ := v.appendText(buf[:0])
		if sex := string(bytes.TrimSpace(sex)); sex == "1" && !says.Male || sex == "2" && says.Male {
			f.remark(Remark{Group: schemas.GroupContradiction, Rule: ruleSex})
		}
	}
	if v := n.born.eval(f); !v.isNull() && !v.isFailed() {
		if born, ok := birthDate(v); ok && born.Year != says.Year {
			f.remark(Remark{Group: schemas.GroupContradiction, Rule: ruleBirthYear})
		}
	}
}
