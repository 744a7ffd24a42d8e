package main

import (
	"fmt"
	"math"
)

// target is something that truc is to reach, as a number taken from the results.
type target struct {
	what  string
	least string // as it is said
	aim   string
	// value computes it: one number a round. met and aimed compare its median.
	value      func(b *Book) []float64
	met, aimed func(v float64) bool
	say        func(v float64) string
}

func times(v float64) string   { return fmt.Sprintf("%.1f ×", v) }
func seconds(v float64) string { return fmt.Sprintf("%.2f s", v) }

func oneIn(v float64) string {
	return fmt.Sprintf("1/%.1f", 1/v)
}

func atLeast(limit float64) func(float64) bool { return func(v float64) bool { return v >= limit } }
func atMost(limit float64) func(float64) bool  { return func(v float64) bool { return v <= limit } }

// targets are what is promised about speed. Ratios are taken within a round, their median counts.
func targets() []target {
	ratio := func(measure, contestant, value, other, otherValue string) func(*Book) []float64 {
		return func(b *Book) []float64 { return b.Ratios(measure, contestant, value, other, otherValue) }
	}
	plain := func(measure, value string) func(*Book) []float64 {
		return func(b *Book) []float64 { return b.Values(measure, Truc, value) }
	}
	// sooner divides a percentile of truc by the best of Debezium's two profiles, round by round.
	sooner := func(value string) func(*Book) []float64 {
		return func(b *Book) []float64 {
			tuned, quick := b.Ratios(Latency1k, Truc, value, DebeziumTuned, value), b.Ratios(Latency1k, Truc, value, DebeziumLatency, value)
			var worst []float64
			for i := range min(len(tuned), len(quick)) {
				worst = append(worst, math.Max(tuned[i], quick[i]))
			}
			return worst
		}
	}
	return []target{
		{
			"backlog of inserts, translated and checked, against Debezium tuned (a plain copy), whole run", "5 ×", "7 ×",
			ratio(Inserts, Truc, Rate, DebeziumTuned, Rate), atLeast(5), atLeast(7), times,
		},
		{
			"the same against the warm second half of Debezium's run", "4 ×", "5.5 ×",
			ratio(Inserts, Truc, Rate, DebeziumTuned, RateWarm), atLeast(4), atLeast(5.5), times,
		},
		{
			"the same against `pg_recvlogical`", "1.2 ×", "1.5 ×",
			ratio(Inserts, Truc, Rate, RecvLogical, Rate), atLeast(1.2), atLeast(1.5), times,
		},
		{"`kill -9` in the middle: duplicates on the topic", "0", "0", plain(Kill, Duplicates), atMost(0), atMost(0), number},
		{"`kill -9` in the middle: events lost", "0", "0", plain(Kill, Lost), atMost(0), atMost(0), number},
		{"`kill -9` in the middle: going on after the restart", "–", "< 1 s", plain(Kill, GoOn), atMost(math.Inf(1)), atMost(1), seconds},
		{
			"CPU seconds per million events, against Debezium tuned", "1/8", "1/12",
			ratio(Inserts, Truc, CPU, DebeziumTuned, CPU), atMost(1.0 / 8), atMost(1.0 / 12), oneIn,
		},
		{"peak memory, against Debezium tuned", "1/15", "1/20", ratio(Inserts, Truc, Peak, DebeziumTuned, Peak), atMost(1.0 / 15), atMost(1.0 / 20), oneIn},
		{"peak memory through one transaction of all rows", "1/15", "1/20", ratio(AtOnce, Truc, Peak, DebeziumTuned, Peak), atMost(1.0 / 15), atMost(1.0 / 20), oneIn},
		{"first snapshot, translated and checked, against Debezium tuned", "5 ×", "8 ×", ratio(Snapshot, Truc, Rate, DebeziumTuned, Rate), atLeast(5), atLeast(8), times},
		{"latency at 1,000 tx/s: p50, against the best of Debezium's profiles", "0.5 ×", "–", sooner(P50), atMost(0.5), atMost(0.5), times2},
		{"latency at 1,000 tx/s: p99, against the best of Debezium's profiles", "1 ×", "–", sooner(P99), atMost(1), atMost(1), times2},
		{"latency at 1,000 tx/s: p50", "–", "2 ms", plain(Latency1k, P50), atMost(math.Inf(1)), atMost(2), milliseconds},
		{"latency at 1,000 tx/s: p99", "–", "20 ms", plain(Latency1k, P99), atMost(math.Inf(1)), atMost(20), milliseconds},
		{"topic → table, empty, against Debezium's JDBC sink", "5 ×", "8 ×", ratio(Empty, Truc, Rate, DebeziumTuned, Rate), atLeast(5), atLeast(8), times},
		{"topic → table, filled, against Debezium's JDBC sink", "5 ×", "8 ×", ratio(Filled, Truc, Rate, DebeziumTuned, Rate), atLeast(5), atLeast(8), times},
		{"topic → table, empty, against `INSERT … SELECT … ON CONFLICT`", "0.25 ×", "0.4 ×", ratio(Empty, Truc, Rate, InsertSelect, Rate), atLeast(0.25), atLeast(0.4), times2},
		{"topic → table, filled, against the same", "0.25 ×", "0.4 ×", ratio(Filled, Truc, Rate, InsertSelect, Rate), atLeast(0.25), atLeast(0.4), times2},
		{"start of the process to the first event", "1 s", "0.3 s", plain(Start, FirstEvent), atMost(1), atMost(0.3), seconds},
		{"the embedded bus instead of Kafka", "0.9 ×", "1 ×", ratio(Inserts, TrucEmbedded, Rate, Truc, Rate), atLeast(0.9), atLeast(1), times2},
	}
}

func times2(v float64) string       { return fmt.Sprintf("%.2f ×", v) }
func milliseconds(v float64) string { return fmt.Sprintf("%.1f ms", v) }

// busy is the rate of the tuned peer below which a run does not count: the machine had something else to do.
const busy = 17_000

// Invalid lists rounds of the inserts in which the tuned peer was slower than it is on a quiet machine.
func (b *Book) Invalid() []int {
	var rounds []int
	for _, r := range b.of(Inserts, DebeziumTuned) {
		if r.Values[Rate] < busy {
			rounds = append(rounds, r.Round+1)
		}
	}
	return rounds
}
