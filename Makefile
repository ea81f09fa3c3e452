# Everything starts here: `make run` and `make test` set up what they need by themselves.

PYTHON ?= python3
VENV := .venv/bin/python
BOOTSTRAP := $(PYTHON) -I dashboard/local/bootstrap.py
TESTS ?=
PYTEST_ARGS ?=
SOAK_TEST := tests/integration/test_soak.py

# mypy's Django plugin imports the settings. These are placeholders, never used to start anything.
LINT_ENV := DEBUG=true DATABASE_URL=postgresql://lint@/lint SECRET_KEY=only-for-type-checking-never-used-to-run-it \
	RUNBOARD_ENCRYPTION_KEYS=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=

# Addresses and paths of whoever makes the lock stay out of it.
LOCK := $(VENV) -m uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-header --no-annotate pyproject.toml

.DEFAULT_GOAL := help
.PHONY: help run test test-all lint format bench soak fuzz protections lock venv-local venv-dev

help: ## Show what can be made
	@grep -hE '^[a-z-]+:.*## ' Makefile | awk -F ':.*## ' '{printf "  make %-11s %s\n", $$1, $$2}'

run: venv-local ## Set everything up and run it: database, sample LangGraph server, worker, web
	@exec $(VENV) manage.py up --end-with-parent

# Most tests wait, so more run side by side than there are cores; each process has a database and servers of its own.
# The soak runs by itself, as it measures how soon pages are current.
PARALLEL := -n 5 --dist loadgroup --no-loadscope-reorder
SLOW := -m "slow or not slow"

# A hundred processes start in the tests: none compiles again what another has compiled.
unexport PYTHONDONTWRITEBYTECODE

test: venv-dev ## Run the tests (TESTS=tests/unit or PYTEST_ARGS="-k name" for some)
	@$(VENV) -m dashboard.local.browser
ifeq ($(strip $(TESTS)$(PYTEST_ARGS)),)
	@exec $(VENV) -m pytest tests/unit tests/integration tests/fuzz tests/contract tests/browser $(PARALLEL)
else
	@exec $(VENV) -m pytest $(or $(TESTS),tests/unit tests/integration tests/fuzz tests/contract tests/browser) $(PYTEST_ARGS)
endif

test-all: venv-dev ## Before a release: every test with the long proofs, the protections, ten minutes of soak
	@$(VENV) -m dashboard.local.browser
	@$(VENV) -m pytest tests/unit tests/integration tests/fuzz tests/contract tests/browser $(SLOW) $(PARALLEL) --ignore=$(SOAK_TEST)
	@$(VENV) -m pytest $(SOAK_TEST) $(SLOW)
	@$(VENV) -m tests.soak
	@exec $(VENV) -m tests.protections

lint: venv-dev ## Check format, style and types
	@$(VENV) -m ruff format --check --quiet . || { echo "runboard: format with 'make format'" >&2; exit 1; }
	@$(VENV) -m ruff check .
	@find templates -name '*.html' -exec .venv/bin/djade --target-version 5.2 --check {} +
	@$(VENV) -m tests.style.wrap_templates --check templates
	@$(LINT_ENV) $(VENV) -m mypy

format: venv-dev ## Format the code
	@$(VENV) -m ruff format .
	@$(VENV) -m ruff check --fix .
	@find templates -name '*.html' -exec .venv/bin/djade --target-version 5.2 {} + || true
	@$(VENV) -m tests.style.wrap_templates templates

bench: venv-dev ## Measure speed and scale
	@exec $(VENV) -m pytest tests/bench -s $(PYTEST_ARGS)

soak: venv-dev ## Run everything against every fault (SOAK_MINUTES=10, SOAK_SEED=a number to repeat one)
	@exec $(VENV) -m tests.soak

fuzz: venv-dev ## Send generated requests to every address (FUZZ_REQUESTS=20000, FUZZ_SEED=a number for others)
	@FUZZ_REQUESTS=$(or $(FUZZ_REQUESTS),20000) exec $(VENV) -m pytest tests/fuzz -q

protections: venv-dev ## Remove each protection in a copy, and see a test fail (PROTECTIONS="name name" for some)
	@exec $(VENV) -m tests.protections $(PROTECTIONS)

lock: venv-dev ## Write the lock files from pyproject.toml (LOCK_ARGS=--upgrade for newer versions)
	@$(LOCK) $(LOCK_ARGS) --extra dev --output-file requirements/dev.txt
	@$(LOCK) --extra local --constraints requirements/dev.txt --output-file requirements/local.txt
	@$(LOCK) --constraints requirements/dev.txt --output-file requirements/base.txt

venv-local:
	@$(BOOTSTRAP) requirements/local.txt

venv-dev:
	@$(BOOTSTRAP) requirements/dev.txt
