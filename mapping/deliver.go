package mapping

import (
	"bytes"
	"time"

	"github.com/lienthong/truc/mapping/value"
	"github.com/lienthong/truc/record"
	"github.com/lienthong/truc/schemas"
)

// SinkTranslator runs a SinkPlan. It is not safe for concurrent use.
type SinkTranslator struct {
	plan       *SinkPlan
	frame      *frame
	violations []schemas.Violation
}

// Change fills Delete, Key, Values and OnCreate of into from an event; doc nil is a deletion (Gone). Their memory belongs to
// into: neither a later call nor the reuse of doc touches it. Filtered means that the document fails `only`: into is a delete,
// because the row may be there from before. When there are violations, into must not be applied; they are valid until the next call.
func (t *SinkTranslator) Change(ev EventView, doc []byte, into *record.Change) (Verdict, []schemas.Violation) {
	p, f := t.plan, t.frame
	f.next(nil)
	f.event = ev
	t.violations = t.violations[:0]
	var verdict Verdict
	switch {
	case doc == nil:
		verdict = Gone
		if !t.readKey(ev.Key) {
			t.violations = append(t.violations, schemas.NewViolation("", schemas.RuleJSON, "key"))
			return Gone, t.violations
		}
	case !p.document.read(f, doc):
		t.violations = append(t.violations, schemas.NewViolation("", schemas.RuleJSON, ""))
		return Live, t.violations
	default:
		verdict = t.keep()
	}
	into.Delete = verdict != Live
	into.OnCreate = nil
	into.Key = t.row(p.key, true)
	if into.Delete {
		into.Values = t.row(p.deleteSet, false)
	} else {
		into.Values = t.row(p.values, false)
		into.OnCreate = t.row(p.onCreate, false)
	}
	return verdict, t.violations
}

// Key is the key of the row to which an event belongs, by the key of the event alone, as for a deletion. A violation of the rule
// schemas.RuleJSON says that no entity of the dataset has such a key; they are valid until the next call.
func (t *SinkTranslator) Key(ev EventView) (record.Row, []schemas.Violation) {
	t.frame.next(nil)
	t.frame.event = ev
	t.violations = t.violations[:0]
	if !t.readKey(ev.Key) {
		t.violations = append(t.violations, schemas.NewViolation("", schemas.RuleJSON, "key"))
		return nil, t.violations
	}
	return t.row(t.plan.key, true), t.violations
}

func (t *SinkTranslator) keep() Verdict {
	if t.plan.only == nil {
		return Live
	}
	switch v := t.plan.only.eval(t.frame); {
	case v.isFailed():
		t.violations = append(t.violations, v.failure().violation(""))
	case v.isNull() || v.is(kindBool) && !v.isTrue():
		return Filtered
	case !v.is(kindBool):
		t.violations = append(t.violations, newFailure(ruleType, "only").violation(""))
	}
	return Live
}

// readKey puts the parts of the event key where the expressions look for the document's key properties.
func (t *SinkTranslator) readKey(key []byte) bool {
	parts := t.plan.keyParts
	if len(parts) == 0 {
		return true
	}
	values, ok := splitKey(key, len(parts))
	if !ok {
		return false
	}
	f := t.frame
	for i, p := range parts {
		f.slots[p.slot] = p.fromKey(values[i])
		f.stamps[p.slot] = f.stamp
	}
	return true
}

// fromKey gives a part of an event key the kind its property has: text, a date or a whole number, as schemas demand.
func (p *docProperty) fromKey(c cell) cell {
	switch p.typ.kind {
	case kindInt:
		if n, ok := wholeNumber(c.text); ok {
			return intCell(n)
		}
		return bytesCell(kindDecimal, c.bytes())
	case kindDate, kindTimestamp:
		return bytesCell(p.typ.kind, c.bytes())
	}
	return c
}

// row evaluates values into memory of their own.
func (t *SinkTranslator) row(list []columnValue, key bool) record.Row {
	if len(list) == 0 {
		return nil
	}
	row := make(record.Row, len(list))
	arena := make([]byte, 0, 32*len(list))
	for i := range list {
		v := &list[i]
		c := v.node.eval(t.frame)
		switch {
		case c.isFailed():
			t.fail(v, c.failure())
		case c.isNull() && key:
			t.fail(v, newFailure("required", "column "+v.column))
		default:
			out, grown, fail := v.value(c, arena)
			if fail != "" {
				t.fail(v, fail)
				continue
			}
			arena, row[i] = grown, out
		}
	}
	return row
}

func (t *SinkTranslator) fail(v *columnValue, f failure) {
	t.violations = append(t.violations, f.violation(v.pointer))
}

// value makes the sink's value; its bytes are what was appended to arena.
func (v *columnValue) value(c cell, arena []byte) (out record.Value, grown []byte, fail failure) {
	start := len(arena)
	made := func(k record.Kind, ok bool) (record.Value, []byte, failure) {
		if !ok {
			return record.Value{}, arena[:start], v.typeFailure
		}
		return record.Value{Kind: k, Bytes: arena[start:len(arena):len(arena)]}, arena, ""
	}
	var ok bool
	if v.kind == record.Text && !c.is(kindText) && !c.isNull() {
		if arena, ok = c.appendText(arena); !ok {
			arena, ok = c.appendJSON(arena)
		}
		return made(record.Text, ok)
	}
	switch c.kind {
	case kindNull:
		return record.NullValue, arena, ""
	case kindBool:
		return record.BoolValue(c.num != 0), arena, ""
	case kindInt:
		return record.IntValue(c.num), arena, ""
	case kindFloat:
		return record.FloatValue(c.float()), arena, ""
	case kindText:
		return v.textValue(c.bytes(), arena)
	case kindDecimal:
		arena, ok = c.appendDecimal(arena)
		return made(record.Decimal, ok)
	case kindTimestamp:
		if v.kind == record.DateTime {
			arena, ok = localDateTime(arena, c.bytes(), v.zone)
			return made(record.DateTime, ok)
		}
		arena, ok = utcTimestamp(arena, c.bytes())
		return made(record.Timestamp, ok)
	}
	arena = append(arena, c.text...)
	k := deliveredKind(c.kind)
	return made(k, k != record.Unchanged)
}

// deliveredKind is what cells become that are delivered in their own text; Unchanged for others.
func deliveredKind(k kind) record.Kind {
	switch k {
	case kindDate:
		return record.Date
	case kindTime:
		return record.Time
	case kindDateTime:
		return record.DateTime
	case kindPartial:
		return record.Text
	case kindJSON, kindObject, kindList:
		return record.JSON
	}
	return record.Unchanged
}

func (v *columnValue) textValue(b, arena []byte) (record.Value, []byte, failure) {
	start, ok := len(arena), true
	if v.encoding != nil {
		arena, ok = v.encoding.Encode(arena, b)
	} else {
		arena = append(arena, b...)
	}
	if !ok {
		return record.Value{}, arena[:start], v.encodingFailure
	}
	k := record.Text
	if v.kind == record.Bytes {
		k = record.Bytes
	}
	return record.Value{Kind: k, Bytes: arena[start:len(arena):len(arena)]}, arena, ""
}

// localDateTime writes an instant as the wall time of a zone, for columns that have none.
func localDateTime(dst, b []byte, zone *time.Location) ([]byte, bool) {
	t, ok := instant(b)
	if !ok {
		return dst, false
	}
	dst = value.AppendISODateTime(dst, wallClock(t.Truncate(time.Microsecond), zone), 0)
	return bytes.TrimSuffix(dst, []byte("Z")), true
}
