# `make` prints the targets. Everything lives in .venv, made on first use.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# Judges that are no part of this repository. Where they are not, `make judge` and `make autobahn` say so and do nothing.
JUDGES ?= ../shared/judges
COMPARE := .venv-compare
# The compiled loops lie beside .venv and not in it: all else runs without them.
FAST := .fast

# A virtual environment, and what is installed into it as extras of this project.
define install
	@if command -v uv >/dev/null 2>&1; then \
	  { test -x $(1)/bin/python || uv venv --quiet --python $(PYTHON) $(1); } && \
	  uv pip install --quiet --python $(1)/bin/python -e '.[$(2)]'; \
	else \
	  { test -x $(1)/bin/pip || $(PYTHON) -m venv $(1); } && \
	  $(1)/bin/pip install --quiet --disable-pip-version-check -e '.[$(2)]'; \
	fi
	@touch $(1)/.ready
endef

# A folder with the compiled loops, for PYTHONPATH. It needs a C compiler.
define compile
	@rm -rf $(FAST)
	@if command -v uv >/dev/null 2>&1; then uv pip install --quiet --python $(1)/bin/python --target $(FAST) ./fast; \
	else $(1)/bin/pip install --quiet --disable-pip-version-check --no-deps --target $(FAST) ./fast; fi
	@touch $(FAST)/.ready
endef

.DEFAULT_GOAL := help
.PHONY: help demo test test-fast fuzz compare bench bench-core judge autobahn check lint types imports unit format clean

help:  ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(READY): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Holdfast needs Python 3.11 or newer; $(PYTHON) is older. Try: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	$(call install,$(VENV),dev)

$(COMPARE)/.ready: pyproject.toml
	$(call install,$(COMPARE),compare)

demo: $(READY)  ## a feed survives a misbehaving exchange, on asyncio and then on trio
	$(BIN)/holdfast demo --transport asyncio
	$(BIN)/holdfast demo --transport trio

test: check unit  ## everything: lint, types, architecture, tests

check: lint types imports  ## what can be known without running the code

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(READY)
	$(BIN)/mypy
	$(BIN)/basedpyright --level error

imports: $(READY)
	$(BIN)/lint-imports

unit: $(READY)
	$(BIN)/pytest --numprocesses auto --dist worksteal

$(FAST)/.ready: $(READY) $(wildcard fast/*.* fast/holdfast_fast/*)
	$(call compile,$(VENV))

test-fast: $(FAST)/.ready  ## tests of what the compiled loops touch, with them; needs a C compiler
	@PYTHONPATH=$(FAST) $(BIN)/python -c 'import holdfast, sys; sys.exit(not holdfast.accelerator)'
	PYTHONPATH=$(FAST) $(BIN)/pytest --numprocesses auto --dist worksteal \
	  tests/wire tests/connection tests/words/test_taken.py tests/transports tests/fuzz

fuzz: $(READY)  ## long tests in simulated time, for FUZZ_SECONDS (default 300)
	$(BIN)/python -m fuzz

compare: $(COMPARE)/.ready  ## other clients in the same situations; writes docs/comparison.md, in 7 minutes
	$(COMPARE)/bin/python -m bench.peers --write docs/comparison.md

bench: $(COMPARE)/.ready  ## what clients cost, in turn; writes docs/performance.md, in 8 minutes
	@if command -v cc >/dev/null; then $(MAKE) --no-print-directory $(FAST)/.ready; fi
	$(COMPARE)/bin/python -m bench.speed --rounds 3 --write docs/performance.md

bench-core: $(READY)  ## what the machine costs without sockets, beside stored figures; half a minute
	$(BIN)/python bench/core_speed.py

judge: $(READY)  ## both transports before a server that misbehaves on command (5 min), from the folder JUDGES
	$(BIN)/python -m bench.judges --judges "$(JUDGES)" faults

autobahn: $(READY)  ## both transports before the Autobahn test suite (15 min), from the folder JUDGES
	$(BIN)/python -m bench.judges --judges "$(JUDGES)" autobahn

format: $(READY)  ## let ruff arrange the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:  ## remove what make made
	rm -rf $(VENV) $(COMPARE) $(FAST) fast/build fast/*.egg-info .judges .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache dist
