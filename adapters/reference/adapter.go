// Package reference is a source of what comes with the program: the code lists and administrative units that the node knows, as
// tables. They change when another version of the program, or of a folder of standards, is started; what differs then from what
// was published is published, and nothing else.
//
// Where to look: source.go reading · plan.go what is to be said, and in which order · digest.go what was said.
package reference

import (
	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/problem"
)

// Config is the `reference:` node of a source. It has no settings: the tables are those of the node.
type Config struct{}

// Validate implements adapters.Config.
func (*Config) Validate() problem.List { return nil }

// Adapter is what the registry knows.
var Adapter = adapters.Adapter[*Config]{
	Name:     "reference",
	Doc:      "The code lists and administrative units that this node knows: published once, then what changes in them.",
	Defaults: func() *Config { return &Config{} },
	Source:   func(_ *Config, env adapters.Env) (adapters.Source, error) { return NewSource(env), nil },
}
