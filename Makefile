# What can be done with this project: `make help`. A target sets up what it needs first; the second time that takes no
# time. PYTHON=/path/to/python3.13 names the interpreter, VENV=.venv-3.13 keeps a second environment beside .venv.
.DEFAULT_GOAL := help
SHELL := /bin/sh
VENV ?= .venv
PYTHON ?=
BIN := $(VENV)/bin
TESTS ?= tests
# More processes than cores, for much of a test is waiting (tests/parallel.py shares the tests out).
PYTEST := $(BIN)/pytest -n 3

# The tests and the laptop's functions are hundreds of short processes: without compiled files each compiles all it needs.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help
help: ## List the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1|/p' $(MAKEFILE_LIST) | while IFS='|' read -r name text; do printf '  make %-11s %s\n' "$$name" "$$text"; done

.PHONY: setup
setup: ## Make the environment fit (every target does this by itself)
	@PYTHON='$(PYTHON)' VENV='$(VENV)' sh tools/setup.sh

.PHONY: run
run: setup ## Run everything on this machine until Ctrl-C; ONCE=1 stops after the first, checked round
	@$(BIN)/python -m local.run $(if $(filter-out 0,$(ONCE)),--once)

.PHONY: demo-fail
demo-fail: setup ## Break a broker of the running demo: BROKER=oanda, HOW=down (or refused, garbled)
	@$(BIN)/brokersync demo-fail $(BROKER) $(if $(HOW),--how '$(HOW)')

.PHONY: demo-heal
demo-heal: setup ## Mend the brokers of the running demo, or one: BROKER=oanda
	@$(BIN)/brokersync demo-heal $(BROKER)

.PHONY: screenshots
screenshots: setup ## Take the README's pictures of the page anew (needs Chromium)
	@$(BIN)/python -m tests.browser.screenshots

.PHONY: test
test: setup ## Run the tests; EXTRAS=1 fails where a test lacks Chromium, python3.13 or the like; TESTS=path
	@$(PYTEST) $(if $(filter-out 0,$(EXTRAS)),--require-extras) $(TESTS)

.PHONY: lint
lint: setup ## Check style, types, import directions and the template
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/cfn-lint template.yaml

.PHONY: template
template: setup ## Check the template with SAM and checkov (installs them under .tools/)
	@$(BIN)/python -m tools.check_template

.PHONY: format
format: setup ## Format the code and mend what ruff can mend
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

.PHONY: build
build: setup ## Build with SAM and import each handler from the built layers alone
	@$(BIN)/python -m tools.prove_build

.PHONY: new-broker
new-broker: setup ## Make a broker's folder, simulator and kit to fill in: NAME=acme (docs/adding-a-broker.md)
	@$(BIN)/python -m tools.new_broker $(NAME)

.PHONY: record
record: setup ## Save a broker's real answers, scrubbed: BROKER=oanda, and ACCOUNT= ENVIRONMENT= CREDENTIALS= DAYS= ALSO= OUT=
	@$(BIN)/python -m tools.record $(BROKER) \
		$(if $(ACCOUNT),--account '$(ACCOUNT)') $(if $(ENVIRONMENT),--environment '$(ENVIRONMENT)') \
		$(if $(CREDENTIALS),--credentials '$(CREDENTIALS)') $(if $(DAYS),--days '$(DAYS)') \
		$(if $(ALSO),--also '$(ALSO)') $(if $(OUT),--out '$(OUT)') $(if $(ENDPOINT),--endpoint '$(ENDPOINT)')

.PHONY: bench
bench: setup ## Measure requests, cost, CPU and start-up against their yardsticks
	@$(BIN)/python -m tests.bench

.PHONY: clean
clean: ## Remove everything that was made here
	rm -rf .venv .venv-* .tools .aws-sam .local .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
