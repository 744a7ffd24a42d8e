// Package sqlite is the adapter for SQLite files, and the smallest full adapter of truc: the one to copy.
//
//	Source: triggers write every change into truc_change, in the application's own transaction; Read follows that table.
//	Sink:   rows, bookkeeping and offsets are written in one transaction.
//
// Where to look: config.go what a user writes · database.go the file and its errors · cell.go values · capture.go the
// triggers · source.go, snapshot.go reading · sink.go, entity.go, write.go, rejection.go applying · describe.go what is there.
// README.md says what it promises and what it asks for.
package sqlite

import "github.com/lienthong/truc/adapters"

// Adapter is what the registry knows.
var Adapter = adapters.Adapter[*Config]{
	Name:     "sqlite",
	Doc:      "SQLite files: reads changes by triggers, writes rows by key.",
	Defaults: defaults,
	Source:   func(c *Config, env adapters.Env) (adapters.Source, error) { return NewSource(c, env), nil },
	Sink:     func(c *Config, env adapters.Env) (adapters.Sink, error) { return NewSink(c, env), nil },
}
