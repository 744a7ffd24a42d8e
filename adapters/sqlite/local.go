package sqlite

import (
	"path/filepath"

	"github.com/lienthong/truc/adapters"
)

var (
	_ adapters.Local = (*Source)(nil)
	_ adapters.Local = (*Sink)(nil)
)

// Folders implements adapters.Local: SQLite writes its journal beside the database.
func (s *Source) Folders() []string { return []string{filepath.Dir(s.config.Path)} }

// Folders implements adapters.Local.
func (s *Sink) Folders() []string { return []string{filepath.Dir(s.config.Path)} }
