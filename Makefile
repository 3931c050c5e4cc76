# Everything a fresh machine needs is done by these targets; nothing has to be prepared by hand.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test check setup bench clean

demo: .venv/.runs
	$(BIN)/headwater setup
	$(BIN)/headwater try sales-analytics

test: .venv/.tests
	$(BIN)/headwater setup
	$(MAKE) --no-print-directory check
	$(BIN)/pytest

setup: .venv/.tests
	$(BIN)/headwater setup

check: .venv/.tests
	$(BIN)/ruff format --check src tests blueprints bench
	$(BIN)/ruff check src tests blueprints bench
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest -q tests/tidy

bench: .venv/.tests
	$(BIN)/python -m bench

.venv/.runs: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo 'Headwater needs Python 3.11 or newer (PYTHON=... chooses one).'; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv || { \
		echo 'The venv module is missing: installing python3-venv from the system packages.'; \
		if [ "$$(id -u)" = 0 ]; then apt-get update -q && apt-get install -y -q python3-venv; else sudo apt-get update -q && sudo apt-get install -y -q python3-venv; fi; \
		$(PYTHON) -m venv --clear .venv; }
	@echo 'Installing Headwater and what it needs into .venv ...'
	@$(BIN)/python -m pip install -q --disable-pip-version-check -e .
	@touch $@

.venv/.tests: .venv/.runs
	@echo 'Installing what the tests need into .venv ...'
	@$(BIN)/python -m pip install -q --disable-pip-version-check -e '.[dev]'
	@touch $@

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
