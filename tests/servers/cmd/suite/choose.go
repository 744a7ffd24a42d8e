package main

// Why a package is tested without the race detector, which sees only what happens in the test's own process.
const (
	alone    = "nothing in it, nor in what it imports of truc, starts a goroutine"
	drives   = "it drives the binary, which is built without the detector"
	measures = "it measures; what it tests is how numbers are shown"
)

// withoutRace are the packages that are tested without the race detector, with the reason. It costs a second build of everything, and
// two to ten times the work. TestWithoutRace holds the table to what the packages do.
func withoutRace() map[string]string {
	return map[string]string{
		"adapters":               alone,
		"adapters/memory":        alone,
		"adapters/reference":     alone,
		"adapters/snapshot":      alone,
		"mapping/value":          alone,
		"problem":                alone,
		"record":                 alone,
		"schemas/governance":     alone,
		"schemas/match":          alone,
		"schemas/units":          alone,
		"schemas/units/generate": alone,
		"sheet":                  alone,
		"tests/bench/table":      alone,
		"tests/messages":         alone,
		"trial":                  alone,

		"tests/chaos":   drives,
		"tests/clients": drives,
		"tests/docs":    drives,
		"tests/e2e":     drives,
		"tests/year":    drives,

		"tests/bench":    measures,
		"tests/peers":    measures,
		"tests/workload": measures,
	}
}

// onOneVersion are the end-to-end tests that need not run on every version of PostgreSQL, with their subject. What a version can
// change in them is tested on all: in adapters/postgres with the same statements, or by the end-to-end tests that stay. Those are about
// snapshots, the log, slots, fail-over, what becomes of a table while it is followed, and what a sink writes and compares.
func onOneVersion() map[string]string {
	return map[string]string{
		"TestDemo":               "the embedded bus and SQLite: no PostgreSQL",
		"TestDemoEnds":           "the same",
		"TestDemoWithoutNetwork": "the same",
		"TestDiskFull":           "the same",
		"TestEmbeddedBusInUse":   "the same",
		"TestPage":               "the same, and Chromium",
		"TestOtherPartitions":    "the partitions of a topic",
		"TestWhoUsesWhat":        "the topic truc.uses",
		"TestWire":               "CloudEvents on Kafka; types of PostgreSQL are in adapters/postgres (TestTypes…)",
	}
}
