// Package bench measures the hot path: the stages one by one, and the real binary draining a backlog from PostgreSQL into
// Kafka beside pg_recvlogical draining the same. It holds benchmarks only; `make bench` runs them and prints one table
// (tests/scripts/bench.sh), docs/benchmarks.md says how to read it.
package bench
