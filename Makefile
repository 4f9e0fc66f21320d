# Every target works on a bare Debian 12 with python3, python3-venv and make; PYTHON names another interpreter (3.11 or newer).
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin/python
RUN := $(VENV)/.installed-run
DEV := $(VENV)/.installed-dev
PIP := $(BIN) -m pip install --quiet --disable-pip-version-check --no-input
PIN := $(BIN) -m piptools compile -q --no-emit-index-url --no-emit-find-links --strip-extras --no-header --no-annotate
FLASK := $(BIN) -m flask --app wsgi

.DEFAULT_GOAL := help
.PHONY: help run test lint bench openapi pins faults
.DELETE_ON_ERROR:

help: ## Show this help
	@awk -F ':.*## ' '/^[a-z%-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: $(RUN) ## Run Minhu with its demo county; PORT (8000) and DATA_DIR (var) are honoured
	@export DEMO="$${DEMO:-on}" DEVELOPMENT_CLOCK="$${DEVELOPMENT_CLOCK:-on}" WECHAT_GATEWAY="$${WECHAT_GATEWAY:-development}"; \
	exec $(BIN) -m app.supervise

test: $(DEV) ## Run the tests; T="-k word" chooses some
	$(BIN) -m pytest -n 2 --dist loadfile $(T)

lint: $(DEV) ## Check style, types and the arrows between packages
	$(BIN) -m ruff check .
	$(BIN) -m ruff format --check .
	$(BIN) -m mypy
	$(BIN) -c 'from importlinter.cli import lint_imports_command; lint_imports_command()' --no-cache

bench: $(addprefix bench-,submission sweep queue merge figures dry_run placing roster sync) ## Measure every figure of the bar, each with its floor

bench-%: $(RUN) ## Measure one: submission, sweep, queue, merge, figures, dry_run, placing, roster, sync
	$(BIN) -m benchmarks.$*

openapi: $(RUN) ## Write the generated documents: docs/openapi/ for each door, settings, error codes, workflow
	$(FLASK) write-docs

pins: $(DEV) ## Compile requirements*.in into requirements*.txt
	$(PIN) -o requirements.txt requirements.in
	$(PIN) -o requirements-dev.txt requirements-dev.in

faults: $(DEV) ## The long forms: processes killed under load, a thousand cases fought over, a hundred random lives
	PHONE_VISITS=2000 $(BIN) -m pytest -m faults tests/faults $(T)
	AT_ONCE_ROUNDS=1000 WHOLE_LIFE_EXAMPLES=100 $(BIN) -m pytest tests/ledger/test_at_once.py tests/ledger/test_whole_life.py $(T)
	SIMULATED_HOUSEHOLDS=600 SIMULATED_VILLAGES=6 $(BIN) -m pytest tests/visits/test_simulated_county.py $(T)

# A stamp for each list, so that a changed list is installed and an unchanged one costs nothing. Programs are called as modules
# (`python -m`), because a checkout that was moved has scripts that point to where it was.
$(RUN): requirements.txt
	@$(BIN) -c 'import pip' 2>/dev/null || { echo "Installing into $(VENV) …"; $(PYTHON) -m venv $(VENV); } || \
	{ echo "$(PYTHON) cannot make a virtual environment: install Python 3.11 or newer with venv (Debian: apt install python3-venv), or set PYTHON."; exit 1; }
	@$(PIP) -r requirements.txt
	@touch $@

$(DEV): requirements-dev.txt $(RUN)
	@$(PIP) -r requirements.txt -r requirements-dev.txt
	@touch $@
