# Every command a person or CI runs. `make` alone lists them.

PYTHON ?= python3
VENV := .venv/bin/python
PORT ?= 8000
WITH ?= run
UV ?= uv
ARGS ?=

export PORT

.DEFAULT_GOAL := help
.PHONY: help setup demo demo-reset serve test test-quick torture check bench openapi lock vendor vendor-check clean .run .dev

help:  ## list the commands
	@sed -n 's/^\([a-z-]*\):[^#]*## /\1|/p' Makefile | awk -F'|' '{ printf "  make %-14s%s\n", $$1, $$2 }'

setup:  ## prepare the environment only; WITH=dev adds what tests need
	@$(PYTHON) config/dev/setup.py $(WITH)

demo: .run  ## set up, seed and serve the demo; PORT=8000
	@$(VENV) -m config.dev.system pdf
	@exec $(VENV) -m config.dev.supervisor demo

demo-reset: .run  ## throw the demo's data away and start afresh
	@$(VENV) -m config.dev.supervisor reset
	@exec $(VENV) -m config.dev.supervisor demo

serve: .run  ## serve without demo data, settings from the environment (docs/deploy.md)
	@exec $(VENV) -m config.dev.supervisor serve

test: .dev  ## the whole suite on SQLite and on PostgreSQL; ARGS='-k name' goes to pytest
	@exec $(VENV) -m config.dev.suite all $(ARGS)

test-quick: .dev  ## SQLite only, no browser and none of the slow tests: about three minutes
	@exec $(VENV) -m config.dev.suite quick $(ARGS)

torture: .dev  ## random histories and restatements at length, on both databases: about half an hour
	@RESTATEMENTS=500 HISTORIES=10 HISTORY_MOMENTS=8 $(VENV) -m config.dev.suite all \
		tests/leads/past/test_histories.py tests/alignment/actions/report/test_random_restatements.py

check: .dev  ## types, style, import contracts, templates, vendored files, migrations, OpenAPI; ARGS='mypy lint'
	@exec $(VENV) -m config.dev.check $(ARGS)

bench: .dev  ## attribution beside its peers, and the demo's pages; ARGS='attribution --sizes 100k,1m'
	@$(VENV) -m benchmarks $(ARGS)

openapi: .dev  ## write tests/baselines/openapi.yaml anew
	@exec $(VENV) -m config.dev.check snapshot

lock:  ## resolve config/locks/ anew from pyproject.toml; needs uv
	@command -v $(UV) >/dev/null || { echo "make lock needs uv: https://docs.astral.sh/uv/"; exit 1; }
	$(UV) pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-header --quiet \
		--no-emit-index-url --no-emit-find-links --output-file config/locks/run.lock
	$(UV) pip compile pyproject.toml --group dev --universal --python-version 3.11 --generate-hashes --no-header \
		--quiet --no-emit-index-url --no-emit-find-links --constraint config/locks/run.lock \
		--output-file config/locks/dev.lock

vendor: .dev  ## download the front-end files anew; needs npm
	@$(VENV) -m config.dev.vendor update

vendor-check: .dev  ## compare the front-end files with their manifest
	@$(VENV) -m config.dev.vendor check

clean:  ## remove caches and the environment; the data in var/ stays
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.run:
	@$(PYTHON) config/dev/setup.py run

.dev:
	@$(PYTHON) config/dev/setup.py dev
