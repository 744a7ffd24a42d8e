#!/usr/bin/env bash
# Measures the hot path, stage by stage and whole, and prints one table; docs/benchmarks.md says how to read it. It takes
# about five minutes. TRUC_BENCH_ROWS=1000000 makes the backlog larger than 300,000 rows.
set -euo pipefail
cd "$(dirname "$0")/../.."

tests/scripts/setup.sh servers
{
  go test -run='^$' -bench='^BenchmarkDecode$' -benchmem -count=3 -benchtime=0.5s ./adapters/postgres
  go test -run='^$' -bench='^BenchmarkStage$' -count=3 -benchtime=0.5s -timeout=10m ./tests/bench
  go test -run='^$' -bench='^BenchmarkEncode$' -benchmem -count=3 -benchtime=0.5s ./bus/kafka
  go test -run='^$' -bench='^BenchmarkPublish$' -count=3 -benchtime=0.5s -timeout=10m ./tests/bench
  go test -run='^$' -bench='^BenchmarkDrain$' -benchtime=1x -timeout=20m ./tests/bench
} | go run ./tests/bench/table
