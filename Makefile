# A thin front: the work is done by script/*, each of which takes --help.
# ARGS reaches the script: make run ARGS="serve --port 9000", make test ARGS="--filter FunctionStorageTests"
.DEFAULT_GOAL := help
.PHONY: help run test build fuzz bench format clean

help: ## Show this list
	@sed -n 's/^\([a-z]*\): ## \(.*\)/  make \1\t\2/p' Makefile | expand -t 16

run: ## Build and run the demo: a JavaScript and a Python function answer
	@script/setup
	@script/run $(ARGS)

test: ## Build and run all tests
	@script/test $(ARGS)

build: ## Build the release executables into .build/release
	@script/setup
	@script/build release

fuzz: ## Fuzz what reads hostile bytes, 10 minutes for each of four parts (FUZZ_SECONDS)
	@script/setup
	@script/fuzz $(ARGS)

bench: ## Measure the release build
	@script/bench $(ARGS)

format: ## Format all Swift code
	@script/format $(ARGS)

clean: ## Remove what builds have made
	@script/clean
