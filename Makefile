# `make run` and `make test` are all a newcomer needs; both set up .venv by themselves.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
DVC_VENV := .venv-dvc
DVC_READY := $(DVC_VENV)/.ready
PIP := -m pip install --quiet --disable-pip-version-check
OUT ?= data/dataset
WORKERS ?= 2

# An environment that runs other code than this folder's (it was moved or copied), or does not run at all, is stale too.
PLACE := "from importlib.util import find_spec as f; print((f('pipeline') or f('dvc')).origin)"
ifneq ($(shell $(BIN)/python -Ic $(PLACE) 2>/dev/null),$(CURDIR)/pipeline/__init__.py)
$(shell rm -rf $(VENV))
endif
ifeq ($(shell $(DVC_VENV)/bin/python -Ic $(PLACE) 2>/dev/null),)
$(shell rm -rf $(DVC_VENV))
endif

.PHONY: help run test lint format bench repro venv lock clean

help:  ## list the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | sort

run: $(READY)  ## make the dataset from the decisions that ship, into data/dataset
	$(BIN)/redress run corpus/decisions --out $(OUT) --workers $(WORKERS)

test: $(READY) $(DVC_READY)  ## every test
	$(BIN)/python -m pytest

lint: $(READY)  ## ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(READY)  ## let ruff mend what it can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(READY)  ## decisions a second, beside what one would use instead
	$(BIN)/python -m tests.bench

repro: $(READY) $(DVC_READY)  ## the same dataset by DVC stages
	PATH="$(CURDIR)/$(BIN):$$PATH" DVC_NO_ANALYTICS=1 $(DVC_VENV)/bin/python -m dvc repro

venv: $(READY)  ## just the virtual environment

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 11) and 'Redress needs Python 3.11 or newer; name one with: make PYTHON=python3.12 ...')"
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python $(PIP) --require-hashes -r requirements.lock
	$(BIN)/python $(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

# DVC brings a hundred packages of its own, so it lives apart.
$(DVC_READY): requirements-dvc.lock
	test -x $(DVC_VENV)/bin/python || $(PYTHON) -m venv $(DVC_VENV)
	$(DVC_VENV)/bin/python $(PIP) --require-hashes -r requirements-dvc.lock
	@touch $@

lock:  ## renew the lock files (needs uv)
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate --extra dev pyproject.toml -o requirements.lock
	echo 'dvc>=3.55' | uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate - -o requirements-dvc.lock

clean:  ## remove what was made
	rm -rf $(OUT) data/records data/extracted .pytest_cache .mypy_cache .ruff_cache
