# Everything a fresh clone needs: `make demo`, `make test`. Only Python 3.11 or newer and make are taken for granted.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
WORKERS ?= 2

.PHONY: setup demo test lint bench docs clean

setup: $(VENV)/.stamp
	@:

$(VENV)/.stamp: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "viseme needs Python 3.11 or newer; run make PYTHON=/path/to/python")'
	@$(BIN)/python -c '' 2>/dev/null || { echo "making $(VENV) (some minutes, about 6 GB with torch)"; rm -rf $(VENV); $(PYTHON) -m venv $(VENV); }
	@echo "installing viseme with its development tools"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

$(VENV)/.docs-stamp: $(VENV)/.stamp
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev,docs]'
	@touch $@

demo: setup
	@$(BIN)/viseme demo

# One thread a worker: two workers on two cores would otherwise fight over them.
test: setup
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -m "not slow" -n $(WORKERS) \
		--cov --cov-report=term --cov-fail-under=85

lint: setup
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy
	@$(BIN)/lint-imports

bench: setup
	@for script in benchmarks/*.py; do echo "== $$script"; $(BIN)/python $$script || exit 1; done

docs: $(VENV)/.docs-stamp
	@$(BIN)/python -m sphinx -W -q -b html docs docs/_build/html
	@echo "docs/_build/html/index.html"

# What was made by the other targets, but for the environment, which takes minutes: rm -rf .venv removes that too.
clean:
	@rm -rf build dist out docs/_build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage .coverage.*
	@find src tests benchmarks docs -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true
