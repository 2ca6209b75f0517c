# Everything needed goes into .venv; nothing else of this machine is changed, except that `make test` as root
# may install Debian packages that tests talk to (dockerd, skopeo, mmdebstrap), and `make bench` those it
# measures (docker-registry, buildah, runc, iptables).
PYTHON ?= python3
BIN := .venv/bin
.DEFAULT_GOAL := help
.PHONY: help demo test lint types format bench docs lock clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: .venv/ready ## build an image from examples/hello, run it, change it, build again
	@examples/demo.sh

test: .venv/ready ## the tests, the fast ones first (SLIPWAY_THOROUGH=1: also those that repeat others at length)
	@tests/prepare.sh
	$(BIN)/pytest -n auto --dist loadfile --no-loadscope-reorder

lint: .venv/ready ## ruff: rules and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: .venv/ready ## mypy, strict
	$(BIN)/mypy

format: .venv/ready ## rewrite sources in the project's format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: .venv/ready ## benchmarks, side by side with the peers on this machine (quickly: ARGS=--quick)
	$(BIN)/python -m benchmarks $(ARGS)

docs: .venv/ready ## generate the reference pages from the code
	$(BIN)/python docs/generate.py

lock: .venv/ready ## choose versions of our own dependencies anew
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--no-annotate --no-header --group dev --all-extras -o requirements.txt pyproject.toml

clean: ## remove what make made here
	rm -rf .venv .demo dist .mypy_cache .ruff_cache .pytest_cache .hypothesis

.venv/ready: requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Slipway needs Python 3.11 or newer; name one with make PYTHON=...")'
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { [ "$$(id -u)" = 0 ] \
		&& apt-get update -qq && apt-get install -y -qq python3-venv; } \
		|| { echo "python3-venv is missing: install it (as root: apt-get install python3-venv)" >&2; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@
