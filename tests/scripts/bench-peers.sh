#!/usr/bin/env bash
# Measures truc and Kafka Connect with Debezium on the same work, in alternation, and writes docs/benchmarks.md with its charts.
# It takes the better part of an hour on 2 cores; let the machine have nothing else to do. A run that is cut short leaves the page
# of what it has measured, and the next start goes on with it.
#
#   QUICK=1                 a twentieth of the rows, one round; the page goes to bin/bench-peers-quick
#   FRESH=1                 begins anew
#   ONLY=inserts,snapshot   measures: inserts kill snapshot latency delivery transaction start updates mix small large huge producer
#   ROWS=400000 ROUNDS=5    other than 1,000,000 and 3
set -euo pipefail
cd "$(dirname "$0")/../.."

tests/scripts/setup.sh peers
flags=(-peers)
if [[ -n "${QUICK:-}" ]]; then flags+=(-quick); fi
if [[ -n "${FRESH:-}" ]]; then flags+=(-fresh); fi
if [[ -n "${ONLY:-}" ]]; then flags+=("-only=$ONLY"); fi
if [[ -n "${ROWS:-}" ]]; then flags+=("-rows=$ROWS"); fi
if [[ -n "${ROUNDS:-}" ]]; then flags+=("-rounds=$ROUNDS"); fi
exec go test -count=1 -timeout=0 -v -run='^TestMeasure$' ./tests/peers "${flags[@]}"
