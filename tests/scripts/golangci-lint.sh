#!/usr/bin/env bash
# Runs the golangci-lint that tools/go.mod pins, built once by setup.sh for this version and this Go.
#
#   golangci-lint.sh run ./...
#   golangci-lint.sh --path      where the program is, or will be
set -euo pipefail
cd "$(dirname "$0")/../.."

version="$(sed -n 's:.*github.com/golangci/golangci-lint/v2 \(v[^ ]*\).*:\1:p' tools/go.mod)"
program="${XDG_CACHE_HOME:-$HOME/.cache}/truc/golangci-lint-$version-$(go env GOVERSION)"
if [[ "${1:-}" == --path ]]; then
  echo "$program"
  exit
fi
tests/scripts/setup.sh lint
exec "$program" "$@"
