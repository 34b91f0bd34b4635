# `make` lists what there is. Every target can be run on a fresh Debian 12 with a Swift 6.3 toolchain.

.DEFAULT_GOAL := help
.PHONY: help demo run test lint format bench clean

swift_sources = $(wildcard Package.swift Sources Tests Benchmarks)

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# Debug: it builds sooner than release, `make test` uses the same build, and a demo has no load.
demo: ## install what is missing, build, and serve sample data
	@scripts/install-missing build database
	swift build --product berth
	.build/debug/berth demo

run: ## build and serve from the data directory .berth/data
	@scripts/install-missing build database
	swift build --product berth
	.build/debug/berth serve

# One command, so that its closing line is the last; tests run in parallel.
# Tests that need a calendar client or a browser skip where it cannot be had.
test: ## install what is missing, build, and run all tests
	@scripts/install-missing build database
	@scripts/install-missing clients browser || true
	swift test --parallel

lint: ## check format and style
	swift format lint --strict --parallel --recursive $(swift_sources)
	scripts/check-style

format: ## format the Swift sources in place
	swift format --in-place --parallel --recursive $(swift_sources)

bench: ## measure against a database of its own; BENCH=--quick for a short run
	@scripts/install-missing build database bench
	Benchmarks/run $(BENCH)
	Benchmarks/search $(BENCH)
	Benchmarks/lifecycle
	Benchmarks/changes
	Benchmarks/feeds
	Benchmarks/growth $(BENCH)
	Benchmarks/audit $(BENCH)
	Benchmarks/timeline

clean: ## remove what was built; data directories stay
	swift package clean
