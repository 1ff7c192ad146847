# One verb per action; `make help` lists them. Needs Python 3.11 or newer, make, and a package index.
.DEFAULT_GOAL := help
.PHONY: help run test test-full test-live lint types format bench soak train prove faults image-check pictures docs lock lock-clients clean

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
PYTHON ?= $(shell for each in python3 python3.14 python3.13 python3.12 python3.11; do \
	command -v $$each >/dev/null 2>&1 && $$each -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	2>/dev/null && echo $$each && break; done)
DATA ?= ../shared/data
CODE := src tests train bench scripts
LOCK := --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links \
	--no-header --quiet

help: ## list the verbs
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

run: $(VENV)/run.stamp ## set up, fetch a small local model, serve
	@$(BIN)/pointsman models pull smollm2
	@exec $(BIN)/pointsman serve

test: $(VENV)/dev.stamp ## the core suite: no server, no weights, no network beyond this machine
	$(BIN)/pytest -m "not full and not live"

test-full: $(VENV)/docs.stamp ## real weights, real servers, faults; fetches what it needs
	bash scripts/prepare-test-full
	POINTSMAN_TEST_HOME=$(CURDIR)/var/home $(BIN)/pytest -m full

test-live: $(VENV)/dev.stamp ## real providers, where their keys are set; spends a little money
	$(BIN)/pytest -m live

lint: $(VENV)/dev.stamp ## style, format, import contracts
	$(BIN)/ruff check $(CODE)
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/lint-imports --no-logo

types: $(VENV)/dev.stamp ## strict types
	$(BIN)/mypy

format: $(VENV)/dev.stamp ## put every file into the house style
	$(BIN)/ruff check --fix $(CODE)
	$(BIN)/ruff format $(CODE)

bench: $(VENV)/dev.stamp ## what a request costs; prints tables, writes var/*.json
	mkdir -p var
	$(BIN)/python bench/overhead.py --json var/overhead.json
	$(BIN)/python -m bench.start --json var/start.json
	$(BIN)/python -m bench.routing --json var/routing.json
	$(BIN)/python -m bench.cache_truth --json var/cache_truth.json
	$(BIN)/pointsman models pull minilm
	$(BIN)/python bench/cache.py --json var/cache.json

soak: $(VENV)/dev.stamp ## ten minutes of mixed traffic: does the gateway's memory grow?
	mkdir -p var
	$(BIN)/python -m bench.soak --json var/soak.json

train: $(VENV)/dev.stamp ## fit the weights again, bit for bit; needs the labelled data (DATA=folder)
	$(BIN)/python -m train.scorer --data $(DATA)
	$(BIN)/python -m train.verifier --data $(DATA)
	$(BIN)/python -m train.pairs

prove: $(VENV)/dev.stamp ## what the routing is worth on the shipped sample
	$(BIN)/pointsman prove

faults: $(VENV)/dev.stamp ## meet every fault, and write down what was seen
	rm -f tests/faults/observed.json
	POINTSMAN_TEST_WRITE_FAULTS=1 $(BIN)/pytest tests/faults/test_fault_table.py tests/faults/test_clients_go.py
	$(BIN)/python -m scripts.reference

image-check: ## build deploy/Dockerfile without Docker, and serve from it; needs root, mmdebstrap and buildah
	deploy/check-image

pictures: $(VENV)/dev.stamp ## take the dashboard's pictures for the documentation anew; needs Chromium
	POINTSMAN_TEST_WRITE_PICTURES=1 $(BIN)/pytest tests/browser/test_browser_views.py tests/browser/test_browser_learning.py -k picture
	POINTSMAN_TEST_WRITE_PICTURES=1 $(BIN)/pytest tests/docs/test_strangers_walk.py

docs: $(VENV)/docs.stamp ## write the generated pages of docs/reference; all pages as a site, to var/docs/site
	$(BIN)/python -m scripts.reference
	$(BIN)/python -m scripts.site

lock: $(VENV)/dev.stamp ## pin every dependency again, with hashes
	$(BIN)/uv pip compile --upgrade pyproject.toml --extra local --extra semantic $(LOCK) -o requirements.txt
	$(BIN)/uv pip compile --upgrade pyproject.toml --extra local --extra postgres --extra redis \
		--extra semantic --extra otel --extra tenants --extra dev -c requirements.txt \
		$(LOCK) -o requirements-dev.txt
	$(BIN)/uv pip compile --upgrade requirements-build.in $(LOCK) -o requirements-build.txt
	$(BIN)/uv pip compile --upgrade requirements-docs.in -c requirements-dev.txt $(LOCK) -o requirements-docs.txt

lock-clients: $(VENV)/dev.stamp ## pin the clients that the tests drive, and what looks at deploy/
	for each in sdks instructor; do $(BIN)/uv pip compile --upgrade \
		tests/clients/environments/$$each.in $(LOCK) -o tests/clients/environments/$$each.txt || exit 1; done
	$(BIN)/uv pip compile --upgrade tests/deploy/tools.in --override tests/deploy/overrides.txt \
		$(LOCK) -o tests/deploy/tools.txt

clean: ## remove what the other verbs made here; weights and books stay where they are
	rm -rf $(VENV) var .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "Pointsman needs Python 3.11 or newer; name one: make PYTHON=/path/to/python3"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { echo "No venv: on Debian and Ubuntu, apt install python3-venv"; rm -rf $(VENV); exit 1; }

$(VENV)/run.stamp: requirements.txt requirements-build.txt pyproject.toml | $(BIN)/python
	@echo "Setting up $(VENV) (once) ..."
	@$(PIP) --require-hashes -r requirements-build.txt -r requirements.txt
	@$(PIP) --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/dev.stamp: requirements-dev.txt $(VENV)/run.stamp
	@$(PIP) --require-hashes -r requirements-dev.txt
	@touch $@

$(VENV)/docs.stamp: requirements-docs.txt $(VENV)/dev.stamp
	@$(PIP) --require-hashes -r requirements-docs.txt
	@touch $@
