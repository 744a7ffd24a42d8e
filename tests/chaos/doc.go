// Package chaos breaks things while truc works, and compares what arrived with what was written.
//
// A run starts the real binary, a publisher and a subscriber, against real PostgreSQL and Apache Kafka, or one node that is both
// on its embedded bus. Clerks change a
// table and keep a book of every change that was committed: that book is the truth. Meanwhile faults are injected, chosen
// by the run's seed. At the end the topic (read with kcat) and everything that was ever written at the sink (kept there by a
// trigger) are compared with the book: nothing lost, nothing twice, nothing out of order. None of it uses code of truc.
//
// Environment:
//
//	TRUC_CHAOS_RUNS   number of runs; by default four with one fault each, of different families
//	TRUC_CHAOS_SEED   seed of the first run, 1 by default; the others follow it
//	TRUC_CHAOS_FAULTS names of the faults to choose from, separated by commas; all by default
//	TRUC_CHAOS_LANES  how many runs go on side by side, 1 by default
//	TRUC_CHAOS_MUTANTS=all   try every mutant, not one; part of a name: those
//	TRUC_CHAOS_REPORT file for the results, in JSON
package chaos
