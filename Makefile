# The verbs. Needs python3 (3.11 or newer, with venv), git and make; everything else is installed into $(VENV).
PYTHON ?= python3
VENV   ?= .venv
BIN     = $(VENV)/bin
PIP     = $(BIN)/python -m pip --disable-pip-version-check --no-input
# Options for the program itself: make run ARGS="--port 8051"
ARGS   ?=
SHELL  := /bin/sh

.DEFAULT_GOAL := help
.PHONY: help run quick test test-all fuzz check bench docs screenshots requirements test-influx clean

help:  ## what there is
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | while IFS="$$(printf '\t')" read -r verb what; do printf 'make %-14s %s\n' "$$verb" "$$what"; done

run: $(VENV)/.run  ## starts the schools of sensors.yaml on this machine and prints the address
	@exec $(BIN)/classair run $(ARGS)

# As many processes as the machine has cores; make test ARGS="-n 0" runs one test after the other.
PYTEST = $(BIN)/python -m pytest -n logical --dist worksteal

test: $(VENV)/.test  ## runs every test, the exhaustive ones with a sample of their cases, another one each time
	@$(PYTEST) $(ARGS)

test-all: $(VENV)/.test  ## runs every test whole, with a million random bytes to every sensor driver (an hour)
	@CLASSAIR_FUZZ_BYTES=1000000 $(PYTEST) --all $(ARGS)

quick: $(VENV)/.test  ## runs the tests that need no server, no browser and less than a second each (one to three minutes)
	@$(PYTEST) -m "not servers and not browser and not slow and not thorough" $(ARGS)

check: $(VENV)/.test  ## format, lint and types
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy

BENCH ?= $(sort $(wildcard benchmarks/*/[a-z]*.py))
bench: $(VENV)/.test  ## prints the figures of benchmarks/README.md
	@status=0; for file in $(BENCH); do echo "== $$file"; $(BIN)/python "$$file" $(ARGS) || status=1; done; exit $$status

docs: $(VENV)/.test  ## writes what is generated: docs/command-line.md, docs/wire/*.json, docs/openapi.json, deploy/{mosquitto,caddy,nginx}/*
	@$(BIN)/python -m docs.generate
	@$(BIN)/python -m dashboard.describe

screenshots: $(VENV)/.test  ## takes a picture of every page in every language, docs/screenshots (needs Chromium; some minutes)
	@$(BIN)/python -m docs.picturing $(ARGS)

FUZZ_BYTES ?= 10000000
fuzz: $(VENV)/.test  ## feeds ten million random bytes to every sensor driver (some minutes): FUZZ_BYTES=
	@CLASSAIR_FUZZ_BYTES=$(FUZZ_BYTES) $(PYTEST) tests/firmware_bridge/drivers/test_drivers_under_random_bytes.py $(ARGS)

test-influx: $(VENV)/.test  ## runs the store contract on your own server: URL=influxdb://host:8086/bucket
	@test -n "$(URL)" || { echo 'say which server: make test-influx URL=influxdb://127.0.0.1:8086/classair' >&2; exit 2; }
	@CLASSAIR_TEST_INFLUX_URL="$(URL)" $(BIN)/python -m pytest tests/classair/stores $(ARGS)

clean:  ## removes the environment and caches, never the data folder
	rm -rf $(VENV) .venv-lock dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# -- environments ------------------------------------------------------------------------------------------------------

$(VENV)/.made:
	@command -v $(PYTHON) >/dev/null || { echo "$(PYTHON) was not found: ClassAir needs Python 3.11 or newer" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "ClassAir needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) -V 2>&1). Another one: make run PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { echo "$(PYTHON) has no venv module; on Debian: apt install python3-venv" >&2; exit 1; }
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV)
	@touch $@

$(VENV)/.run: requirements/run.txt pyproject.toml | $(VENV)/.made
	@echo "Installing into $(VENV) (once) …"
	@$(PIP) install --quiet --require-hashes -r requirements/run.txt
	@PATH="$(abspath $(BIN)):$$PATH" $(PIP) install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.test: requirements/test.txt $(VENV)/.run
	@echo "Installing what the tests need …"
	@$(PIP) install --quiet --require-hashes -r requirements/test.txt
	@touch $@

# -- pins --------------------------------------------------------------------------------------------------------------
# requirements/test.txt holds every pin; the others are subsets of it, so that a package has one version everywhere.

LOCK = .venv-lock/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
	--no-emit-index-annotation --annotation-style line
SUBSET = $(LOCK) --no-annotate --constraints requirements/test.txt
ALL = --extra bridge --extra server --extra influxdb --extra demo --extra report
# UPGRADE=--upgrade takes the newest versions, UPGRADE="--upgrade-package dash" those of one package.
UPGRADE ?=

requirements: .venv-lock/.made  ## writes requirements/*.txt anew from pyproject.toml (UPGRADE=--upgrade for newer versions)
	@$(LOCK) $(UPGRADE) pyproject.toml $(ALL) --extra research --extra netcdf --extra tapo --group build --group dev -o requirements/test.txt
	@$(SUBSET) pyproject.toml $(ALL) --extra research --group build -o requirements/run.txt
	@for extra in bridge server influxdb research netcdf demo report tapo; do \
		$(SUBSET) pyproject.toml --extra $$extra -o requirements/$$extra.txt || exit 1; done
	@$(SUBSET) --group dev -o requirements/dev.txt
	@$(LOCK) $(UPGRADE) --group lock -o requirements/lock.txt
	@$(LOCK) $(UPGRADE) pyproject.toml --extra bridge --group bench -o requirements/bench.txt

.venv-lock/.made:
	@$(PYTHON) -m venv .venv-lock
	@.venv-lock/bin/python -m pip --disable-pip-version-check install --quiet $$(test -s requirements/lock.txt && echo "--require-hashes -r requirements/lock.txt" || echo uv)
	@touch $@
