// Package year runs a year of a province through the real binary, in minutes: the first load of all its citizens, then 365 days
// of changes in small transactions, with kills and a subscriber that is away for a month; at the end both sides are compared.
//
//	make year POPULATION=14000000
//
// The tests run it with a thousandth of the largest province. docs/scale.md says what the whole took.
package year
