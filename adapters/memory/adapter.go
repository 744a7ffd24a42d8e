package memory

import (
	"maps"
	"slices"
	"strings"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/problem"
)

// Config is the `memory:` node of a source or a sink, in tests that begin with a configuration file.
type Config struct {
	// Store is the name of one of the stores given to Adapter.
	Store string `yaml:"store"`

	stores map[string]*Store
}

// Validate implements adapters.Config.
func (c *Config) Validate() problem.List {
	if c.stores[c.Store] != nil {
		return nil
	}
	return problem.List{{
		Code: "memory.unknown-store", Where: "store", What: problem.Say("there is no store %q", c.Store),
		Fix: problem.Say("use one of: %s", strings.Join(slices.Sorted(maps.Keys(c.stores)), ", ")),
	}}
}

// Adapter makes stores available to a registry, by name.
func Adapter(stores map[string]*Store) adapters.Adapter[*Config] {
	return adapters.Adapter[*Config]{
		Name:     "memory",
		Doc:      "A database inside the process, for tests.",
		Defaults: func() *Config { return &Config{stores: stores} },
		Source: func(c *Config, env adapters.Env) (adapters.Source, error) {
			return NewSource(c.stores[c.Store], env, Options{}), nil
		},
		Sink: func(c *Config, env adapters.Env) (adapters.Sink, error) {
			return NewSink(c.stores[c.Store], env), nil
		},
	}
}
