package compat

func (c *comparison) compareObjects(o *outcome, old, updated *shape) {
	c.work.spend(16)
	c.compareRequired(o, old, updated)
	c.compareProperties(o, old, updated)
	c.compareDependencies(o, old, updated)
	compareOpenness(o, "additionalProperties", "ADDITIONAL_PROPERTIES", old, updated)
	compareUnevaluated(o, "unevaluatedProperties", "UNEVALUATED_PROPERTIES", old, updated)
	compareBound(o, "maxProperties", "MAX_PROPERTIES", old.number("maxProperties"), updated.number("maxProperties"))
	compareBound(o, "minProperties", "MIN_PROPERTIES", old.number("minProperties"), updated.number("minProperties"))
}

// compareRequired looks at the properties that both versions declare.
func (c *comparison) compareRequired(o *outcome, old, updated *shape) {
	for _, name := range old.place.names("properties") {
		c.work.spend(4)
		if updated.at("properties", name) == nil {
			continue
		}
		was, is := old.place.required[name], updated.place.required[name]
		switch path := join("required", name); {
		case was && !is:
			o.say(path, "REQUIRED_ATTRIBUTE_REMOVED")
		case !was && is && updated.hasDefault(name):
			o.say(path, "REQUIRED_ATTRIBUTE_WITH_DEFAULT_ADDED")
		case !was && is:
			o.say(path, "REQUIRED_ATTRIBUTE_ADDED")
		}
	}
}

func (s *shape) hasDefault(property string) bool {
	_, has := s.place.child("properties", property).object()["default"]
	return has
}

func (c *comparison) compareProperties(o *outcome, old, updated *shape) {
	for _, name := range old.place.names("properties") {
		c.work.spend(4)
		before, after := old.at("properties", name), updated.at("properties", name)
		path := join("properties", name)
		if after != nil {
			o.meet(path, before, after)
			continue
		}
		open, rest := c.undeclared(updated, name)
		switch {
		case open:
			o.say(path, "PROPERTY_REMOVED_FROM_OPEN_CONTENT_MODEL")
		case rest != nil && c.compatible(pair{before, rest}):
			o.meet(path, before, rest)
			o.say(path, "PROPERTY_REMOVED_IS_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL")
		case rest != nil:
			o.meet(path, before, rest)
			o.say(path, "PROPERTY_REMOVED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL")
		case before.kind == kindFalse:
			o.say(path, "PROPERTY_WITH_FALSE_REMOVED_FROM_CLOSED_CONTENT_MODEL")
		default:
			o.say(path, "PROPERTY_REMOVED_FROM_CLOSED_CONTENT_MODEL")
		}
	}
	for _, name := range updated.place.names("properties") {
		c.work.spend(4)
		if old.at("properties", name) == nil {
			c.compareAdded(o, old, updated, name)
		}
	}
}

func (c *comparison) compareAdded(o *outcome, old, updated *shape, name string) {
	after, path := updated.at("properties", name), join("properties", name)
	open, rest := c.undeclared(old, name)
	if open {
		if after.kind == kindEmpty {
			o.say(path, "PROPERTY_WITH_EMPTY_SCHEMA_ADDED_TO_OPEN_CONTENT_MODEL")
		} else {
			o.say(path, "PROPERTY_ADDED_TO_OPEN_CONTENT_MODEL")
		}
		return
	}
	if rest != nil {
		o.meet(path, rest, after)
		if c.compatible(pair{rest, after}) {
			o.say(path, "PROPERTY_ADDED_IS_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL")
		} else {
			o.say(path, "PROPERTY_ADDED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL")
		}
	}
	switch required := updated.place.required[name]; {
	case !required:
		o.say(path, "OPTIONAL_PROPERTY_ADDED_TO_UNOPEN_CONTENT_MODEL")
	case updated.hasDefault(name):
		o.say(path, "REQUIRED_PROPERTY_WITH_DEFAULT_ADDED_TO_UNOPEN_CONTENT_MODEL")
	default:
		o.say(path, "REQUIRED_PROPERTY_ADDED_TO_UNOPEN_CONTENT_MODEL")
	}
}

