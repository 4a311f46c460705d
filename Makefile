# All commands for people; `make` lists them.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory
# Images of containers often set it. Then each run of the engine compiles all modules of the program
# twice, for itself and for its providers: two seconds of CPU time.
unexport PYTHONDONTWRITEBYTECODE

# The stack of up, down, preview, bundle and image.
STACK ?= dev
# The upgrade target of the long tests, and the earlier patch that they start with.
UPGRADE ?= 1.37.2
EARLIER ?= 1.36.1
# More arguments for pytest, for example: make test ARGS='-k pki'
ARGS ?=
# The steps on a fresh machine (all: up down test), and whether it shares this host's cache.
STEPS ?=
CACHE ?=

PYTHON := .venv/bin/python
FLEET := .venv/bin/fleet
BUILD := $(FLEET) build stack --stack $(STACK)
# More options for `fleet up`, `preview` and `down`, for example: make up STACK=prod FLAGS=--yes
FLAGS ?=

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

.PHONY: up
up: ## Create the stack's clusters (STACK=dev), write ./kubeconfig and show the nodes
	@scripts/setup.sh preview
	@$(BUILD) toolchain bundle image
	@$(FLEET) up $(STACK) $(FLAGS)

.PHONY: preview
preview: ## Show what `make up` would do; needs neither root nor machines
	@scripts/setup.sh preview
	@$(BUILD) toolchain
	@$(FLEET) preview $(STACK) $(FLAGS)

.PHONY: down
down: ## Destroy the stack's clusters
	@scripts/setup.sh preview
	@$(BUILD) toolchain
	@$(FLEET) down $(STACK) $(FLAGS)

.PHONY: test
test: ## Install what is missing and run every test (as root: with real machines)
	@scripts/setup.sh tests
	@$(BUILD) toolchain bundle image
	@$(PYTHON) -m pytest -p tests.workers --numprocesses 3 $(ARGS)

.PHONY: test-long
test-long: ## Run the tests that take minutes each: upgrades, failures, interruptions
	@scripts/setup.sh tests
	@$(BUILD) --also $(EARLIER) --also $(UPGRADE) toolchain bundle image
	@$(PYTHON) -m pytest -m long $(ARGS)

.PHONY: conformance
conformance: ## Run categories of Kubernetes' own end-to-end tests on a cluster that enforces policies
	@scripts/setup.sh tests
	@$(BUILD) toolchain bundle image
	@$(PYTHON) -m pytest -s -m long tests/conformance $(ARGS)

.PHONY: test-unit
test-unit: ## Run the fast tests only; needs neither root nor machines
	@scripts/setup.sh unit
	@$(PYTHON) -m pytest tests/model tests/components tests/docs $(ARGS)

.PHONY: prove
prove: ## Run up, down and test on a fresh machine (STEPS="up unit", CACHE=1, ARGS)
	@scripts/setup.sh prove
	@$(PYTHON) -m scripts.prove $(STEPS) $(if $(CACHE),--cache)

.PHONY: lint
lint: ## Check style, types, imports between rooms, shell scripts and workflows
	@scripts/setup.sh preview
	@$(BUILD) toolchain
	@$(PYTHON) -m scripts.lint

.PHONY: bundle
bundle: ## Fetch or build the artifacts of the stack's clusters
	@scripts/setup.sh preview
	@$(BUILD) bundle

.PHONY: toolchain
toolchain: ## Fetch or build pulumi and its plugins
	@scripts/setup.sh preview
	@$(BUILD) toolchain

.PHONY: image
image: ## Build the root file system of the stack's container machines
	@scripts/setup.sh preview
	@$(BUILD) bundle image

.PHONY: bench
bench: ## Benchmark the program against bare commands
	@scripts/setup.sh tests
	@$(BUILD) --also $(UPGRADE) toolchain bundle image
	@$(PYTHON) -m scripts.bench --to-version $(UPGRADE)

.PHONY: scale
scale: ## Measure commands about 1 to 100 clusters, and draw docs/scale.svg
	@scripts/setup.sh tests
	@$(PYTHON) -m tests.scripts.fleet.scale

.PHONY: schema
schema: ## Generate the JSON schema of the stack files and docs/config.md
	@scripts/setup.sh preview
	@$(PYTHON) -m scripts.schema

.PHONY: lock
lock: ## Lock the requirements of pyproject.toml, with hashes, into requirements.txt
	@scripts/setup.sh preview
	@eval "$$($(PYTHON) scripts/uv_settings.py)" && .venv/bin/uv pip compile --quiet --universal \
		--python-version 3.11 --extra dev --generate-hashes --no-emit-index-url --no-emit-find-links \
		--no-header --output-file requirements.txt pyproject.toml
	@if grep -n '://' requirements.txt; then echo 'requirements.txt holds an address' >&2; exit 1; fi

.PHONY: clean
clean: ## Remove generated files of this checkout; stacks, caches and machines stay
	@rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache bench
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
