#!/usr/bin/env bash
# Runs the chaos tests N times, from SEED on (at random if it is not given), and every mutant once: chaos.sh N [SEED]. The last line is "N passed, N failed".
# The whole log, with the table of results, is chaos.log in the directory for temporary files.
set -euo pipefail
cd "$(dirname "$0")/../.."

log="${TMPDIR:-/tmp}/chaos.log"
status=0
TRUC_CHAOS_RUNS="${1:-20}" TRUC_CHAOS_SEED="${2:-$RANDOM}" TRUC_CHAOS_MUTANTS=all \
  go test -v -count=1 -timeout=0 ./tests/chaos | tee "$log" | grep -Ev '^(=== |[[:space:]]+node.go)' || status=$?
echo "the whole log: $log"
grep -Eo '[0-9]+ passed, [0-9]+ failed' "$log" | tail -1
exit "$status"
