#!/usr/bin/env bash
# Holds the verdicts on new versions of schemas to N generated documents (100,000: a minute), from SEED=1 on, and prints for each
# keyword how many checks it was in. The judges are gojsonschema and santhosh-tekuri/jsonschema; what fails names its seed.
# TRUC_COMPAT_KEEP=1 keeps the table for docs/compatibility.md: then go test ./schemas/compat -run TestPage -update.
set -euo pipefail
cd "$(dirname "$0")/../.."

TRUC_COMPAT_CHECKS="${1:-100000}" TRUC_COMPAT_SEED="${2:-1}" \
  go test -count=1 -timeout=4h -v -run='^TestEvidence$' ./schemas/compat
