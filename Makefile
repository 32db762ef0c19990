# Two commands on a fresh machine: `make run` sets up and serves, `make test` sets up and passes every check.
.DEFAULT_GOAL := help
.PHONY: help run test bench soak lock format clean

PYTHON := .venv/bin/python
RESOLVE := $(PYTHON) -m uv pip compile --quiet --universal --generate-hashes --no-header --python-version 3.11 $(UPGRADE)

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "make %-8s %s\n", $$1, $$2}' Makefile

run: ## set up what serving needs and serve the demo: gateway, sandbox and GraphiQL
	@.ci/setup run
	@exec $(PYTHON) -m gateway demo

test: ## set up everything and run every check
	@.ci/setup test
	@tests/system.sh
	@tests/check.sh

bench: ## measure the figures that the README quotes; takes some minutes
	@.ci/setup run
	@$(PYTHON) -m tests.benchmarks

soak: ## let it run under load and trouble for SECONDS (600), and see what is left of it
	@.ci/setup test
	@$(PYTHON) -m tests.benchmarks.soak --seconds $(or $(SECONDS),600)

lock: ## renew the lock files from pyproject.toml; UPGRADE=--upgrade moves every pin
	@.ci/setup test
	$(RESOLVE) pyproject.toml --output-file requirements.lock
	$(RESOLVE) pyproject.toml --group dev --constraint requirements.lock --output-file tests/requirements.lock
	$(RESOLVE) --group build --constraint tests/requirements.lock --output-file .ci/build.lock

format: ## format the code and mend what lint can mend
	@.ci/setup test
	@$(PYTHON) -m ruff check --fix-only --quiet .
	@$(PYTHON) -m ruff format .

clean: ## remove what set-up and tests left behind
	@rm -rf .venv build dist htmlcov .coverage .coverage.* .hypothesis
	@rm -rf .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
