package schemas

import (
	"net/url"
	"slices"
	"strings"

	"github.com/lienthong/truc/problem"
)

const (
	// How large a schema may become with all $refs written out. Validators judge every branch, so definitions that
	// each include the next one twice double the work at every step.
	maxExpansion = 50_000
	refFix       = `refer to "#/definitions/<name>" in this file, or to "<$id of a file in the set>#/definitions/<name>"`
)

// resolve binds every $ref of a file to its target in the set.
func (f *schemaFile) resolve(byID map[string]*schemaFile) problem.List {
	var ps problem.List
	for _, s := range f.all {
		if s.ref == "" {
			continue
		}
		bad := func(what problem.Text) {
			ps = append(ps, problem.Problem{Code: "schema.ref", Where: s.where() + "/$ref", What: what, Fix: problem.Say(refFix)})
		}
		base, err := url.Parse(f.id)
		if err != nil {
			continue // the $id is already a problem
		}
		u, err := base.Parse(s.ref)
		if err != nil {
			bad(problem.Say("the $ref is not a URI reference"))
			continue
		}
		fragment := u.Fragment
		u.Fragment = ""
		file, inSet := byID[u.String()]
		if !inSet {
			bad(problem.Say("the $ref leads out of the set of schemas, and nothing is ever fetched"))
			continue
		}
		name, isDefinition := strings.CutPrefix(fragment, "/definitions/")
		switch {
		case fragment == "":
			s.target = file.root
		case !isDefinition || strings.ContainsAny(name, "/~"):
			bad(problem.Say("the $ref leads to a place that is neither a file nor one of its definitions"))
		case file.definitions[name] == nil:
			bad(problem.Say("the $ref leads to a definition that does not exist"))
		default:
			s.target = file.definitions[name]
		}
	}
	return ps
}

// reached lists the file itself and all files its $refs lead to.
func (f *schemaFile) reached() []*schemaFile {
	files := []*schemaFile{f}
	for i := 0; i < len(files); i++ {
		for _, s := range files[i].all {
			if s.target != nil && !slices.Contains(files, s.target.file) {
				files = append(files, s.target.file)
			}
		}
	}
	return files
}

// recursion refuses what would make a validator run for ever or for ages on some document: refs that come back to
// themselves without stepping into the document (gojsonschema then kills the process), recursion through several
// branches for one value, and definitions that multiply.
func recursion(files []*schemaFile) problem.List {
	var all []*schema
	for _, f := range files {
		all = append(all, f.all...)
	}
	if ps := endless(all); len(ps) > 0 {
		return ps
	}
	component := components(all, func(s *schema) []*schema { return slices.Concat(s.sameValue(), s.innerValue()) })
	size := map[*schema]int{}
	for _, s := range all {
		if returns(s, component) > 1 {
			return problem.List{{
				Code: "schema.expansion", Where: s.where(), What: problem.Say("the schema comes back to itself through several branches for one value: the work doubles with each level of the document"),
				Fix: problem.Say("let recursion pass through one branch only, such as one property or one items"),
			}}
		}
		if expansion(s, component, size) > maxExpansion {
			return problem.List{{
				Code: "schema.expansion", Where: s.where(), What: problem.Say("with all $refs written out the schema has more than 50,000 subschemas"),
				Fix: problem.Say("include each definition once"),
			}}
		}
	}
	return nil
}

// returns counts in how many ways one value, or one part of it, can lead back into the component of s.
func returns(s *schema, component map[*schema]int) int {
	back := func(next []*schema) (n int) {
		for _, t := range next {
			if component[t] == component[s] {
				n++
			}
		}
		return n
	}
	n := back(s.sameValue()) + back(s.inside)
	// Properties, additionalProperties and items apply to different parts, so they count once together.
	for _, t := range s.innerValue() {
		if component[t] == component[s] && !slices.Contains(s.inside, t) {
			return n + 1
		}
	}
	return n
}

// expansion is the number of subschemas with all $refs written out; a step back into the own component counts nothing.
func expansion(s *schema, component map[*schema]int, known map[*schema]int) int {
	if n, ok := known[s]; ok {
		return n
	}
	n := 1
	for _, next := range slices.Concat(s.sameValue(), s.innerValue()) {
		if component[next] != component[s] {
			n = min(n+expansion(next, component, known), maxExpansion+1)
		}
	}
	known[s] = n
	return n
}

func endless(all []*schema) problem.List {
	component := components(all, (*schema).sameValue)
	count := map[int]int{}
	for _, s := range all {
		count[component[s]]++
	}
	var ps problem.List
	for _, s := range all {
		if count[component[s]] > 1 || slices.Contains(s.sameValue(), s) {
			ps = append(ps, problem.Problem{
				Code: "schema.endless", Where: s.where(), What: problem.Say("the schema refers back to itself without stepping into a property or an item: checking would never end"),
				Fix: problem.Say("remove one $ref of the circle"),
			})
		}
	}
	return ps
}

// components numbers the strongly connected components of a graph (Tarjan).
func components[N comparable](nodes []N, next func(N) []N) map[N]int {
	type state struct {
		order, low int
		open       bool
	}
	states, component := map[N]*state{}, map[N]int{}
	var stack []N
	var visit func(N) *state
	visit = func(n N) *state {
		s := &state{order: len(states), low: len(states), open: true}
		states[n] = s
		stack = append(stack, n)
		for _, m := range next(n) {
			switch t := states[m]; {
			case t == nil:
				s.low = min(s.low, visit(m).low)
			case t.open:
				s.low = min(s.low, t.order)
			}
		}
		if s.low == s.order {
			for {
				m := stack[len(stack)-1]
				stack = stack[:len(stack)-1]
				states[m].open = false
				component[m] = s.order
				if m == n {
					break
				}
			}
		}
		return s
	}
	for _, n := range nodes {
		if states[n] == nil {
			visit(n)
		}
	}
	return component
}
