# SPDX-FileCopyrightText: The prefectlogs authors
# SPDX-License-Identifier: Apache-2.0

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
MAKEFLAGS += --warn-undefined-variables --no-builtin-rules --no-print-directory

# What people may set: make fuzz FUZZTIME=1m FUZZ=Truncate, make test TESTFLAGS=-v, make bench ROUNDS=3, make soak SOAK=8h.
FUZZTIME ?= 20s
FUZZ ?= .
TESTFLAGS ?=
ROUNDS ?= 5
SOAK ?= 1h

# Every folder with a go.mod, but for what is hidden, generated or test data. A target like "test/examples" is
# that target for one module; the root is "test/.".
MODULES := $(patsubst %/go.mod,%,$(shell find . \( -path './.*' -o -name build -o -name testdata \) -prune -o -name go.mod -print \
	| sed 's,^\./\(.*/\),\1,' | sort))

# The Collector's builder; its version is that of the Collector in collector-component/builder-config.yaml.
BUILDER := go.opentelemetry.io/collector/cmd/builder@v0.162.0

# Tests take no setting of the person who runs them.
clean_environment = unset $${!PREFECT_@} $${!OTEL_@}

.PHONY: help
help: ## Say what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-18s  %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: demo
demo: ## Log into a Prefect run, read it back and show it; needs Go alone (with PREFECT_API_URL: on that server)
	@cd examples && go run ./quickstart

.PHONY: test
test: ## Run all tests of all modules, on every real server; installs Prefect in .cache the first time
	@go build -o .cache/bin/withservers ./internal/servers/cmd/withservers
	@$(clean_environment); .cache/bin/withservers -- $(MAKE) -k $(MODULES:%=test/%)
	@# Allocations are counted without the race detector, which makes some of its own.
	@$(MAKE) test-fast TESTFLAGS=

.PHONY: $(MODULES:%=test/%)
$(MODULES:%=test/%): test/%:
	@cd $* && go test -race -timeout 1h $(TESTFLAGS) ./...

.PHONY: test-fast $(MODULES:%=test-fast/%)
test-fast: $(MODULES:%=test-fast/%) ## Run the tests that need Go alone
$(MODULES:%=test-fast/%): test-fast/%:
	@$(clean_environment); cd $* && go test -short -timeout 1h $(TESTFLAGS) ./...

.PHONY: fuzz $(MODULES:%=fuzz/%)
fuzz: $(MODULES:%=fuzz/%) ## Fuzz every target of every module, or those that FUZZ names, for FUZZTIME (20s)
$(MODULES:%=fuzz/%): fuzz/%:
	@$(clean_environment); cd $* && "$(CURDIR)/.ci/fuzz" $(FUZZTIME) '$(FUZZ)'

.PHONY: soak
soak: ## Break connections and restart servers under load, with new seeds, for SOAK (1h)
	@$(clean_environment); PREFECTLOGS_SOAK=$(SOAK) go test -race -v -count=1 -timeout 0 -run '^TestChaos' ./internal/e2e

.PHONY: bench
bench: ## Measure what a log costs, beside its peers, and write it to docs/performance.md (ROUNDS=5, half an hour)
	@$(clean_environment); mkdir -p benchmarks/build; cd benchmarks && go run . -rounds $(ROUNDS) -out ../docs/performance.md -raw build/bench.txt

.PHONY: profile
profile: ## Say where the time of a record goes; the profiles stay in benchmarks/build/profile
	@$(clean_environment); cd benchmarks && go run . -profile

.PHONY: collector collector-filelog
collector: ## Build the Collector with our components: collector-component/build/otelcol-prefect
	@cd collector-component && go run $(BUILDER) --config builder-config.yaml

collector-filelog: ## Build the one that reads log files: collector-component/build/filelog/otelcol-prefect-filelog
	@cd collector-component && go run $(BUILDER) --config builder-config-filelog.yaml

.PHONY: bench-collector
bench-collector: ## The part of "bench" that is about the Collector: the exporter alone and the built program, beside otlp_http
	@$(clean_environment); mkdir -p benchmarks/build; cd benchmarks && go run . -collector -rounds $(ROUNDS) -out ../docs/performance.md -raw build/bench-collector.txt

.PHONY: screenshots
screenshots: ## Make the picture of the README anew, from a real page of a real Prefect; needs Chromium
	@$(clean_environment); go run ./internal/screenshots

# Where the code must pass vet: the machine's own system, and each of these.
SYSTEMS := linux/amd64 linux/arm64 darwin/arm64 windows/amd64

.PHONY: tidy $(MODULES:%=tidy/%)
tidy: $(MODULES:%=tidy/%) ## Check go mod tidy in all modules, which downloads all that they need
$(MODULES:%=tidy/%): tidy/%:
	@cd $* && go mod tidy -diff

.PHONY: check $(MODULES:%=check/%)
check: tidy $(MODULES:%=check/%) ## Check format, go vet on every system, go fix and go mod tidy, in all modules
	@unformatted=$$(find . \( -path './.*' -o -name build \) -prune -o -name '*.go' -print0 | xargs -0 gofmt -l); \
	if [ -n "$$unformatted" ]; then echo "run gofmt -w on" $$unformatted >&2; exit 1; fi
$(MODULES:%=check/%): check/%:
	@cd $*; for system in $(SYSTEMS); do \
		echo "vet $* for $$system"; \
		CGO_ENABLED=0 GOOS=$${system%/*} GOARCH=$${system#*/} go vet ./...; \
	done
	@cd $*; fixes=$$(go fix -diff ./... 2>&1) || true; \
	if [ -n "$$fixes" ]; then echo "run go fix ./... in $*, which would change:" >&2; echo "$$fixes" >&2; exit 1; fi

.PHONY: clean
clean: ## Remove what builds and tests leave, the installed Prefects too
	rm -rf .cache collector-component/build benchmarks/build
	find . -path './.*' -prune -o \( -name '*.test' -o -name '*.out' -o -name '*.prof' \) -type f -exec rm {} +
