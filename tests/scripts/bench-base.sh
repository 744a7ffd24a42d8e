#!/usr/bin/env bash
# Compares the stages of the hot path with those of another commit: builds both benchmarks, runs them in turn, and prints the
# ratio of their best times, which a busy machine disturbs least. It reports and never fails: what is slower is for a person
# to judge. BASE is that commit, by default where the branch left main.
set -uo pipefail
cd "$(dirname "$0")/../.."

base=${1:-}
if [ -z "$base" ]; then
  base=$(git merge-base HEAD origin/main 2>/dev/null || git merge-base HEAD main 2>/dev/null) || base=
  [ "$base" = "$(git rev-parse HEAD)" ] && base=HEAD~1
fi
if ! base=$(git rev-parse --verify --quiet "$base^{commit}"); then
  echo "bench-base: there is no commit to compare with"
  exit 0
fi

work=$(mktemp -d)
trap 'git worktree remove --force "$work/base" >/dev/null 2>&1; rm -rf "$work"' EXIT
git worktree add --quiet --detach "$work/base" "$base" || exit 0
# The stages that need no server, by package.
stages='./tests/bench BenchmarkStage/translate
./bus/kafka BenchmarkEncode
./adapters/postgres BenchmarkDecode'
while read -r package _; do
  name=$(basename "$package")
  (cd "$work/base" && go test -c -o "$work/$name.base" "$package") >/dev/null 2>&1
  go test -c -o "$work/$name.now" "$package" >/dev/null 2>&1
done <<<"$stages"
for ((round = 0; round < 6 && (round < 2 || SECONDS < 75); round++)); do
  while read -r package pattern; do
    name=$(basename "$package")
    for which in base now; do
      [ -x "$work/$name.$which" ] || continue
      (cd "$package" && timeout 20 "$work/$name.$which" -test.run='^$' -test.bench="^$pattern" -test.benchtime=50ms 2>/dev/null) |
        awk -v which="$which" '/^Benchmark/ { sub(/-[0-9]+$/, "", $1); print which, $1, $3 }'
    done
  done <<<"$stages"
done | awk -v base="$(git describe --always "$base")" '
  !($2 in seen) { order[++n] = $2; seen[$2] = 1 }
  { key = $1 SUBSEP $2; if (!(key in least) || $3 < least[key]) least[key] = $3 }
  END {
    printf "%-44s %10s %10s %7s\n", "best ns a row, against " base, "base", "now", "ratio"
    for (i = 1; i <= n; i++) {
      b = least["base" SUBSEP order[i]]; w = least["now" SUBSEP order[i]]
      if (b && w) printf "%-44s %10.0f %10.0f %7.2f\n", order[i], b, w, w / b
      else printf "%-44s %10s %10s %7s\n", order[i], b ? sprintf("%.0f", b) : "-", w ? sprintf("%.0f", w) : "-", "-"
    }
  }'
exit 0
