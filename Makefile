SHELL := /bin/sh
.DEFAULT_GOAL := help
.PHONY: help run test test-all check audit screenshots bench clean

# The first Python that is new enough; name another in PYTHON.
PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	if $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
		echo $$python; break; fi; done)
SET_UP = $(if $(PYTHON),$(PYTHON) scripts/set_up.py,\
	echo "Qualz needs Python 3.11 or newer: sudo apt-get install python3 python3-venv" >&2; false)
# Where set-up puts node and npm when the system has none.
WITH_VENV = PATH="$(CURDIR)/.venv/bin:$$PATH"

help: ## Say what can be done here
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## Set up what is missing and start Qualz; Ctrl-C stops it
	@$(SET_UP) run
	@exec .venv/bin/qualz run

test: check ## Run the checks and all tests; choose some with ARGS="-k word"
	@CHROMIUM="$$(.venv/bin/python scripts/find_chromium.py)" && export CHROMIUM && \
		exec .venv/bin/python -m pytest --numprocesses 2 --dist loadfile -m "not long" $(ARGS)

test-all: check ## The same with what takes longest, and a second browser
	@$(SET_UP) test-all
	@CHROMIUM="$$(.venv/bin/python scripts/find_chromium.py)" && export CHROMIUM && \
		exec .venv/bin/python -m pytest --numprocesses 2 --dist loadfile $(ARGS)

check: ## Check style, types, unsafe code and the JavaScript, and run its unit tests
	@$(SET_UP) test
	@.venv/bin/ruff check --quiet .
	@.venv/bin/ruff format --check --quiet .
	@.venv/bin/mypy
	@.venv/bin/bandit --quiet --recursive qualz scripts migrations app.py worker.py 2>/dev/null
	@$(WITH_VENV) npm run --silent types
	@$(WITH_VENV) npm run --silent lint
	@$(WITH_VENV) npm run --silent test

audit: ## Ask PyPI and npm for known holes in the packages; needs the network
	@$(SET_UP) test
	@.venv/bin/python -m pip install --quiet "pip-audit==2.10.1"
	@.venv/bin/pip-audit --skip-editable --progress-spinner off
	@$(WITH_VENV) npm audit --omit=dev

screenshots: ## Photograph every page, for the README and for a careful look
	@$(SET_UP) test
	@CHROMIUM="$$(.venv/bin/python scripts/find_chromium.py)" && export CHROMIUM && \
		exec .venv/bin/python -m tests.screenshots

bench: ## Measure on a quiet machine: FULL=1 for all of it, ARGS="uploads" for some
	@$(SET_UP) test
	@CHROMIUM="$$(.venv/bin/python scripts/find_chromium.py)" && export CHROMIUM && \
		exec .venv/bin/python -m tests.bench $(if $(FULL),--full) $(ARGS)

clean: ## Remove what set-up made; your data in ./var stays
	rm -rf .venv node_modules static/vendor test-results *.egg-info
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis
