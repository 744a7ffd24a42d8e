package mapping

import (
	"fmt"
	"slices"
	"strings"

	"github.com/lienthong/truc/record"
	"github.com/lienthong/truc/schemas"
)

// Translator runs a SourcePlan. It is not safe for concurrent use.
type Translator struct {
	plan       *SourcePlan
	frame      *frame
	violations []schemas.Violation
	keyParts   []cell
	// proven is whether every value written so far is certainly valid.
	proven bool
}

// Keep says what becomes of a row. A condition that cannot be computed keeps the row Live: Document then tells why it is not valid.
func (t *Translator) Keep(row record.Row) Verdict {
	p := t.plan
	if p.only == nil && p.deleted == nil {
		return Live
	}
	for _, i := range p.keepReads {
		if row[i].Kind == record.Unchanged {
			return Unknown
		}
	}
	t.frame.next(row)
	if p.deleted != nil && p.deleted.eval(t.frame).isTrue() {
		return Gone
	}
	if p.only != nil {
		if v := p.only.eval(t.frame); v.isNull() || v.is(kindBool) && !v.isTrue() {
			return Filtered
		}
	}
	return Live
}

// Key appends the entity key of a row: one property's plain text, or the JSON array of several. known is false when a cell it
// needs is Unchanged or null, or cannot be converted.
func (t *Translator) Key(dst []byte, row record.Row) (key []byte, known bool) {
	for _, i := range t.plan.keyReads {
		if row[i].Kind == record.Unchanged {
			return dst, false
		}
	}
	t.frame.next(row)
	t.keyParts = t.keyParts[:0]
	for _, n := range t.plan.keyNodes {
		v := n.eval(t.frame)
		if v.isNull() || v.isFailed() {
			return dst, false
		}
		t.keyParts = append(t.keyParts, v)
	}
	return appendKey(dst, t.keyParts)
}

// Document appends the JSON document of a row and checks it. It is valid, and may be published, when violations is empty;
// they are complete: what could not be converted, and what the schema says of the rest. remarks and violations are valid
// until the next call.
func (t *Translator) Document(dst []byte, row record.Row) (out []byte, remarks []Remark, violations []schemas.Violation) {
	f := t.frame
	f.next(row)
	t.violations = t.violations[:0]
	f.remarking = true
	start := len(dst)
	t.proven = t.plan.provable
	dst, _ = t.object(dst, t.plan.root, t.plan.required, true)
	doc := dst[start:]
	f.remarking = false
	if t.plan.keepCanFail {
		t.conditions()
	}
	if len(t.violations) == 0 && (t.proven || t.plan.dataset.Accepts(doc)) {
		return dst, f.remarks, nil
	}
	t.check(doc)
	return dst, f.remarks, t.violations
}

// conditions tells why `only` or `deleted` cannot be computed.
func (t *Translator) conditions() {
	for _, n := range []node{t.plan.deleted, t.plan.only} {
		if n == nil {
			continue
		}
		switch v := n.eval(t.frame); {
		case v.isFailed():
			t.violations = append(t.violations, v.failure().violation(""))
		case !v.isNull() && !v.is(kindBool):
			t.violations = append(t.violations, newFailure(ruleType, "only, deleted").violation(""))
		}
	}
}

// object appends an object; an inner one of which every field is absent is absent. required are the bits of the properties
// without which it is not proven.
func (t *Translator) object(dst []byte, properties []property, required uint64, whole bool) (out []byte, present bool) {
	start := len(dst)
	var seen uint64
	dst = append(dst, '{')
	empty := len(dst)
	for i := range properties {
		p := &properties[i]
		before := len(dst)
		if before > empty {
			dst = append(dst, ',')
		}
		dst = append(dst, p.name...)
		var ok bool
		if p.node != nil && p.when == nil {
			dst, ok = t.value(dst, p)
		} else {
			dst, ok = t.part(dst, p)
		}
		if !ok {
			dst = dst[:before]
			continue
		}
		seen |= p.proof.bit
	}
	if len(dst) == empty && !whole {
		return dst[:start], false
	}
	t.proven = t.proven && seen&required == required
	return append(dst, '}'), true
}

// part appends a property or an element of any form, unless its conditions keep it away.
func (t *Translator) part(dst []byte, p *property) (out []byte, present bool) {
	for _, when := range p.when {
		t.frame.pointer = p.pointer
		switch v := when.eval(t.frame); {
		case v.isTrue():
		case v.isFailed():
			t.fail(p, v.failure())
			return dst, false
		case v.isNull() || v.is(kindBool):
			return dst, false
		default:
			t.fail(p, p.condition)
			return dst, false
		}
	}
	if p.node != nil {
		return t.value(dst, p)
	}
	start := len(dst)
	if p.list != nil {
		dst, present = t.list(dst, p)
	} else {
		dst, present = t.object(dst, p.object, p.proof.required, false)
	}
	if present && p.proof.value != nil {
		t.proven = t.proven && p.proof.value.Value(dst[start:])
	}
	return dst, present
}

