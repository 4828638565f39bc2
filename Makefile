# Everything here needs python3.11 (or newer) with its venv module, and make. `make servers` says what the tests need more.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
UV := .venv/bin/uv pip install --quiet --python .venv/bin/python --constraint constraints.txt
UV_VERSION := 0.13.9
PYTEST_ARGS ?=
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help .venv demo servers tools lint format test-unit test chaos soak cluster bench steady lock clean

help:  ## This list
	@awk -F ':.*## ' '/^[a-z.-]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# pip comes with the venv and fetches uv, which fetches the rest five times as fast.
.venv/bin/uv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Aryk needs Python 3.11 or newer, this is " + sys.version)'
	$(PYTHON) -m venv .venv
	.venv/bin/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)

# The demo and the developer's tools share one environment; each has a stamp, so that the second call is instant.
.venv/.demo-installed: pyproject.toml constraints.txt | .venv/bin/uv
	$(UV) --editable '.[demo]'
	@touch $@

.venv/.dev-installed: pyproject.toml constraints.txt | .venv/bin/uv
	$(UV) --editable '.[dev]'
	@touch .venv/.demo-installed $@

.venv: .venv/.dev-installed  ## The developer's environment

demo: .venv/.demo-installed  ## Everything on this machine, from sensor to page (ARGS="--help" for more)
	.venv/bin/aryk demo $(ARGS)

servers:  ## Install the real servers that the tests start (--check: only say what is there)
	@$(PYTHON) -B -m tests.servers.install $(ARGS)

tools:  ## Build what only measurements need: Telegraf, RMQTT (--check: only say what is there)
	@$(PYTHON) -B -m benchmarks.tools $(ARGS)

lint: .venv/.dev-installed  ## ruff and mypy
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy

format: .venv/.dev-installed  ## Mend what ruff can mend
	.venv/bin/ruff check --fix .
	.venv/bin/ruff format .

test-unit: .venv/.dev-installed  ## The tests that start no server and no browser
	.venv/bin/pytest -m "not server and not browser" $(PYTEST_ARGS)

# One recipe, so that the order holds under `make -j` and pytest's summary is what is printed last.
test: .venv/.dev-installed  ## Servers, lint and every test
	@$(MAKE) --no-print-directory servers ARGS=
	@$(MAKE) --no-print-directory lint
	@.venv/bin/pytest $(PYTEST_ARGS)

SEED ?= 1
MINUTES ?= 10

chaos: .venv/.dev-installed  ## Random kills, cuts, full disks and wrong clocks (SEED=1 MINUTES=10, ARGS="--kills 200")
	@.venv/bin/python -m tests.faults.chaos --seed $(SEED) --minutes $(MINUTES) $(ARGS)

soak: .venv/.dev-installed  ## The database away at 2,000 readings a second (MINUTES=10)
	@.venv/bin/python -m tests.faults.soak --minutes $(MINUTES)

bench: .venv/.dev-installed  ## Rates, costs and latencies beside their goals (8 minutes; ARGS="--shapes 60 --codecs json")
	@.venv/bin/python -m benchmarks.bench $(ARGS)

steady: .venv/.dev-installed  ## Half load for long: memory and latency stay flat (MINUTES=30)
	@.venv/bin/python -m benchmarks.steady --minutes $(if $(filter command line environment,$(origin MINUTES)),$(MINUTES),30) $(ARGS)

cluster: .venv/.dev-installed  ## A broker of three nodes and two ingests, killed under load (MINUTES=10, ARGS="--help"; needs `make tools`)
	@.venv/bin/python -m tests.faults.cluster --minutes $(MINUTES) $(ARGS)

lock: | .venv/bin/uv  ## Bring constraints.txt up to date with pyproject.toml
	.venv/bin/uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 \
		--upgrade --no-annotate --no-header --quiet --output-file constraints.txt
	@! grep -n '://' constraints.txt

clean:  ## Take away what was made here (the servers stay)
	rm -rf .venv build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
