package compat

func (e *evaluation) object(p *place, v map[string]any, own *seen) bool {
	m := p.object()
	if !e.counted(p, "minProperties", "maxProperties", func() int { return len(v) }) {
		return false
	}
	e.work.spend(len(p.requiredList))
	for _, name := range p.requiredList {
		if _, has := v[name]; !has {
			return e.fail(p, "required")
		}
	}
	if !e.dependent(p, "dependencies", v, own) || !e.members(p, v, own) {
		return false
	}
	if c := p.child("propertyNames"); c != nil && p.draft > Draft4 {
		for _, name := range sortedKeys(v) {
			if !e.holds(c, name, nil) {
				return false
			}
		}
	}
	if p.draft < Draft2019 || m["dependentSchemas"] == nil && m["dependentRequired"] == nil {
		return true
	}
	return e.dependent(p, "dependentSchemas", v, own) && e.dependent(p, "dependentRequired", v, own)
}

// dependent judges what the presence of a member asks for.
func (e *evaluation) dependent(p *place, keyword string, v map[string]any, own *seen) bool {
	members, _ := p.object()[keyword].(map[string]any)
	e.work.spend(len(members))
	for _, name := range p.names(keyword) {
		if _, has := v[name]; !has {
			continue
		}
		list, _ := members[name].([]any)
		e.work.spend(len(list))
		for _, other := range stringsOf(list) {
			if _, has := v[other]; !has {
				return e.fail(p, keyword, name)
			}
		}
		if c := p.child(keyword, name); c != nil && !e.holds(c, v, own) {
			return false
		}
	}
	return true
}

func (e *evaluation) members(p *place, v map[string]any, own *seen) bool {
	m := p.object()
	patterns, rest := p.names("patternProperties"), p.child("additionalProperties")
	if m["properties"] == nil && len(patterns) == 0 && rest == nil {
		return true
	}
	for _, name := range sortedKeys(v) {
		declared := false
		if c := p.child("properties", name); c != nil {
			declared = true
			if !e.holds(c, v[name], nil) {
				return false
			}
		}
		for _, pattern := range patterns {
			matched, known := e.work.matches(pattern, name)
			if !known {
				return e.unknown()
			}
			if !matched {
				continue
			}
			declared = true
			if !e.holds(p.child("patternProperties", pattern), v[name], nil) {
				return false
			}
		}
		if !declared && rest != nil {
			declared = true
			if !e.holds(rest, v[name], nil) {
				return false
			}
		}
		if declared && own != nil {
			e.work.spend(4)
			own.member(name)
		}
	}
	return true
}

func (e *evaluation) array(p *place, v []any, own *seen) bool {
	if !e.counted(p, "minItems", "maxItems", func() int { return len(v) }) {
		return false
	}
	if p.object()["uniqueItems"] == true && !e.unique(v) {
		return e.fail(p, "uniqueItems")
	}
	for i, item := range v {
		c := p.rest
		if i < len(p.first) {
			c = p.first[i]
		}
		if c == nil {
			break
		}
		if !e.holds(c, item, nil) {
			return false
		}
		own.item(i)
	}
	return e.contains(p, v, own)
}

func (e *evaluation) contains(p *place, v []any, own *seen) bool {
	c := p.child("contains")
	if c == nil || p.draft == Draft4 {
		return true
	}
	found := 0
	for i, item := range v {
		if !e.holds(c, item, nil) {
			continue
		}
		found++
		if p.draft == Draft2020 {
			own.item(i)
		}
	}
	least, most := p.number("minContains"), p.number("maxContains")
	if p.draft < Draft2019 || least == nil && most == nil {
		return found > 0 || e.fail(p, "contains")
	}
	if least == nil && found == 0 {
		return e.fail(p, "contains")
	}
	return e.counted(p, "minContains", "maxContains", func() int { return found })
}

// unique says that no two items are equal.
func (e *evaluation) unique(v []any) bool {
	known := make(map[string]bool, len(v))
	for _, item := range v {
		key := e.work.key(item)
		if e.work.over() {
			return e.unknown()
		}
		if known[key] {
			return false
		}
		known[key] = true
	}
	return true
}
