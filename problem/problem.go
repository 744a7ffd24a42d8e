// Package problem holds the one shape in which truc tells a person that something is wrong:
// what, where, and what to do next. Configuration, mappings, schemas and preflight checks all
// report lists of problems, so that `truc check` can show everything at once.
package problem

import "strings"

// Problem is one finding. None of its texts may hold a value of a row, a key or a secret.
type Problem struct {
	// Code is stable and machine-readable, "room.kind" in kebab case: "mapping.unknown-column".
	Code string `json:"code"`
	// Where is a place a person can open: "mappings/khai_sinh.yaml:12:5 fields.hoTen", "sources.hotich.postgres.dsn".
	Where string `json:"where"`
	// What says in one sentence what is wrong, and what was expected.
	What Text `json:"what"`
	// Fix says what to do next; where a statement mends it (SQL, YAML), the statement itself.
	Fix Text `json:"fix"`
	// Warning marks a finding that does not prevent running.
	Warning bool `json:"warning,omitempty"`
}

func (p Problem) Error() string {
	var b strings.Builder
	if p.Where != "" {
		b.WriteString(p.Where)
		b.WriteString(": ")
	}
	b.WriteString(p.What.EN)
	if !p.Fix.Empty() {
		b.WriteString("; fix: ")
		b.WriteString(p.Fix.EN)
	}
	return b.String()
}

// List is a set of findings in the order in which they stand in the input.
type List []Problem

func (l List) Error() string {
	lines := make([]string, len(l))
	for i, p := range l {
		lines[i] = p.Error()
	}
	return strings.Join(lines, "\n")
}

// Err returns the list as an error, or nil when it holds nothing that prevents running.
func (l List) Err() error {
	for _, p := range l {
		if !p.Warning {
			return l
		}
	}
	return nil
}

// Under returns the list with a prefix before each place, for nesting one file's findings in another's.
func (l List) Under(prefix string) List {
	out := make(List, len(l))
	for i, p := range l {
		switch {
		case p.Where == "":
			p.Where = prefix
		case strings.HasPrefix(p.Where, "["):
			p.Where = prefix + p.Where
		default:
			p.Where = prefix + "." + p.Where
		}
		out[i] = p
	}
	return out
}
