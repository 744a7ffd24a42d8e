package compat

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/lienthong/truc/problem"
)

// refOf returns the text of a reference and its keyword.
func refOf(m map[string]any) (keyword, ref string) {
	for _, k := range []string{"$ref", "$dynamicRef", "$recursiveRef"} {
		if ref, ok := m[k].(string); ok {
			return k, ref
		}
	}
	return "", ""
}

// bind finds the target of every $ref in the set. Targets outside the known keywords become places on the way.
func (s *set) bind() error {
	for i := 0; i < len(s.order); i++ {
		p := s.order[i]
		keyword, ref := refOf(p.object())
		if keyword == "" {
			continue
		}
		target, err := s.find(p, ref)
		if err != nil {
			return lost(p.pointer+"/"+keyword, err)
		}
		p.target = target
	}
	return nil
}

// Where a $ref does not lead; lost words them.
var (
	errOutside  = errors.New("the $ref leads out of the schema and its references")
	errNoAnchor = errors.New("the $ref names an anchor that does not exist")
	errNowhere  = errors.New("the $ref leads to a place that does not exist")
)

func (s *set) find(from *place, ref string) (*place, error) {
	if p := s.ids[ref]; p != nil && ref != "" {
		return p, nil
	}
	abs := from.base + ref // most are pointers into the schema itself
	if !strings.HasPrefix(ref, "#/") || strings.Contains(from.base, "#") {
		abs = resolve(from.base, ref)
	}
	if p := s.ids[abs]; p != nil {
		return p, nil
	}
	document, fragment, _ := strings.Cut(abs, "#")
	root := s.ids[document]
	if strings.HasPrefix(ref, "#") && root == nil {
		root = s.places[from.resource+"\x00#"]
	}
	if root == nil { // the literal name of a reference with a fragment
		document, fragment, _ = strings.Cut(ref, "#")
		if root = s.ids[document]; root == nil || document == "" {
			return nil, errOutside
		}
	}
	pointer, err := url.PathUnescape(fragment)
	if err != nil || pointer != "" && pointer[0] != '/' {
		return nil, errNoAnchor
	}
	return s.at(root, pointer)
}

// at follows a JSON pointer below a place.
func (s *set) at(root *place, pointer string) (*place, error) {
	if p := s.places[root.resource+"\x00"+root.pointer+canonical(pointer)]; p != nil {
		return p, nil
	}
	v := root.raw
	for token := range strings.SplitSeq(strings.TrimPrefix(pointer, "/"), "/") {
		token = strings.ReplaceAll(strings.ReplaceAll(token, "~1", "/"), "~0", "~")
		switch c := v.(type) {
		case map[string]any:
			v = c[token]
		case []any:
			var i int
			if _, err := fmt.Sscanf(token, "%d", &i); err != nil || i < 0 || i >= len(c) {
				return nil, errNowhere
			}
			v = c[i]
		default:
			v = nil
		}
		if v == nil {
			return nil, errNowhere
		}
	}
	return s.walk(v, root.draft, root.resource, root.pointer+canonical(pointer), root.base)
}

func canonical(pointer string) string { return strings.TrimSuffix(pointer, "/") }

// inPlace lists the schemas that judge the same value as p does.
func (p *place) inPlace() []*place {
	m := p.object()
	var out []*place
	if p.target != nil {
		out = append(out, p.target)
		if p.draft <= Draft7 {
			return out // what stands beside a $ref is ignored
		}
	}
	for _, k := range []string{"not", "if", "then", "else"} {
		if c := p.child(k); c != nil {
			out = append(out, c)
		}
	}
	for _, k := range []string{"allOf", "anyOf", "oneOf"} {
		list, _ := m[k].([]any)
		for i := range list {
			out = append(out, p.child(k, strconv.Itoa(i)))
		}
	}
	for _, k := range []string{"dependentSchemas", "dependencies"} {
		members, _ := m[k].(map[string]any)
		for _, name := range sortedKeys(members) {
			if c := p.child(k, name); c != nil {
				out = append(out, c)
			}
		}
	}
	return out
}

// finite refuses schemas with which judging one value never ends, or takes ages.
func (s *set) finite() error {
	size := map[*place]int{} // 0: not seen, -1: being measured
	var measure func(*place) (int, error)
	measure = func(p *place) (int, error) {
		switch n := size[p]; {
		case n < 0:
			return 0, bad(p.pointer, problem.Say("this refers back to itself without stepping into a property or an item"), problem.Say("remove one $ref of the circle"))
		case n > 0:
			return n, nil
		}
		size[p] = -1
		n := 1
		p.judging = p.inPlace()
		for _, next := range p.judging {
			m, err := measure(next)
			if err != nil {
				return 0, err
			}
			if n += m; n > maxExpansion {
				return 0, bad(p.pointer, problem.Say("this has more than %d subschemas for one value with all $refs written out", maxExpansion), problem.Say("include each definition once"))
			}
		}
		size[p] = n
		return n, nil
	}
	for _, p := range s.order {
		if _, err := measure(p); err != nil {
			return err
		}
	}
	return nil
}
