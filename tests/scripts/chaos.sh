#!/usr/bin/env bash
# Runs the chaos tests N times, from SEED on (at random if it is not given), two runs side by side, and every mutant once:
# chaos.sh N [SEED [KEEP]]. The last line is "N passed, N failed". With KEEP the report is kept and shown in docs/chaos.md.
# The whole log is chaos.log in the directory for temporary files.
set -euo pipefail
cd "$(dirname "$0")/../.."

log="${TMPDIR:-/tmp}/chaos.log"
report="${TRUC_CHAOS_REPORT:-${TMPDIR:-/tmp}/chaos.json}"
rm -f "$report"
status=0
TRUC_CHAOS_RUNS="${1:-20}" TRUC_CHAOS_SEED="${2:-$RANDOM}" TRUC_CHAOS_LANES="${TRUC_CHAOS_LANES:-2}" TRUC_CHAOS_MUTANTS=all TRUC_CHAOS_REPORT="$report" \
  go test -v -count=1 -timeout=0 -run='^(TestChaos|TestMutants)$' ./tests/chaos | tee "$log" | grep -Ev '^(=== |[[:space:]]+node.go)' || status=$?
if [ -n "${3:-}" ]; then
  cp "$report" tests/chaos/testdata/report.json
  go test -count=1 -run='^TestPage$' ./tests/chaos -update
fi
echo "the whole log: $log; the report: $report"
grep -Eo '[0-9]+ passed, [0-9]+ failed' "$log" | tail -1
exit "$status"
