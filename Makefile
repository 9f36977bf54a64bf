# FlexLedger. Every target sets itself up: .venv from the hash-locked requirements, node_modules from package-lock.json.
# Needs Python 3.11 to 3.13 and make; Node and PostgreSQL only for the checks that say so.

PYTHON ?= python3
BIN := .venv/bin
ROUNDS ?= 300
SECONDS ?= 120
STEPS ?= 40000
PLACEMENTS ?= 60
REDS ?= 20

.DEFAULT_GOAL := help
.PHONY: help demo serve test crash streams fuzz grid-campaign bench-grid slither lint format contracts rules locks clean env env-dev

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

demo: env ## one delivery day from registration to verified settlement, into var/demo
	@$(BIN)/flexledger demo

serve: env ## the API over what the demo left
	@$(BIN)/flexledger serve

test: env-dev ## every check and every test (with CI=true nothing may be skipped)
	@$(BIN)/python -m tools.run_checks all

crash: env-dev ## kill -9 of access node and workers under load, ROUNDS times
	@CRASH_ROUNDS=$(ROUNDS) $(BIN)/python -m pytest -q tests/integration/test_intake_crash.py

streams: env-dev ## STEPS random commands of all parties through domain and contracts, side by side
	@STREAM_STEPS=$(STEPS) $(BIN)/python -m pytest -q -n auto tests/conformance/test_rulebook_against_chain.py

fuzz: env-dev ## coverage-guided fuzzing of all readers, SECONDS each
	@$(BIN)/python -m pip install --quiet --require-hashes --only-binary :all: --upgrade \
		--target .cache/fuzz -r requirements-fuzz.lock
	@for target in $$($(BIN)/python -m tests.fuzz.campaign); do \
		PYTHONPATH=.cache/fuzz $(BIN)/python -m tests.fuzz.campaign $$target \
			-max_total_time=$(SECONDS) -max_len=600 || exit 1; \
	done

grid-campaign: env ## the proofs of the lights on all six grids, PLACEMENTS to a quarter-hour and REDS to a day
	@$(BIN)/python -m tools.grid_campaign --placements $(PLACEMENTS) --reds $(REDS)

bench-grid: env ## power flows and lights of grids, against pandapower in an environment of its own
	@$(PYTHON) -m venv .cache/pandapower
	@.cache/pandapower/bin/pip install --quiet --require-hashes -r requirements-fixtures.lock
	@$(BIN)/flexledger bench grid --pandapower .cache/pandapower/bin/python

slither: env-dev ## static analysis of the contracts, in an environment of its own
	@$(BIN)/python -m tools.run_checks node-modules
	@$(BIN)/python -m venv .cache/slither
	@.cache/slither/bin/pip install --quiet --require-hashes -r requirements-slither.lock
	@$(BIN)/python -m contracts.analyse .cache/slither/bin/slither

lint: env-dev ## the checks that need no test run: style, types, rooms, rules
	@$(BIN)/python -m tools.run_checks lint

format: env-dev ## sort imports and apply safe fixes
	@$(BIN)/ruff check --fix-only .

contracts: env-dev ## compile the contracts and write contracts/artifacts
	@$(BIN)/python -m tools.run_checks node-modules
	@$(BIN)/python -m contracts.compile

rules: env-dev ## write docs/rules.md from docs/rules.toml, code and tests
	@$(BIN)/python -m tools.check_rules

locks: ## resolve the requirements anew (needs uv)
	@$(PYTHON) tools/make_locks.py

clean: ## remove everything that the other targets made
	rm -rf .venv node_modules var .cache build *.egg-info contracts/out contracts/cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

env:
	@$(PYTHON) tools/setup_env.py runtime

env-dev:
	@$(PYTHON) tools/setup_env.py dev
