#!/usr/bin/env bash
# Builds truc for every platform it is offered on, without cgo, and vets what is compiled for Windows only, the tests
# included. The SQLite that was translated from C is most of the work; not optimising it halves the time of a cold cache.
set -euo pipefail
cd "$(dirname "$0")/../.."

export CGO_ENABLED=0
quick='-gcflags=modernc.org/...=-N -l'
for platform in linux/amd64 linux/arm64 windows/amd64 windows/arm64; do
  echo "build $platform"
  GOOS="${platform%/*}" GOARCH="${platform#*/}" go build "$quick" -o /dev/null ./cmd/truc
done
echo "vet windows/amd64"
GOOS=windows GOARCH=amd64 go vet "$quick" ./...