// undeclared says what an object accepts under a name it does not declare: anything, a schema, or nothing.
func (c *comparison) undeclared(s *shape, name string) (open bool, rest *shape) {
	patterns := s.place.names("patternProperties")
	for _, pattern := range patterns {
		if matched, _ := c.work.matches(pattern, name); matched {
			return false, s.at("patternProperties", pattern)
		}
	}
	switch additional := s.value("additionalProperties"); additional {
	case true:
		return len(patterns) == 0, nil
	case false:
		return false, nil
	default:
		if additional != nil {
			return false, s.at("additionalProperties")
		}
	}
	rest = s.at("unevaluatedProperties")
	switch {
	case rest == nil || rest.kind == kindEmpty:
		return len(patterns) == 0, nil
	case rest.kind == kindFalse:
		return false, nil
	}
	return false, rest
}

// compareOpenness compares additionalProperties or additionalItems: true and absent are the same.
func compareOpenness(o *outcome, keyword, name string, old, updated *shape) {
	read := func(s *shape) (closed bool, schema *shape) {
		switch v := s.value(keyword); v {
		case nil, true:
			return false, nil
		case false:
			return true, nil
		}
		return false, s.at(keyword)
	}
	closed, before := read(old)
	closedNow, after := read(updated)
	switch {
	case closed && !closedNow:
		o.say(keyword, Rule(name+"_ADDED"))
	case !closed && closedNow:
		o.say(keyword, Rule(name+"_REMOVED"))
	case before == nil && after != nil:
		o.say(keyword, Rule(name+"_NARROWED"))
	case before != nil && after == nil:
		o.say(keyword, Rule(name+"_EXTENDED"))
	default:
		o.meet(keyword, before, after)
	}
}

// compareUnevaluated compares unevaluatedProperties or unevaluatedItems.
func compareUnevaluated(o *outcome, keyword, name string, old, updated *shape) {
	before, after := old.at(keyword), updated.at(keyword)
	nothing := func(s *shape) bool { return s != nil && s.kind == kindFalse }
	anything := func(s *shape) bool { return s == nil || s.kind == kindEmpty }
	switch {
	case anything(before) && anything(after):
		if before == nil && after != nil {
			o.say(keyword, Rule(name+"_NARROWED")) // as the table has it
		} else if before != nil && after == nil {
			o.say(keyword, Rule(name+"_EXTENDED"))
		}
	case nothing(before) && !nothing(after):
		o.say(keyword, Rule(name+"_ADDED"))
	case !nothing(before) && nothing(after):
		o.say(keyword, Rule(name+"_REMOVED"))
	case anything(before):
		o.say(keyword, Rule(name+"_NARROWED"))
	case anything(after):
		o.say(keyword, Rule(name+"_EXTENDED"))
	default:
		o.meet(keyword, before, after)
	}
}

func (c *comparison) compareDependencies(o *outcome, old, updated *shape) {
	for _, keyword := range []string{"dependencies", "dependentRequired"} {
		before, after := old.dependentNames(keyword), updated.dependentNames(keyword)
		for _, name := range sortedKeys(before) {
			was := before[name]
			is, stays := after[name]
			path := join(keyword, name)
			c.work.spend(8 + 8*(len(was)+len(is)))
			switch more, fewer := within(was, is), within(is, was); {
			case !stays:
				o.say(path, "DEPENDENCY_ARRAY_REMOVED")
			case more && fewer:
			case more:
				o.say(path, "DEPENDENCY_ARRAY_EXTENDED")
			case fewer:
				o.say(path, "DEPENDENCY_ARRAY_NARROWED")
			default:
				o.say(path, "DEPENDENCY_ARRAY_CHANGED")
			}
		}
		for _, name := range sortedKeys(after) {
			if _, known := before[name]; !known {
				o.say(join(keyword, name), "DEPENDENCY_ARRAY_ADDED")
			}
		}
	}
	for _, keyword := range []string{"dependencies", "dependentSchemas"} {
		for _, name := range old.place.names(keyword) {
			c.work.spend(4)
			before, after := old.at(keyword, name), updated.at(keyword, name)
			if before != nil && after == nil {
				o.say(join(keyword, name), "DEPENDENCY_SCHEMA_REMOVED")
			} else {
				o.meet(join(keyword, name), before, after)
			}
		}
		for _, name := range updated.place.names(keyword) {
			c.work.spend(4)
			if old.at(keyword, name) == nil && updated.at(keyword, name) != nil {
				o.say(join(keyword, name), "DEPENDENCY_SCHEMA_ADDED")
			}
		}
	}
}

// dependentNames are the lists of a dependency keyword.
func (s *shape) dependentNames(keyword string) map[string][]any {
	out := map[string][]any{}
	for name, v := range s.members(keyword) {
		if list, ok := v.([]any); ok {
			out[name] = list
		}
	}
	return out
}
