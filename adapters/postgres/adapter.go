// Package postgres is the adapter for PostgreSQL 15 and later. As a source it reads the logical replication stream of one
// slot; as a sink it writes rows and offsets in one transaction. README.md beside this file says how.
package postgres

import "github.com/lienthong/truc/adapters"

// Adapter is what the registry knows.
var Adapter = adapters.Adapter[*Config]{
	Name:     "postgres",
	Doc:      "PostgreSQL 15 or later: reads the logical replication log, writes by upsert.",
	Defaults: defaults,
	Source:   func(c *Config, env adapters.Env) (adapters.Source, error) { return newSource(c, env) },
	Sink:     newSink,
}
