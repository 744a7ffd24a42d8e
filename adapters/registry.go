package adapters

import (
	"slices"
	"strings"

	"github.com/lienthong/truc/problem"
)

// Config is what every adapter's configuration struct can do. Fields carry `yaml:"snake_case"` tags; keys that the
// struct does not know are errors.
type Config interface {
	// Validate returns everything that is wrong, with Where relative to the adapter's own node: "dsn". It does no I/O.
	Validate() problem.List
}

// Adapter is the one value a folder exports. C is a pointer to the adapter's own configuration struct.
type Adapter[C Config] struct {
	// Name is the key under which the configuration knows it: "postgres".
	Name string
	// Doc is one sentence for `truc adapter list`.
	Doc string
	// Defaults returns a new configuration with every default filled in.
	Defaults func() C
	// Source and Sink build without I/O; nil where the adapter has no such side.
	Source func(C, Env) (Source, error)
	Sink   func(C, Env) (Sink, error)
}

// Decode fills a configuration struct from the raw node of the file, strictly: unknown keys, wrong types and missing
// secrets come back as problems with their path relative to that node. The config package supplies it.
type Decode func(into any) problem.List

// Registry is the list of adapters a binary knows. It is a value that is passed on, never a global.
type Registry struct {
	entries map[string]entry
}

type entry struct {
	name, doc string
	config    func() Config
	source    func(Decode) (func(Env) (Source, error), problem.List)
	sink      func(Decode) (func(Env) (Sink, error), problem.List)
}

// Register adds an adapter. It panics on a name given twice: that is a programmer's error.
func Register[C Config](r *Registry, a Adapter[C]) {
	if r.entries == nil {
		r.entries = map[string]entry{}
	}
	if _, ok := r.entries[a.Name]; ok {
		panic("adapters: registered twice: " + a.Name)
	}
	e := entry{name: a.Name, doc: a.Doc, config: func() Config { return a.Defaults() }}
	if a.Source != nil {
		e.source = func(d Decode) (func(Env) (Source, error), problem.List) {
			c, l := decode(a, d)
			return func(env Env) (Source, error) { return a.Source(c, env) }, l
		}
	}
	if a.Sink != nil {
		e.sink = func(d Decode) (func(Env) (Sink, error), problem.List) {
			c, l := decode(a, d)
			return func(env Env) (Sink, error) { return a.Sink(c, env) }, l
		}
	}
	r.entries[a.Name] = e
}

func decode[C Config](a Adapter[C], d Decode) (C, problem.List) {
	c := a.Defaults()
	l := d(c)
	if l.Err() == nil {
		l = append(l, c.Validate()...)
	}
	return c, l
}

// Names returns the registered names, sorted; source and sink filter those that have that side.
func (r *Registry) Names(source, sink bool) []string {
	var names []string
	for n, e := range r.entries {
		if source && e.source == nil || sink && e.sink == nil {
			continue
		}
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}

// Doc returns the sentence of an adapter.
func (r *Registry) Doc(name string) string { return r.entries[name].doc }

// Config returns a new configuration of an adapter with its defaults, nil for one that is not registered.
func (r *Registry) Config(name string) Config {
	e, ok := r.entries[name]
	if !ok {
		return nil
	}
	return e.config()
}

// Source decodes the configuration of a source and returns its constructor. The problems' places are relative to the adapter's node.
func (r *Registry) Source(name string, d Decode) (func(Env) (Source, error), problem.List) {
	e, ok := r.entries[name]
	if !ok || e.source == nil {
		return nil, unknown(name, "source", r.Names(true, false))
	}
	return e.source(d)
}

// Sink is Source for sinks.
func (r *Registry) Sink(name string, d Decode) (func(Env) (Sink, error), problem.List) {
	e, ok := r.entries[name]
	if !ok || e.sink == nil {
		return nil, unknown(name, "sink", r.Names(false, true))
	}
	return e.sink(d)
}

func unknown(name, side string, known []string) problem.List {
	return problem.List{{
		Code: "config.unknown-adapter",
		What: problem.Say("there is no %s adapter %q", side, name),
		Fix:  problem.Say("use one of: %s", strings.Join(known, ", ")),
	}}
}
