# Needed: Go 1.26, make, and a C and C++ compiler, since DuckDB is linked in.

GOLANGCI_LINT_VERSION = v2.15.0
LINT      = bin/tools/golangci-lint-$(GOLANGCI_LINT_VERSION)
VERSION  ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
DEMO     ?= demo-company
TESTFLAGS =

export CGO_ENABLED = 1

.PHONY: help build run run-bigquery test test-long lint fmt golden typecheck chaos bench bench-scale e2e-bigquery check fresh generate compiler
.DEFAULT_GOAL = help

help: ## list what make can do
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: compiler ## build bin/segments
	go build -trimpath -buildvcs=false -ldflags '-X main.version=$(VERSION)' -o bin/segments ./cmd/segments

run: build ## segment a made-up company of 20,000 people in ./demo-company (DEMO=folder for another place)
	bin/segments demo --dir '$(DEMO)'

run-bigquery: build ## run examples/bigquery on an emulator of BigQuery, with a made-up company (needs Python 3.13)
	@go build -o bin/on-emulator ./cmd/on-emulator
	@bin/segments demo --dir bin/shop --customers 2000 2>bin/shop.log || { cat bin/shop.log >&2; exit 1; }
	@bin/on-emulator --shop bin/shop sh -ec 'for command in "run --as-of 2026-10-31" status "explain segment Champions"; do \
		echo; echo "> segments $$command -c examples/bigquery/segments.yaml"; bin/segments $$command -c examples/bigquery/segments.yaml; done'

test: compiler ## vet and test everything (TESTFLAGS=... for go test)
	go vet ./...
	go test $(TESTFLAGS) ./...
	cd k8s && go vet ./... && go test $(TESTFLAGS) ./...
	@[ -d "$${SEGMENTS_DATA:-../shared/data}" ] || \
		echo 'SKIPPED: all tests on public data sets. SEGMENTS_DATA does not name a folder that has them; docs/real-data.md says where they are.'
	@ls bin/emulator/*/bin/python >/dev/null 2>&1 || \
		echo 'SKIPPED: all tests against the BigQuery emulator. They need Python 3.13 with venv (SEGMENTS_PYTHON names one) and the package index.'
	@ls bin/oracles/*/bin/python >/dev/null 2>&1 || \
		echo 'SKIPPED: the statistics against scipy, statsmodels and scikit-learn. They need Python 3.11 to 3.13 with venv (SEGMENTS_PYTHON names one) and the package index.'
	@command -v npm >/dev/null || \
		echo 'SKIPPED: the tests of the JavaScript in the report and of LookML, and those in a browser. They need Node.js 20 or newer, with npm.'
	@for b in "$${CHROMIUM:-chromium}" chromium-browser google-chrome; do command -v "$$b" >/dev/null && exit 0; done; \
		echo 'SKIPPED: all tests of the report in a browser. They need Chromium (CHROMIUM names one).'

test-long: compiler ## the tests that draw lots, with hundreds of seeds rather than a few (minutes)
	SEGMENTS_LONG=true go test -count=1 -timeout 1h -v -run '^TestBacktests$$' ./pipeline
	SEGMENTS_LONG=true go test -count=1 -timeout 1h -v ./pipeline/experiment

lint: $(LINT) compiler ## check style, likely bugs and formatting
	$(LINT) run ./...
	cd k8s && ../$(LINT) run -c ../.golangci.yml ./...

fmt: $(LINT) ## format the code
	$(LINT) fmt

golden: generate ## write the generated files again
	@for f in $(GENERATED); do rm -rf "$$f" && cp -r "bin/golden/$$f" "$$f"; done

typecheck: ## check the queries that have changed with GoogleSQL's own analyzer (its first build: minutes, 7 GB of memory)
	cd sql/typecheck && GOFLAGS=-mod=mod go run -p 1 . -write && GOFLAGS=-mod=mod go test -p 1 .

chaos: compiler ## every fault of every message of a run on BigQuery, rather than a sample (3 minutes)
	CI=true go test -count=1 -v -run 'TestEveryMishap|TestFaultsThatStay|TestEveryBudget|TestPublishThat|TestPublishWithout|TestBroken|TestLease|TestEnd' \
		./pipeline/warehouse/bigquery

bench: compiler ## run the Go benchmarks, shortly
	go test -run '^$$' -bench . -benchtime 200ms -benchmem ./...

bench-scale: compiler ## run the whole job on 5 million customers (6 minutes, 10 GB of disk, Linux)
	SEGMENTS_SCALE=5000000 go test -count 1 -timeout 2h -run '^TestScale$$' -v ./cmd/segments

LOCATION ?= EU
e2e-bigquery: compiler ## run the whole job in a real project: PROJECT=... DATASET=new_prefix LOCATION=EU (docs/e2e-bigquery.md)
	@[ -n '$(PROJECT)' ] && [ -n '$(DATASET)' ] || { \
		echo 'make e2e-bigquery PROJECT=your-project DATASET=segments_e2e [LOCATION=EU]; docs/e2e-bigquery.md says what it does' >&2; exit 64; }
	SEGMENTS_E2E_PROJECT='$(PROJECT)' SEGMENTS_E2E_DATASET='$(DATASET)' SEGMENTS_E2E_LOCATION='$(LOCATION)' \
		go test -count 1 -timeout 1h -run '^TestRealBigQuery$$' -v ./cmd/segments

check: lint test fresh ## all that a change must pass: lint, test, generated files fresh

# What generate makes; looker holds nothing else.
GENERATED = docs/tables.md docs/commands.md docs/configuration.md docs/config.schema.json looker

# fresh says which generated file is not what the code says.
fresh: generate
	@for f in $(GENERATED); do \
		diff -ruN "$$f" "bin/golden/$$f" || { echo "$$f is stale: run make golden" >&2; exit 1; }; \
	done

generate: build
	@rm -rf bin/golden && mkdir -p bin/golden/docs
	bin/segments tables markdown > bin/golden/docs/tables.md
	bin/segments reference commands > bin/golden/docs/commands.md
	bin/segments reference configuration > bin/golden/docs/configuration.md
	bin/segments explain config > bin/golden/docs/config.schema.json
	bin/segments tables lookml --dir bin/golden/looker

$(LINT):
	GOFLAGS= CGO_ENABLED=0 GOBIN='$(CURDIR)/bin/tools' \
		go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_LINT_VERSION)
	mv bin/tools/golangci-lint $@

# compiler says plainly what Go's own message about a missing C compiler or C++ library hides.
compiler:
	@command -v go >/dev/null || { echo 'Go is missing: install Go 1.26 or newer' >&2; exit 1; }
	@mkdir -p bin; cc="$$(go env CC)"; lib=-lstdc++; [ "$$(go env GOOS)" != darwin ] || lib=-lc++; \
	echo 'int main(void) { return 0; }' | $$cc -x c - -x none $$lib -o bin/.compiles 2>/dev/null || { \
		echo "A C compiler with the C++ library is missing ($$cc does not link with $$lib): DuckDB is linked in." >&2; \
		echo 'Debian, Ubuntu: apt-get install gcc g++. Fedora: dnf install gcc gcc-c++. macOS: xcode-select --install' >&2; \
		exit 1; }
