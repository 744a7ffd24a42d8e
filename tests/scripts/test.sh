#!/usr/bin/env bash
# Runs the tests of all packages (or of those given) with the race detector, against one PostgreSQL and one Kafka that
# are started for the purpose. Fails when something was skipped, unless ALLOW_SKIP=1.
set -euo pipefail
cd "$(dirname "$0")/../.."

if (($# == 0)); then set -- ./...; fi
exec go run ./tests/servers/cmd/suite -race -shuffle=on -count=1 -timeout=15m "$@"
