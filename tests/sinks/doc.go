// Package sinks holds the tests of sink mappings end to end: events through a mapping into a table, at every adapter alike.
package sinks
