# Every target sets itself up in .venv from Debian's python3 (3.11 or newer) with its venv module.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# What others made, to be measured beside ours.
PEERS := .venv-peers
PIP := $(BIN)/pip --disable-pip-version-check
READY := $(VENV)/ready
UV ?= $(BIN)/uv
# Three workers also on two cores: many tests wait for a server. Each worker that needs one starts its own.
PYTEST_ARGS ?= --numprocesses 3 --dist worksteal
CLIENTS ?= 1000
ROUNDS ?= 5
ROWS ?=
FORMAT ?= text
# Where a repository that uses the reconciler keeps its wheel; at GitLab .gitlab/reconciler.
FOR ?= .github/reconciler
COUNT ?= 20
SEED ?= 1
MINUTES ?= 60
# The pure rooms: values in, values out.
PURE := tests/test_architecture.py tests/domain tests/registry tests/evidence tests/webhooks tests/planning tests/declare tests/engine tests/report tests/benchmarks
RELIABILITY := tests/reliability tests/adapters/test_vault_retries.py tests/planning/test_unfinished.py tests/registry/test_rebucket.py tests/engine/test_many_webhooks.py
# Told once more, through a proxy with the habits of HashiCorp Vault.
STORIES := tests/story/test_canary.py tests/story/test_main_job.py tests/story/test_revoke.py tests/story/test_rotation.py

# Hundreds of Pythons start in a run: each would compile everything anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help install demo test test-fast test-reliability test-exhaustive coverage check format bench bench-growth bench-peers mutants pictures schemas wheel lock clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-17s %s\n", $$1, $$2}' Makefile

install: $(READY) ## Set up .venv with pinned, hash-checked requirements

$(READY): requirements-dev.txt pyproject.toml
	@echo "Setting up $(VENV) (once)"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.11 ...")'
	@$(PYTHON) -m venv --clear $(VENV)
	@$(PIP) install -qq --require-hashes --requirement requirements-dev.txt
	@$(PIP) install -qq --no-deps --no-build-isolation --editable .
	@touch $@

demo: $(READY) ## The whole tour on a throw-away OpenBao
	@$(BIN)/reconciler demo

test: $(READY) ## Run the tests
	$(BIN)/python -m pytest $(PYTEST_ARGS)

test-fast: $(READY) ## The pure rooms in under a minute: no server, a tenth of the examples
	$(BIN)/python -m pytest --numprocesses 2 --dist worksteal --quiet --fast $(PURE)

test-reliability: $(READY) ## Break it in every way, in samples, and print how often
	$(BIN)/python -m pytest $(PYTEST_ARGS) $(RELIABILITY)

test-exhaustive: $(READY) ## The same with every case; takes an hour or so
	$(BIN)/python -m pytest $(PYTEST_ARGS) $(RELIABILITY) $(STORIES) --exhaustive

coverage: $(READY) ## Run the tests and measure branch coverage
	$(BIN)/python -m pytest $(PYTEST_ARGS) --cov --cov-report=term

check: $(READY) ## Formatting, lint and types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/mypy .github/actions/reconciler/*.py

format: $(READY) ## Format the code and apply the safe fixes of the linter
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

bench: $(READY) ## Measure everything against its named baseline (CLIENTS=1000 ROUNDS=5 ROWS="plan help" GROWTH=1 RECORD=1)
	@$(BIN)/python -m benchmarks --clients $(CLIENTS) --rounds $(ROUNDS) --rows "$(ROWS)" --format $(FORMAT) \
	  $(if $(GROWTH),--growth) $(if $(RECORD),--record)

bench-growth: $(READY) ## Only what ten times as many clients cost
	@$(MAKE) --no-print-directory bench ROWS=growth

bench-peers: $(READY) $(PEERS)/ready ## Beside a script on hvac, and octoDNS: the same job without us
	@$(MAKE) --no-print-directory bench ROWS=peer

$(PEERS)/ready: benchmarks/peers/requirements.txt
	@$(PYTHON) -m venv --clear $(PEERS)
	@$(PEERS)/bin/pip --disable-pip-version-check install -qq --require-hashes --requirement $<
	@touch $@

wheel: $(READY) ## Build the wheel, and the requirements that pin it (FOR=.github/reconciler)
	.ci/wheel $(FOR) $(BIN)/python

mutants: $(READY) ## Draw generated mutants, and print how many the tests notice (ROOM=vault COUNT=40 SEED=1 MINUTES=60)
	$(BIN)/python -m tests.mutation $(ROOM:%=--room %) --count $(COUNT) --seed $(SEED) --minutes $(MINUTES)

pictures: $(READY) ## Take the pictures of docs/review.md anew (needs chromium and optipng)
	$(BIN)/python -m tests.kit.texts.pictures

schemas: $(READY) ## Generate what of schemas/ follows from the schemes and from the client's schema
	$(BIN)/python -m reconciler.declare.schema.generated schemas

# Hash-only locks: they name no host, so they work with whichever index this machine uses.
COMPILE = $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-strip-extras $(UPGRADE)
lock: $(READY) ## Re-make requirements*.txt (UPGRADE=--upgrade for newer releases)
	@test "$(UV)" != "$(BIN)/uv" || $(PIP) install -qq uv
	$(COMPILE) pyproject.toml --extra server --extra dev --output-file requirements-dev.txt
	$(COMPILE) pyproject.toml --constraint requirements-dev.txt --output-file requirements.txt
	$(COMPILE) benchmarks/peers/requirements.in --constraint requirements-dev.txt --output-file benchmarks/peers/requirements.txt
	@! grep -n '://' requirements.txt requirements-dev.txt benchmarks/peers/requirements.txt

clean: ## Remove everything that the other targets made
	rm -rf $(VENV) $(PEERS) build dist .coverage .coverage.* .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
