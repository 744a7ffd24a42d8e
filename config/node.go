package config

import (
	"reflect"
	"strings"

	"github.com/lienthong/truc/problem"
)

// Node is the part of the file that belongs to one adapter. It stays raw until the adapter's own struct is known.
type Node struct {
	file *file
	spot spot
}

// Decode fills the struct that into points to, with the signature of adapters.Decode: an unknown key, a wrong type or a
// missing value is a problem whose place is relative to this node ("dsn"). No problem shows a secret. A reference that leads
// nowhere is reported here as it was by Load, so that the adapter does not take the value for absent.
func (n Node) Decode(into any) problem.List {
	var out problem.List
	if n.file == nil {
		return nil
	}
	d := &decoder{file: n.file, report: func(s spot, p problem.Problem) {
		p.Where = strings.TrimPrefix(strings.TrimPrefix(s.path, n.spot.path), ".")
		out = append(out, p)
	}}
	d.value(n.spot, reflect.ValueOf(into).Elem())
	return out
}

// Locate turns places relative to this node, as Decode and an adapter's Validate give them, into places in the file:
// "dsn" becomes "truc.yaml:12:5 sources.hotich.postgres.dsn". A key that is not in the file is placed at what should hold it.
func (n Node) Locate(l problem.List) problem.List {
	if n.file == nil {
		return l
	}
	out := make(problem.List, len(l))
	for i, p := range l {
		path := n.spot.path
		switch {
		case strings.HasPrefix(p.Where, "["):
			path += p.Where
		case p.Where != "":
			path = join(path, p.Where)
		}
		p.Where = n.file.place(n.spot.follow(p.Where).at, path)
		out[i] = p
	}
	return out
}
