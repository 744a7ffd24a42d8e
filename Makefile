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

test: ## all tests, under the race detector where it sees something, against real PostgreSQL and Kafka, the end-to-end tests among them
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

year: ## a year of a province of POPULATION=1400000 through the real binary
	tests/scripts/setup.sh servers
	TRUC_YEAR_POPULATION=$(or $(POPULATION),1400000) go test -count=1 -v -timeout=3h ./tests/year

test-short: ## the tests that need no server and no long time
	go test -short ./...

fuzz: ## every fuzz target for 30 s each (FUZZTIME=5m)
	tests/scripts/fuzz.sh

bench: ## measure
	@if [ -x tests/scripts/bench.sh ]; then tests/scripts/bench.sh; \
	else go test -run='^$$' -bench=. -benchmem ./...; fi

bench-base: ## the stages of the hot path against those of another commit, BASE=…, by ratio; reports, never fails
	tests/scripts/bench-base.sh $(BASE)

fuzz-check: ## the compiled check against gojsonschema on N=10000000 pairs of schema and document, from SEED=1 on
	tests/scripts/fuzz-check.sh "$(or $(N),10000000)" "$(or $(SEED),1)"

compat-check: ## the verdicts on new versions of schemas against N=100000 generated documents, from SEED=1 on, counted by keyword
	tests/scripts/compat-check.sh "$(or $(N),100000)" "$(or $(SEED),1)"

compat-mutants: ## remove each single comparison of schemas/compat and see its tests fail
	TRUC_COMPAT_MUTANTS=all go test -count=1 -timeout=4h -v -run='^TestMutants$$' ./schemas/compat

bench-peers: ## measure truc and Kafka Connect with Debezium on the same work, an hour (QUICK=1, FRESH=1, ONLY=…), and write docs/benchmarks.md
	@tests/scripts/bench-peers.sh

fmt: ## format
	$(LINT) fmt

fmt-check: ## fail where fmt would change something
	$(LINT) fmt --diff

lint: ## lint, the import directions included (.golangci.yml)
	$(LINT) run

vet: ## go vet
	go vet ./...
	go vet -C tests/cloudevents .
	go vet -C tests/clients/go .

cross: ## the binary for each platform it is offered on, without cgo, and go vet for Windows
	tests/scripts/cross.sh

tidy-check: ## fail where go.mod or go.sum is not tidy
	go mod tidy -diff

check: fmt-check vet tidy-check lint cross test ## all of it, before a commit

.PHONY: help setup build demo test e2e pages chaos year test-short fuzz fuzz-check compat-check compat-mutants bench bench-base bench-peers fmt fmt-check lint vet cross tidy-check check
