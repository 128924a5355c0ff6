# unsee: `make demo` sets up and runs the main job; `make test` sets up and runs the tests.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: setup demo test check performance performance-full clean

setup: $(STAMP)

$(STAMP): pyproject.toml constraints.txt
	test -d $(VENV) || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet -c constraints.txt torch==2.13.0
	$(BIN)/python -m pip install --quiet -c constraints.txt -e ".[dev]"
	touch $(STAMP)

demo: setup
	$(BIN)/unsee forget --out runs/demo

check: setup
	$(BIN)/ruff format --check src tests performance docs
	$(BIN)/ruff check src tests performance docs
	$(BIN)/mypy

test: setup check
	$(BIN)/python -m pytest

# Minutes: as many repetitions as fit. On an idle machine only, since it writes docs/performance.md.
performance: setup
	$(BIN)/python -m performance --budget 6 --write

performance-full: setup
	$(BIN)/python -m performance --set full --write
	$(BIN)/python -m performance.curves --write

clean:
	rm -rf $(VENV) build dist
