// Package all is the list of adapters that the truc binary knows. An adapter of your own goes into a copy of this list.
package all

import (
	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/adapters/postgres"
	"github.com/lienthong/truc/adapters/reference"
	"github.com/lienthong/truc/adapters/sqlite"
)

// Registry returns a new registry of the built-in adapters.
func Registry() *adapters.Registry {
	r := &adapters.Registry{}
	adapters.Register(r, postgres.Adapter)
	adapters.Register(r, sqlite.Adapter)
	adapters.Register(r, reference.Adapter)
	return r
}
