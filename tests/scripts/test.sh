#!/usr/bin/env bash
# Runs the tests of all packages (or of those given), with the race detector where it sees something, against one PostgreSQL
# of each version and one Kafka that are started for the purpose; the end-to-end tests start, kill and restart servers and nodes of their own besides. Fails
# when something was skipped, unless ALLOW_SKIP=1. The linter vets, so that go test need not.
set -euo pipefail
cd "$(dirname "$0")/../.."

(($#)) || set -- ./...
exec go run ./tests/servers/cmd/suite -race -vet=off -shuffle=on -count=1 -timeout=20m "$@"
