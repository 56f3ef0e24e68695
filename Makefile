# Every command of the project. `make` lists them.

PORT ?= 3000
STORE_PORT ?= 0
STORE_HOST ?= 127.0.0.1
DATA ?=
PARAMETERS ?=
PYTHON ?=
TESTS ?=

export AWS_DEFAULT_REGION ?= us-east-1
export SAM_CLI_TELEMETRY := 0
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# The locks name every package, so there is nothing to resolve; bytecode is made on first import.
PIP_INSTALL := -m pip install --quiet --require-hashes --no-deps --only-binary=:all: --no-compile

VENV := .venv
SAM_VENV := .venv-sam
LOCK_VENV := .venv-lock
SOURCES := functions layers/core local usagectl tests

.PHONY: help run test check format lint types template build schemas lock clean
.DEFAULT_GOAL := help

help: ## list the commands
	@awk -F ': .*## ' '/^[a-z]+: .*## / {printf "make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: export PYTHONPATH := $(CURDIR)/layers/core:$(CURDIR)
run: $(VENV)/installed ## serve the stack on 127.0.0.1 [PORT=3000] [DATA=folder] [PARAMETERS="Name=value ..."]
	@$(VENV)/bin/python -m local --port $(PORT) --store-port $(STORE_PORT) --store-host $(STORE_HOST) \
		$(if $(DATA),--data "$(DATA)") $(PARAMETERS)

test: $(VENV)/installed ## run the tests [TESTS="path -k name ..."]
	$(VENV)/bin/python -m pytest -n auto --maxprocesses 4 --dist loadgroup $(TESTS)

check: lint types template test ## format, lint, types, template and tests: what CI runs

format: $(VENV)/installed ## format the code, and mend what the linter can mend
	$(VENV)/bin/ruff check --fix-only --quiet
	$(VENV)/bin/ruff format

lint: $(VENV)/installed ## check format and lint
	$(VENV)/bin/ruff format --check
	$(VENV)/bin/ruff check

types: $(VENV)/installed ## check types
	$(VENV)/bin/mypy $(wildcard $(SOURCES))

template: $(SAM_VENV)/installed ## validate and lint the template
	$(SAM_VENV)/bin/sam validate --lint

# sam build and the layers' makefiles look for python3.13 on PATH: the virtual environment has it.
build: $(SAM_VENV)/installed ## build the functions and layers into .aws-sam/build, for sam deploy
	PATH="$(CURDIR)/$(SAM_VENV)/bin:$$PATH" $(SAM_VENV)/bin/sam build

schemas: export PYTHONPATH := $(CURDIR)/layers/core
schemas: $(VENV)/installed ## write the events' JSON Schemas anew
	$(VENV)/bin/python -m usagectl.schemas schemas

lock: $(LOCK_VENV)/installed ## make the lock files anew, with the newest versions
	cd layers/dependencies && "$(CURDIR)/$(LOCK_VENV)/bin/pip-compile" $(LOCK_OPTIONS) requirements.in
	cd requirements && "$(CURDIR)/$(LOCK_VENV)/bin/pip-compile" $(LOCK_OPTIONS) dev.in
	cd requirements && "$(CURDIR)/$(LOCK_VENV)/bin/pip-compile" $(LOCK_OPTIONS) sam.in

# No index, no path and no option of the machine that made them gets into the locks.
LOCK_OPTIONS := --quiet --upgrade --generate-hashes --allow-unsafe --strip-extras \
	--no-header --no-annotate --no-emit-options \
	--no-emit-index-url --no-emit-find-links --no-emit-trusted-host

clean: ## remove everything that make made
	rm -rf $(VENV) $(SAM_VENV) $(LOCK_VENV) .aws-sam .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/installed: layers/dependencies/requirements.txt requirements/dev.txt
	@python=$$(.ci/find-python "$(PYTHON)") && echo "Installing into $(VENV) with $$python" && \
		"$$python" -m venv --clear $(VENV)
	@$(VENV)/bin/python $(PIP_INSTALL) -r requirements/dev.txt
	@touch $@

$(SAM_VENV)/installed: requirements/sam.txt
	@python=$$(.ci/find-python "$(PYTHON)") && echo "Installing into $(SAM_VENV) with $$python" && \
		"$$python" -m venv --clear $(SAM_VENV)
	@$(SAM_VENV)/bin/python $(PIP_INSTALL) -r requirements/sam.txt
	@touch $@

$(LOCK_VENV)/installed: Makefile
	@python=$$(.ci/find-python "$(PYTHON)") && "$$python" -m venv --clear $(LOCK_VENV)
	@$(LOCK_VENV)/bin/python -m pip install --quiet pip-tools==7.6.2
	@touch $@
