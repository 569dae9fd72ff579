# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Every target sets up what it needs first: .venv with pinned packages and .build/collections. Nothing else has to be installed by hand.
.DEFAULT_GOAL := help
PYTHON ?= python3
PY := .venv/bin/python
SETUP := $(PYTHON) tools/environment.py
export PATH := $(CURDIR)/.venv/bin:$(PATH)
export ANSIBLE_COLLECTIONS_PATH := $(CURDIR)/.build/collections
export LC_ALL := C.UTF-8
# Each Ansible task is a new Python that imports hundreds of files: without their bytecode a task takes twice as long.
unexport PYTHONDONTWRITEBYTECODE
export PYTHONPYCACHEPREFIX := $(CURDIR)/.build/bytecode

.PHONY: help
help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "make %-12s %s\n", $$1, $$2}'

.PHONY: setup
setup: ## Make .venv and the collection path
	@$(SETUP)

.PHONY: quickstart
quickstart: setup ## Run k0smotron.ha.site on the lab (or on $KUBECONFIG) and show the result
	@$(PY) -m tools.quickstart site

.PHONY: verify
verify: setup ## Prove again what quickstart made; changes nothing
	@$(PY) -m tools.quickstart verify

.PHONY: test
test: ## What proves the project, a real path through every feature on the lab (always the lab, never $KUBECONFIG)
	@$(SETUP) --tests
	@$(PY) -m tools.check

.PHONY: test-all
test-all: ## The same with every scenario
	@$(SETUP) --tests
	@$(PY) -m tools.check all

.PHONY: unit
unit: setup ## Unit tests: no cluster, no database
	@$(PY) -m pytest tests/unit

.PHONY: benchmark
benchmark: ## What kine_check costs, as ratios measured in one run; wants a machine that does nothing else
	@$(SETUP) --tests
	@$(PY) -m pytest tests/benchmarks

.PHONY: mutation
mutation: setup ## Break each check of kine_check, and show that a unit test notices
	@$(PY) -m tests.mutation

.PHONY: lint
lint: setup ## Every linter and type checker
	@$(PY) -m tools.check lint

.PHONY: sanity
sanity: setup ## ansible-test sanity
	@$(PY) -m tools.sanity

.PHONY: lab
lab: setup ## Start the lab: a real Kubernetes on this machine
	@$(PY) -m tests.lab up

.PHONY: lab-down
lab-down: setup ## Stop the lab and remove everything it put on this machine but its cache of built programs
	@$(PY) -m tests.lab down

.PHONY: calibration
calibration: ## Try each fault of a PostgreSQL or MariaDB on real kine and on kine_check, and write docs/calibration.md (a few minutes)
	@$(SETUP) --tests
	@PYTHONPATH=$(CURDIR):$(CURDIR)/.build/collections $(PY) -m tests.integration.kine_check.calibration

NAME ?= drill
RUNS ?= 3
RETRIES ?= 0
DOMAIN ?=
DNS ?= any
DATASTORE ?= zalando
SPEC ?= {}
FAULTS ?=
.PHONY: drill
drill: setup ## Break a control plane of the lab in every way, or by FAULTS, RUNS times each (a minute or two each time), with a NAME each beside others; adds to docs/drill-measured.md
	@PYTHONPATH=$(CURDIR):$(CURDIR)/.build/collections $(PY) -m tools.drill --name $(NAME) --runs $(RUNS) --retries $(RETRIES) --domain "$(DOMAIN)" --dns $(DNS) --datastore $(DATASTORE) --spec '$(SPEC)' --faults $(FAULTS)

.PHONY: artifact
artifact: setup ## Build the collection's archive into .build/artifact/, checked as Galaxy would
	@$(PY) -m tools.artifact

.PHONY: lock
lock: ## Resolve requirements-dev.in anew into the pins of requirements-dev.txt
	@$(PYTHON) tools/lock.py

.PHONY: clean
clean: ## Remove what make made in this folder (the lab is stopped by lab-down)
	@rm -rf .venv .build .ansible .mypy_cache .pytest_cache .ruff_cache .hypothesis
