package compat

import "fmt"

func (c *comparison) compareArrays(o *outcome, old, updated *shape) {
	c.work.spend(16)
	oldTuple, oldRest, oldAll := old.list()
	newTuple, newRest, newAll := updated.list()
	o.meet("items", oldAll.schema, newAll.schema)
	both := min(len(oldTuple), len(newTuple))
	c.work.spend(8 * (len(oldTuple) + len(newTuple)))
	for i := range both {
		o.meet(fmt.Sprintf("items/%d", i), oldTuple[i], newTuple[i])
	}
	for i := both; i < len(oldTuple); i++ {
		c.compareRemovedItem(o, fmt.Sprintf("items/%d", i), oldTuple[i], newRest.or(updated))
	}
	for i := both; i < len(newTuple); i++ {
		c.compareAddedItem(o, fmt.Sprintf("items/%d", i), oldRest.or(old), newTuple[i])
	}
	switch {
	case oldRest.closed && !newRest.closed:
		o.say("additionalItems", "ADDITIONAL_ITEMS_ADDED")
	case !oldRest.closed && newRest.closed:
		o.say("additionalItems", "ADDITIONAL_ITEMS_REMOVED")
	case oldRest.schema == nil && newRest.schema != nil:
		o.say("additionalItems", "ADDITIONAL_ITEMS_NARROWED")
	case oldRest.schema != nil && newRest.schema == nil:
		o.say("additionalItems", "ADDITIONAL_ITEMS_EXTENDED")
	default:
		o.meet("additionalItems", oldRest.schema, newRest.schema)
	}
	compareUnevaluated(o, "unevaluatedItems", "UNEVALUATED_ITEMS", old, updated)
	compareBound(o, "maxItems", "MAX_ITEMS", old.number("maxItems"), updated.number("maxItems"))
	compareBound(o, "minItems", "MIN_ITEMS", old.number("minItems"), updated.number("minItems"))
	compareBound(o, "maxContains", "MAX_CONTAINS", old.number("maxContains"), updated.number("maxContains"))
	compareBound(o, "minContains", "MIN_CONTAINS", old.number("minContains"), updated.number("minContains"))
	switch was, is := old.value("uniqueItems") == true, updated.value("uniqueItems") == true; {
	case was && !is:
		o.say("uniqueItems", "UNIQUE_ITEMS_REMOVED")
	case !was && is:
		o.say("uniqueItems", "UNIQUE_ITEMS_ADDED")
	}
}

// rest is what a list accepts after its tuple: nothing, a schema, or, without both, anything.
type rest struct {
	closed bool
	schema *shape
}

// list splits the two ways in which the drafts write a tuple: items and additionalItems, prefixItems and items.
func (s *shape) list() (tuple []*shape, additional, all rest) {
	keyword, after := "items", "additionalItems"
	if s.place.draft == Draft2020 {
		keyword, after = "prefixItems", "items"
	}
	_, isTuple := s.value(keyword).([]any)
	if !isTuple {
		return nil, rest{}, rest{schema: s.at("items")}
	}
	for _, p := range s.place.first {
		tuple = append(tuple, shapeOf(p))
	}
	switch v := s.value(after); v {
	case nil, true:
	case false:
		additional.closed = true
	default:
		additional.schema = s.at(after)
	}
	return tuple, additional, rest{}
}

// or lets unevaluatedItems stand in for additionalItems.
func (r rest) or(s *shape) rest {
	if u := s.at("unevaluatedItems"); !r.closed && r.schema == nil && u != nil && u.kind != kindEmpty {
		if u.kind == kindFalse {
			return rest{closed: true}
		}
		return rest{schema: u}
	}
	return r
}

func (c *comparison) compareRemovedItem(o *outcome, path string, before *shape, left rest) {
	switch {
	case left.schema != nil:
		o.meet(path, before, left.schema)
		if c.compatible(pair{before, left.schema}) {
			o.say(path, "ITEM_REMOVED_IS_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL")
		} else {
			o.say(path, "ITEM_REMOVED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL")
		}
	case !left.closed:
		o.say(path, "ITEM_REMOVED_FROM_OPEN_CONTENT_MODEL")
	case before.kind == kindFalse:
		o.say(path, "ITEM_WITH_FALSE_REMOVED_FROM_CLOSED_CONTENT_MODEL")
	default:
		o.say(path, "ITEM_REMOVED_FROM_CLOSED_CONTENT_MODEL")
	}
}

func (c *comparison) compareAddedItem(o *outcome, path string, had rest, after *shape) {
	switch {
	case had.schema != nil:
		o.meet(path, had.schema, after)
		if c.compatible(pair{had.schema, after}) {
			o.say(path, "ITEM_ADDED_IS_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL")
		} else {
			o.say(path, "ITEM_ADDED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL")
		}
	case had.closed:
		o.say(path, "ITEM_ADDED_TO_CLOSED_CONTENT_MODEL")
	case after.kind == kindEmpty:
		o.say(path, "ITEM_WITH_EMPTY_SCHEMA_ADDED_TO_OPEN_CONTENT_MODEL")
	default:
		o.say(path, "ITEM_ADDED_TO_OPEN_CONTENT_MODEL")
	}
}
