# The project's commands. `make` lists them.

PORT ?= 3000
STORE_PORT ?= 0
STORE_HOST ?= 127.0.0.1
STORE ?=
LOG ?=
DATA ?=
PARAMETERS ?=
PYTHON ?=
TESTS ?=
MVN ?= mvn
DYNAMODB_PORT ?= 8000
ROWS ?= 100000
ENV ?=
FLAGS ?=
BUILT ?=
TAKE ?=
COUNT ?= 300
SEED ?= 0
AREAS ?=

# Deployments ask AWS's own configuration for the region, not the default for the other commands.
WITH_OWN_REGION := $(if $(AWS_DEFAULT_REGION),,env -u AWS_DEFAULT_REGION)
export AWS_DEFAULT_REGION ?= us-east-1
export SAM_CLI_TELEMETRY := 0
export PIP_DISABLE_PIP_VERSION_CHECK := 1

VENV := .venv
SAM_VENV := .venv-sam
SCAN_VENV := .venv-scan
MINISTACK_VENV := .venv-ministack
LOCK_VENV := .venv-lock
DYNAMODB_LOCAL := .dynamodb-local
# What .venv has. The page's package is installed without what it requires, which is Django.
LOCKS := requirements/dev.txt functions/page/requirements.txt
SOURCES := benchmarks examples functions layers local tools usagectl tests

.PHONY: help run test check format lint types template package deploy-check build preflight deploy take-over bench schemas \
	openapi costs screenshots lock clean \
	dynamodb-local dynamodb-local-jars dynamodb-local-if-possible FORCE
.DEFAULT_GOAL := help

help: ## list the commands
	@awk -F ': .*## ' '/^[a-z-]+: .*## / {printf "make %-20s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: export PYTHONPATH := $(CURDIR)/layers/core:$(CURDIR)
run: $(VENV)/installed ## serve the stack on 127.0.0.1 [PORT=3000] [DATA=folder] [STORE=moto] [LOG=json] [PARAMETERS="Name=value ..."]
	@exec $(VENV)/bin/python -m local --port "$(PORT)" --store-port "$(STORE_PORT)" --store-host "$(STORE_HOST)" \
		$(if $(STORE),--store "$(STORE)") $(if $(LOG),--log "$(LOG)") $(if $(DATA),--data "$(DATA)") $(PARAMETERS)

# DynamoDB Local is needed for all tests, and for those in tests/store.
test: $(VENV)/installed ## run the tests [TESTS="path -k name ..."]
test: $(if $(strip $(TESTS)),$(if $(filter tests tests/ tests/store%,$(TESTS)),dynamodb-local-if-possible),dynamodb-local-if-possible)
	$(VENV)/bin/python -m pytest -n auto --maxprocesses 4 --dist loadgroup $(TESTS)

package: build $(VENV)/installed ## build what is deployed, and test it
	$(VENV)/bin/python -m pytest tests/package -m package

deploy-check: build $(VENV)/installed $(MINISTACK_VENV)/installed ## deploy what is built to an emulator of AWS, and test it there
	$(VENV)/bin/python -m pytest tests/deployed -m deployed

check: lint types template scan package deploy-check test ## all checks: format, lint, types, template, scanners, package, deployment, tests; CI runs it

format: $(VENV)/installed ## format the code, and fix what the linter can fix
	$(VENV)/bin/ruff check --fix-only --quiet
	$(VENV)/bin/ruff format

lint: $(VENV)/installed ## check format and lint rules
	$(VENV)/bin/ruff format --check
	$(VENV)/bin/ruff check

types: $(VENV)/installed ## check types
	$(VENV)/bin/mypy $(SOURCES)

template: $(SAM_VENV)/installed ## validate and lint the template
	$(SAM_VENV)/bin/sam validate --lint

