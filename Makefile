# `make run` and `make test` need Python 3.11 or newer (with venv) and make, nothing else.
SHELL := /bin/sh
PYTHON ?= python3
JOBS ?= auto
BIN := .venv/bin
LOCK := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header pyproject.toml

# Checks run with the settings of a real installation, and with keys made for the moment.
PRODUCTION = PORTAL_ENV_FILE=/dev/null PORTAL_BASE_URL=https://portal.example ALLOWED_HOSTS=portal.example \
	SECRET_KEY="$$($(BIN)/python -c 'import secrets; print(secrets.token_urlsafe(64))')" \
	PORTAL_MASTER_KEYS="k1:$$($(BIN)/python -c 'import base64, os; print(base64.b64encode(os.urandom(32)).decode())')"

.DEFAULT_GOAL := help
.PHONY: help env run test test-fast pace check bench pictures messages lock

help: ## what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

env: .venv/.installed ## the environment alone, in .venv

.venv/.installed: requirements.txt tests/requirements.txt
	@set -e; \
	fits() { "$$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; }; \
	found=; for each in $(PYTHON) python3.14 python3.13 python3.12 python3.11; do \
		if fits $$each; then found=$$each; break; fi; done; \
	if [ -z "$$found" ]; then echo "Python 3.11 or newer was not found: install it, or name it with make PYTHON=..." >&2; exit 1; fi; \
	if [ "$$found" != "$(PYTHON)" ]; then echo "$(PYTHON) is older than 3.11 or missing, so $$found is used."; fi; \
	if [ ! -x $(BIN)/python ] || ! fits $(BIN)/python; then \
		"$$found" -m venv --clear .venv || { echo "$$found cannot make an environment: install its venv module (Debian: python3-venv)." >&2; exit 1; }; fi; \
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes \
		-r requirements.txt -r tests/requirements.txt
	@touch $@

run: env ## the whole portal with demo data; Ctrl-C stops it
	@exec $(BIN)/python manage.py portal --demo

# Worksteal keeps the tests of a module together, and with them the servers they share.
PYTEST := $(BIN)/python -m pytest -n $(JOBS) --maxprocesses 16 --dist worksteal

test: env ## the whole test suite, on real servers of its own
	@exec $(PYTEST)

test-fast: env ## the tests of the daily loop: all but the slow ones
	@exec $(PYTEST) -m "not slow"

pace: env ## run all tests, and write anew which of them are slow
	@PORTAL_TEST_PACE=1 exec $(PYTEST)

check: env ## style, types, layers, migrations, settings
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	@echo "manage.py makemigrations --check"
	@$(PRODUCTION) $(BIN)/python -W ignore::RuntimeWarning manage.py makemigrations --check --dry-run
	@echo "manage.py check --deploy"
	@$(PRODUCTION) $(BIN)/python manage.py check --deploy --fail-level WARNING

bench: env ## how fast it is, beside a bare view
	@exec $(BIN)/python -m tests.bench

pictures: env ## take the manual's pictures anew (needs Chromium)
	@PORTAL_PICTURES_DIR=dsrportal/static/portal/help exec $(BIN)/python -m pytest tests/browser/test_walk.py tests/browser/test_working_day.py

messages: env ## find the texts anew, update their German and compile it
	@exec $(BIN)/python -m tests.messages

lock: ## resolve pyproject.toml anew into the two lists (needs uv)
	$(LOCK) --output-file requirements.txt
	$(LOCK) --extra test --constraint requirements.txt --output-file .lock-all
	awk 'FNR == NR { if (/^[a-z0-9]/) seen[$$1] = 1; next } /^[a-z0-9]/ { keep = !($$1 in seen) } keep' \
		requirements.txt .lock-all > tests/requirements.txt
	rm .lock-all
