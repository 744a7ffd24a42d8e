# `make help` lists the targets. `make check` is what a change must pass.

LINT := tests/scripts/golangci-lint.sh

.DEFAULT_GOAL := help

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## install what tests and linter need (Debian packages, Apache Kafka, golangci-lint)
	tests/scripts/setup.sh

build: ## build the static binary bin/truc; its version is the git tag
	CGO_ENABLED=0 go build -buildvcs=auto -trimpath -ldflags '-s -w' -o bin/truc ./cmd/truc

demo: ## show everything in one process, with nothing to install
	go run ./cmd/truc demo

test: ## all tests, with the race detector, against real PostgreSQL and Kafka, the end-to-end tests among them
	tests/scripts/setup.sh servers
	tests/scripts/test.sh

e2e: ## of the tests only: the real binary, killed and restarted; and the pages of docs/, executed
	tests/scripts/setup.sh servers
	go test -count=1 -timeout=30m ./tests/e2e ./tests/docs

pages: ## the pictures in docs/pages, taken of the status page in Chromium
	tests/scripts/setup.sh servers
	TRUC_PAGES=$(CURDIR)/docs/pages go test -count=1 -run='^(TestPage|TestEveryStateInBrowser)$$' ./tests/e2e ./portal

chaos: ## faults of every kind, N=20 runs from SEED=… on, and every mutant; KEEP=1 shows the report in docs/chaos.md
	tests/scripts/setup.sh servers
	tests/scripts/chaos.sh "$(or $(N),20)" "$(SEED)" "$(KEEP)"

test-short: ## the tests that need no server and no long time
	go test -short ./...

fuzz: ## every fuzz target for 30 s each (FUZZTIME=5m)
	tests/scripts/fuzz.sh

bench: ## measure
	@if [ -x tests/scripts/bench.sh ]; then tests/scripts/bench.sh; \
	else go test -run='^$$' -bench=. -benchmem ./...; fi

fmt: ## format
	$(LINT) fmt

fmt-check: ## fail where fmt would change something
	$(LINT) fmt --diff

lint: ## lint, the import directions included (.golangci.yml)
	$(LINT) run

vet: ## go vet
	go vet ./...
	go vet -C tests/cloudevents .

cross: ## the binary for each platform it is offered on, without cgo, and go vet for Windows
	tests/scripts/cross.sh

tidy-check: ## fail where go.mod or go.sum is not tidy
	go mod tidy -diff

check: fmt-check vet tidy-check lint cross test ## all of it, before a commit

.PHONY: help setup build demo test e2e pages chaos test-short fuzz bench fmt fmt-check lint vet cross tidy-check check
