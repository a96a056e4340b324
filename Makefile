# make setup   .venv, Node packages and the built labextension
# make demo    setup, then JupyterLab at the quickstart
# make test    setup, then everything: lint, Python, TypeScript, conformance, browser
# make help    the other targets

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.ONESHELL:
.DELETE_ON_ERROR:

PYTHON ?= python3
VENV := .venv
ifeq ($(OS),Windows_NT)
BIN := $(VENV)/Scripts
else
BIN := $(VENV)/bin
endif
PY := $(BIN)/python
OLD_PY := $(subst $(VENV)/,$(VENV)-ipykernel6/,$(PY))
LOCK := $(PY) -m uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header
STAMPS := build/stamps
KUBO := build/kubo/ipfs
NPM_CI := npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
TS_SOURCES := $(shell find labextension/src labextension/style labextension/schema -type f 2>/dev/null) $(wildcard labextension/*.json labextension/*.mjs labextension/*.js)

.PHONY: help setup lock demo test test-long lint format kubo test-python test-kubo test-typescript test-faults test-browser conformance browser wheel original bench clean

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 18

setup: $(STAMPS)/python $(STAMPS)/labextension $(STAMPS)/install ## .venv, Node packages and the built labextension

$(STAMPS)/python: requirements/dev.txt requirements/uv.txt
	@mkdir -p $(STAMPS)
	$(PYTHON) -c 'import sys; assert sys.version_info >= (3, 11), f"Python 3.11 or newer is needed, this is {sys.version}"'
	$(PY) -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV)
	$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.txt
	$(PY) -m uv pip sync --quiet --python $(PY) --require-hashes requirements/dev.txt requirements/uv.txt
	touch $@

$(STAMPS)/npm: labextension/package-lock.json
	@mkdir -p $(STAMPS)
	cd labextension && $(NPM_CI)
	touch ../$@

$(STAMPS)/labextension: $(STAMPS)/python $(STAMPS)/npm $(TS_SOURCES)
	cd labextension && PATH="$(CURDIR)/$(BIN):$$PATH" npm run --silent build
	touch ../$@

$(STAMPS)/install: $(STAMPS)/labextension pyproject.toml
	$(PY) -m uv pip install --quiet --python $(PY) --no-deps --no-build-isolation --editable .
	touch $@

# A second environment with an older kernel, for the tests that drive real kernels.
$(STAMPS)/ipykernel6: requirements/ipykernel6.txt $(STAMPS)/install
	test -x $(OLD_PY) || $(PYTHON) -m venv --without-pip $(VENV)-ipykernel6
	$(PY) -m uv pip sync --quiet --python $(OLD_PY) --require-hashes requirements/ipykernel6.txt
	$(PY) -m uv pip install --quiet --python $(OLD_PY) --no-deps --no-build-isolation --editable .
	touch $@

lock: $(STAMPS)/python ## the newest versions that fit, into the locks
	for lock in uv ipykernel6; do $(LOCK) requirements/$$lock.in -o requirements/$$lock.txt; done
	$(LOCK) pyproject.toml --group dev -o requirements/dev.txt

demo: setup ## JupyterLab at the quickstart, on the embedded node
	root=$$([ "$$(id -u)" = 0 ] && echo --allow-root || true)
	$(PY) -m jupyterlab $$root --notebook-dir=notebooks --LabApp.default_url=/lab/tree/01-quickstart.ipynb $(DEMO_ARGS)

# What tests and measures asks no public network.
test test-python test-kubo test-typescript test-faults test-browser conformance test-long bench: export IPFS_COMM_GATEWAYS :=

lint: setup ## every formatter, linter and type checker, changing nothing
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(PY) scripts/page_client.py --check
	cd labextension && npm run --silent lint

format: setup ## let the formatters change files
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	cd labextension && npm run --silent format

# Where Go is not there the tests that need Kubo skip and say so; in CI they fail.
kubo: $(if $(shell command -v go),$(KUBO)) ## the pinned Kubo that tests compare the embedded node with
	@test -x $(KUBO) || echo "no Kubo: building it needs Go (tests/kubo/go.mod says which)" >&2

$(KUBO): tests/kubo/go.mod tests/kubo/go.sum tests/kubo/tools.go
	@mkdir -p $(@D)
	cd tests/kubo && nice go build -mod=readonly -trimpath -buildvcs=false -o ../../$@ github.com/ipfs/kubo/cmd/ipfs
	touch ../../$@

# The suites of the wire wait more than they compute, so the others run beside them.
SUITES := -m 'not browser and not heavy and not kubo' -p no:cacheprovider
test-python: setup $(STAMPS)/ipykernel6 ## the Python suites but Kubo's and the browser's
	export IPFS_COMM_KERNEL_PYTHONS=$(CURDIR)/$(OLD_PY)
	$(PY) -m pytest $(SUITES) tests/wire > build/test-wire.log 2>&1 &
	wire=$$!
	trap 'kill $$wire 2>/dev/null || true' EXIT
	failed=0
	$(PY) -m pytest $(SUITES) --ignore tests/kubo --ignore tests/wire || failed=$$?
	wait $$wire || failed=$$?
	cat build/test-wire.log
	exit $$failed

test-kubo: setup kubo ## the embedded node beside a real Kubo
	$(PY) -m pytest tests/kubo

test-typescript: setup ## the TypeScript suites
	cd labextension && npm test --silent

test-faults: setup ## transfers over a real server whose line, kernel or client misbehaves
	IPFS_COMM_PYTHON=$(CURDIR)/$(PY) node --test --test-concurrency=1 tests/faults/faults.test.mjs

browser: ## Chromium, from Debian's packages where apt is there
	@if ! command -v chromium chromium-browser google-chrome >/dev/null; then
	  if command -v apt-get >/dev/null && [ "$$(id -u)" = 0 ]; then
	    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium chromium-driver fonts-dejavu-core >/dev/null
	  else
	    echo "no Chromium: install the packages chromium and chromium-driver (or set IPFS_COMM_CHROMIUM)" >&2; exit 1
	  fi
	fi

test-browser: setup browser kubo ## a real JupyterLab in Chromium
	$(PY) -m pytest -m browser tests/browser

conformance: setup kubo $(STAMPS)/conformance ## interface-ipfs-core and the wire transcripts, on the embedded node and on Kubo
	cd tests/conformance
	export PATH="$(CURDIR)/$(BIN):$$PATH"
	node --test report.test.mjs
	node run.mjs $(CONFORMANCE)
	node replay.mjs

$(STAMPS)/conformance: tests/conformance/package-lock.json
	@mkdir -p $(STAMPS)
	cd tests/conformance && $(NPM_CI)
	touch ../../$@

# Kubo takes minutes to build, and the suites before its own leave a core free.
test: setup ## everything, from nothing
	$(MAKE) kubo &
	building=$$!
	trap 'kill $$building 2>/dev/null || true' EXIT
	$(MAKE) lint test-typescript test-python
	wait $$building
	$(MAKE) test-kubo test-faults conformance test-browser CONFORMANCE=--short

test-long: test ## what takes minutes or gigabytes as well
	$(MAKE) conformance
	$(PY) -m pytest -m heavy
	IPFS_COMM_DAMAGE_CASES=100 $(PY) -m pytest tests/blockstore/test_damage.py
	IPFS_COMM_KUBO_EXAMPLES=20 $(PY) -m pytest tests/kubo
	cd labextension && IPFS_COMM_FUZZ=1000000 npx vitest run test/fuzz.test.ts

# js-ipfs and what belongs to it, for benchmarks/rpc.py alone.
original: $(STAMPS)/original ## the original that benchmarks/rpc.py measures beside ours

$(STAMPS)/original: benchmarks/rpc/package-lock.json $(STAMPS)/npm
	@mkdir -p $(STAMPS)
	cd benchmarks/rpc && $(NPM_CI)
	touch ../../$@

bench: setup browser kubo original $(STAMPS)/conformance ## every question of benchmarks/ in its short form; tables, and benchmarks/results.json
	for question in benchmarks/*.py; do $(PY) $$question; done

wheel: setup ## the wheel and the source distribution in dist/
	$(PY) -m build --no-isolation --outdir dist .

clean: ## forget what was built
	rm -rf build dist $(VENV) $(VENV)-ipykernel6 labextension/lib labextension/node_modules tests/conformance/node_modules benchmarks/rpc/node_modules ipfs_comm/labextension ipfs_comm/widgets/static
