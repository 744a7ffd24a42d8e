#!/usr/bin/env bash
# Runs the tests of all packages (or of those given) with the race detector, against one PostgreSQL and one Kafka that
# are started for the purpose. Fails when something was skipped, unless ALLOW_SKIP=1. The end-to-end tests, which kill and
# restart whole nodes for minutes, have a target of their own: make e2e.
set -euo pipefail
cd "$(dirname "$0")/../.."

if (($# == 0)); then
	mapfile -t packages < <(go list ./... | grep -v -e '/tests/e2e$' -e '/tests/docs$')
	set -- "${packages[@]}"
	echo "make e2e runs tests/e2e and tests/docs, which are left out here"
fi
exec go run ./tests/servers/cmd/suite -race -shuffle=on -count=1 -timeout=15m "$@"
