#!/usr/bin/env bash
# Fuzzes every fuzz target of the module, one after the other, for FUZZTIME each (30s). A failure leaves its input in the
# package's testdata/fuzz: commit it with the mend.
set -euo pipefail
cd "$(dirname "$0")/../.."

found=0
while IFS=: read -r file target; do
  found=$((found + 1))
  echo "fuzz: $target in $(dirname "$file")"
  go test -run='^$' -fuzz="^$target\$" -fuzztime="${FUZZTIME:-30s}" "./$(dirname "$file")"
done < <(git ls-files --cached --others --exclude-standard '*_test.go' |
  xargs -r grep -Ho '^func Fuzz[A-Za-z0-9_]*' | sed 's/func //' | sort)
echo "fuzz: $found targets, no failure"
