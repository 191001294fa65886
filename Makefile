# Needs Python >= 3.11 and make; uses uv where it is installed, else venv and pip.
# Every target does its own set-up, and does nothing twice.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
UV     := $(shell command -v uv 2>/dev/null)
# Compiled once here: without it every run would compile Dagster again.
export UV_COMPILE_BYTECODE := 1
export UV_NO_PROGRESS := 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# File by file, for the tests of a file share what they look at; in the order of names, which ends with short ones.
PARALLEL := --numprocesses auto --dist loadfile --no-loadscope-reorder

ifdef UV
    CREATE  = uv venv --quiet --allow-existing --python $(PYTHON) $(VENV)
    INSTALL = uv pip install --quiet --python $(BIN)/python
else
    CREATE  = $(PYTHON) -m venv $(VENV)
    INSTALL = $(BIN)/python -m pip install --quiet
endif

.DEFAULT_GOAL := help
.PHONY: help run test test-lower .on-lower lint scores licences sbom audit serve lock lock-peers clean

help: ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(VENV)/.run: requirements.lock pyproject.toml
	@echo "setting up $(VENV) (a minute or two, once) ..."
	@$(CREATE)
	@$(INSTALL) --require-hashes -r requirements.lock
	@$(INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.test: requirements-dev.lock $(VENV)/.run
	@$(INSTALL) --require-hashes -r requirements-dev.lock
	@touch $@

run: $(VENV)/.run ## make the warehouse from seeds/pages
	@$(BIN)/ieval run
	@echo "look at it: $(BIN)/ieval explore (in the browser), export (Excel, BI tools), report (to mail around)"

test: $(VENV)/.test ## run the tests
	@$(BIN)/pytest --quiet $(PARALLEL)

test-lower: ## run the tests on the oldest DuckDB that we support
	@$(MAKE) --no-print-directory VENV=.venv-lower .on-lower

.on-lower: $(VENV)/.test
	@$(INSTALL) 'duckdb==1.5.*'
	@$(BIN)/pytest --quiet $(PARALLEL)

lint: $(VENV)/.test ## check style and types
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy

scores: $(VENV)/.test ## measure how well countries are recognised
	@$(BIN)/python -m benchmarks.extraction

licences: $(VENV)/.run ## list the licence of every locked package
	@$(BIN)/python deploy/licences.py

sbom: $(VENV)/.test ## the same as a bill of materials, CycloneDX JSON
	@$(BIN)/python deploy/licences.py --format cyclonedx

audit: $(VENV)/.test ## look up the locked packages among the known vulnerabilities
	@$(BIN)/python deploy/audit.py

serve: $(VENV)/.run ## start Dagster's web page and daemon
	@$(BIN)/ieval serve

lock: ## renew requirements.lock and requirements-dev.lock from pyproject.toml (needs uv)
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-strip-extras --no-header --upgrade \
	    --extra explore --extra report --group build pyproject.toml --output-file requirements.lock
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-strip-extras --no-header --upgrade \
	    --all-extras --group build --group dev --constraints requirements.lock pyproject.toml --output-file requirements-dev.lock

lock-peers: ## renew the locks of what the benchmarks compare with (needs uv)
	for input in benchmarks/peers/*.in benchmarks/peers/countries/*.in; do \
	    uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-strip-extras --no-header --upgrade \
	        $$input --output-file $${input%.in}.lock || exit 1; \
	done

clean: ## remove what was installed and cached; the warehouse stays
	@rm -rf .venv .venv-lower benchmarks/.environments .pytest_cache .mypy_cache .ruff_cache .hypothesis dist
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