// list appends a list; elements that are absent are left out, and a list without elements is absent.
func (t *Translator) list(dst []byte, p *property) (out []byte, present bool) {
	l, f := p.list, t.frame
	start := len(dst)
	dst = append(dst, '[')
	empty := len(dst)
	f.indexes = append(f.indexes, 0)
	if l.over == nil {
		for i := range l.items {
			dst = t.element(dst, &l.items[i], empty)
		}
	} else {
		dst = t.each(dst, p, empty)
	}
	n := f.indexes[len(f.indexes)-1]
	f.indexes = f.indexes[:len(f.indexes)-1]
	if len(dst) == empty {
		return dst[:start], false
	}
	t.proven = t.proven && (p.proof.length == nil || p.proof.length.Length(n))
	return append(dst, ']'), true
}

// each appends the elements made of another list.
func (t *Translator) each(dst []byte, p *property, empty int) []byte {
	l, f := p.list, t.frame
	start := len(dst)
	fail := func(why failure) []byte {
		t.fail(p, why)
		return dst[:start]
	}
	f.pointer = p.pointer
	over := l.over.eval(f)
	switch {
	case over.isNull():
		return dst
	case over.isFailed():
		return fail(over.failure())
	case !over.is(kindList) && !over.is(kindJSON):
		return fail(l.fail)
	}
	s := scanner{text: over.bytes()}
	if s.blank(); s.word("null") {
		return dst
	}
	if s.at >= len(s.text) || s.text[s.at] != '[' {
		return fail(l.fail)
	}
	for s.at++; ; s.at++ {
		s.blank()
		from := s.at
		if s.at < len(s.text) && s.text[s.at] == ']' {
			return dst
		}
		if !s.value(nil, nil) {
			return fail(l.fail)
		}
		f.slots[l.slot], f.stamps[l.slot] = jsonCell(f, s.text[from:s.at]), f.stamp
		dst = t.element(dst, &l.item, empty)
		s.blank()
		if s.at >= len(s.text) || s.text[s.at] != ',' && s.text[s.at] != ']' {
			return fail(l.fail)
		}
		if s.text[s.at] == ']' {
			return dst
		}
	}
}

// element appends one element. One that could not be made keeps its place, so that the violations after it name the right one.
func (t *Translator) element(dst []byte, p *property, empty int) []byte {
	before, told := len(dst), len(t.violations)
	if before > empty {
		dst = append(dst, ',')
	}
	dst, ok := t.part(dst, p)
	switch {
	case ok:
	case len(t.violations) == told:
		return dst[:before]
	default:
		dst = append(dst, "null"...)
	}
	t.frame.indexes[len(t.frame.indexes)-1]++
	return dst
}

func (t *Translator) value(dst []byte, p *property) (out []byte, present bool) {
	t.frame.pointer = p.pointer
	v := p.node.eval(t.frame)
	switch v.kind {
	case kindText:
		if len(v.text) > MaxDocument {
			// Nothing is gained by writing it out, and much memory lost: no topic takes it.
			t.fail(p, newFailure(schemas.RuleOversize, fmt.Sprintf("%d byte", len(v.text))))
			return dst, false
		}
		t.proven = t.proven && p.proof.proves(&v, nil)
		if v.plain {
			return appendQuoted(dst, v.bytes()), true
		}
		return appendJSONString(dst, v.bytes()), true
	case kindNull:
		return dst, false
	case kindFailed:
		t.fail(p, v.failure())
		return dst, false
	}
	start := len(dst)
	dst, ok := v.appendJSON(dst)
	if !ok {
		t.fail(p, p.number)
		return dst[:start], false
	}
	t.proven = t.proven && p.proof.proves(&v, dst[start:])
	return dst, true
}

func (t *Translator) fail(p *property, f failure) {
	t.violations = append(t.violations, f.violation(t.frame.place(p.pointer)).Named(func(lang string) string { return p.schema.Title[lang] }))
}

// check adds what the schema says, except that something is missing which could not be converted: that was told.
func (t *Translator) check(doc []byte) {
	converted := len(t.violations)
	for _, v := range t.plan.dataset.Check(doc) {
		told := slices.ContainsFunc(t.violations[:converted], func(c schemas.Violation) bool {
			return c.Pointer == v.Pointer || (v.Rule == "required" || v.Rule == "type") && strings.HasPrefix(c.Pointer, v.Pointer+"/")
		})
		if !told {
			t.violations = append(t.violations, v)
		}
	}
}