# Not part of check: it takes half an hour. The areas are named in docs/development.md.
.PHONY: mutants
mutants: export PYTHONPATH := $(CURDIR)/layers/core:$(CURDIR)
mutants: $(VENV)/installed ## make small mistakes, and say which no test notices [COUNT=300] [SEED=0] [AREAS="domain template ..."]
	@ls .mutants/record/*.json >/dev/null 2>&1 || $(VENV)/bin/python -m tools.mutants record
	@$(VENV)/bin/python -m tools.mutants run --count "$(COUNT)" --seed "$(SEED)" $(AREAS)

.PHONY: scan sbom
SCAN_LOCKS := requirements/scan.txt requirements/guard.txt
# What is deployed, which is what the list of components (SBOM) names.
DEPLOYED_LOCKS := layers/dependencies/requirements.txt functions/page/requirements.txt

scan: export PYTHONPATH := $(CURDIR)/layers/core:$(CURDIR)
scan: $(VENV)/installed $(SAM_VENV)/installed $(SCAN_VENV)/installed ## run all scanners on templates and workflows
	@$(VENV)/bin/python -m tools.scan $(SAM_VENV)/bin/cfn-lint $(SCAN_VENV)

sbom: $(SCAN_VENV)/installed ## list the packages of others that are deployed (SBOM) in sbom.cdx.json
	@$(SCAN_VENV)/bin/python -m tools.sbom $(SCAN_VENV)/bin/cyclonedx-py sbom.cdx.json $(DEPLOYED_LOCKS)

# sam build and the layers' makefiles look for python3.13 on PATH; the virtual environment has it.
build: $(SAM_VENV)/installed ## build the functions and layers into .aws-sam/build, for sam deploy
	PATH="$(CURDIR)/$(SAM_VENV)/bin:$$PATH" $(SAM_VENV)/bin/sam build

preflight: ## check whether a deployment would succeed, and change nothing: ENV=dev or ENV=prod
	@$(REFUSE_WITHOUT_ENV)
	@$(MAKE) --silent $(VENV)/installed
	@$(DEPLOY_TOOL) preflight $(ENV)

deploy: ## check, build, and deploy to AWS: ENV=dev or ENV=prod [FLAGS="--no-confirm-changeset"] [BUILT=yes]
	@$(REFUSE_WITHOUT_ENV)
	@$(MAKE) --silent $(VENV)/installed
	@$(DEPLOY_TOOL) preflight $(ENV) --flags="$(FLAGS)"
	@$(MAKE) --no-print-directory $(if $(BUILT),--silent $(SAM_VENV)/installed,build)
	@$(DEPLOY_TOOL) deploy $(ENV) --sam $(SAM_VENV)/bin/sam --flags="$(FLAGS)"

take-over: ## prepare the import of what a deleted stack has left: ENV=dev or ENV=prod [TAKE="LogicalId=name ..."]
	@$(REFUSE_WITHOUT_ENV)
	@$(MAKE) --silent $(VENV)/installed
	@$(DEPLOY_TOOL) take-over $(ENV) --take="$(TAKE)"

DEPLOY_TOOL = PYTHONPATH="$(CURDIR)/layers/core:$(CURDIR)" $(WITH_OWN_REGION) $(VENV)/bin/python -m tools.deploy
REFUSE_WITHOUT_ENV = case "$(ENV)" in dev|prod) ;; *) \
	echo "Nothing was done. Say for which environment: make $@ ENV=dev, or make $@ ENV=prod." >&2; exit 2;; esac

dynamodb-local: $(VENV)/installed $(DYNAMODB_LOCAL)/installed ## run AWS's DynamoDB Local [DYNAMODB_PORT=8000]
	@exec $(VENV)/bin/python -m local.dynamodb --port $(DYNAMODB_PORT)

dynamodb-local-jars: $(DYNAMODB_LOCAL)/installed ## download DynamoDB Local (50 MB) with Maven

# If it can't be installed, the tests that need it are skipped.
dynamodb-local-if-possible:
	@$(MAKE) --question $(DYNAMODB_LOCAL)/installed 2>/dev/null || \
	if [ "$$(uname -m)" != x86_64 ]; then \
		echo "DynamoDB Local runs on x86-64 only: the tests that need it are skipped."; \
	elif $(MVN) --version >/dev/null 2>&1; then \
		$(MAKE) --no-print-directory $(DYNAMODB_LOCAL)/installed || \
			echo "DynamoDB Local could not be downloaded: the tests that need it are skipped."; \
	else \
		echo "DynamoDB Local needs Maven and Java: the tests that need it are skipped."; \
	fi

bench: export PYTHONPATH := $(CURDIR)/layers/core:$(CURDIR)
bench: build $(VENV)/installed $(DYNAMODB_LOCAL)/installed ## measure the service against a baseline [ROWS=100000]
	@$(VENV)/bin/python -m benchmarks --rows $(ROWS)

schemas: export PYTHONPATH := $(CURDIR)/layers/core
schemas: $(VENV)/installed ## write the events' JSON Schemas from their models
	$(VENV)/bin/python -m tools.schemas schemas

openapi: export PYTHONPATH := $(CURDIR)/layers/core:$(CURDIR)
openapi: $(VENV)/installed ## write openapi.json from the code, the template and the demo's answers
	$(VENV)/bin/python -m tools.openapi openapi.json

costs: export PYTHONPATH := $(CURDIR)/layers/core:$(CURDIR)
costs: $(VENV)/installed ## print what the service costs, from prices and measured figures
	@$(VENV)/bin/python -m tools.costs

screenshots: export PYTHONPATH := $(CURDIR)/layers/core:$(CURDIR)
screenshots: $(VENV)/installed ## write the page's screenshots to docs/page, with Chromium
	@$(VENV)/bin/python -m tools.screenshots docs/page

lock: $(LOCK_VENV)/installed ## update the lock files to the newest versions
	cd layers/dependencies && "$(CURDIR)/$(LOCK_VENV)/bin/pip-compile" $(LOCK_OPTIONS) requirements.in
	cd requirements && "$(CURDIR)/$(LOCK_VENV)/bin/pip-compile" $(LOCK_OPTIONS) dev.in
	cd requirements && "$(CURDIR)/$(LOCK_VENV)/bin/pip-compile" $(LOCK_OPTIONS) sam.in
	cd requirements && "$(CURDIR)/$(LOCK_VENV)/bin/pip-compile" $(LOCK_OPTIONS) scan.in
	cd requirements && "$(CURDIR)/$(LOCK_VENV)/bin/pip-compile" $(LOCK_OPTIONS) ministack.in
	$(LOCK_VENV)/bin/python tools/wheel_locks.py

# The lock files contain no index, path or option of the machine that made them.
LOCK_OPTIONS := --quiet --upgrade --generate-hashes --allow-unsafe --strip-extras \
	--no-header --no-annotate --no-emit-options \
	--no-emit-index-url --no-emit-find-links --no-emit-trusted-host

clean: ## remove all files that make created
	rm -rf $(VENV) $(SAM_VENV) $(SCAN_VENV) $(MINISTACK_VENV) $(LOCK_VENV) sbom.cdx.json $(DYNAMODB_LOCAL) .aws-sam .bench .hypothesis .mutants .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# FORCE if a virtual environment has to be made again: its Python no longer exists, or it was made
# with another Python than PYTHON. A PYTHON that can't be used is refused.
force_if_outdated = $(if $(realpath $(1)/bin/python),$(if $(PYTHON),$(shell .ci/made-with $(1) "$(PYTHON)" 2>/dev/null || echo FORCE)),FORCE)

$(VENV)/installed: layers/dependencies/requirements.txt $(LOCKS) $(call force_if_outdated,$(VENV))
	@.ci/make-venv $(VENV) "$(LOCKS)" "$(PYTHON)"

$(SAM_VENV)/installed: requirements/sam.txt $(call force_if_outdated,$(SAM_VENV))
	@.ci/make-venv $(SAM_VENV) requirements/sam.txt "$(PYTHON)"

$(SCAN_VENV)/installed: $(SCAN_LOCKS) $(call force_if_outdated,$(SCAN_VENV))
	@.ci/make-venv $(SCAN_VENV) "$(SCAN_LOCKS)" "$(PYTHON)"

$(MINISTACK_VENV)/installed: requirements/ministack.txt $(call force_if_outdated,$(MINISTACK_VENV))
	@.ci/make-venv $(MINISTACK_VENV) requirements/ministack.txt "$(PYTHON)"

$(DYNAMODB_LOCAL)/installed: local/dynamodb/pom.xml
	@echo "Downloading DynamoDB Local (50 MB) into $(DYNAMODB_LOCAL) with $(MVN), once ..."
	@rm -rf $(DYNAMODB_LOCAL)
	@began=$$(date +%s) && \
		$(MVN) --batch-mode --quiet -Dstyle.color=never --file $< -Djars="$(CURDIR)/$(DYNAMODB_LOCAL)" package && \
		touch $@ && echo "Downloaded in $$(($$(date +%s) - began)) s."

$(LOCK_VENV)/installed: Makefile
	@python=$$(.ci/find-python "$(PYTHON)") && "$$python" -m venv --clear $(LOCK_VENV)
	@$(LOCK_VENV)/bin/python -m pip install --quiet pip-tools==7.6.2
	@touch $@
