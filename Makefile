# make run   the quick start: sets up .venv, recovers the latents of Variant-MNIST, prints a table
# make test  the test suite      make lint  ruff and mypy      make clean  forget .venv
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Numerical libraries start one thread a core each; the tests run in two processes of one thread instead.
ONE_THREAD := OMP_NUM_THREADS=1 MKL_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1

.PHONY: run test lint format clean
run: $(VENV)/.installed
	$(BIN)/python synthetic_experiment/run_mnist_3measurement.py --config configs/mnist_quickstart.yaml --overwrite true

test: $(VENV)/.installed-dev
	$(ONE_THREAD) $(BIN)/python -m pytest -n 2

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/.installed-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf $(VENV)

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: requirements.txt pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --disable-pip-version-check -q -r requirements.txt
	touch $@

$(VENV)/.installed-dev: requirements-dev.txt $(VENV)/.installed
	$(BIN)/python -m pip install --disable-pip-version-check -q -r requirements-dev.txt
	touch $@
