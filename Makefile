# make demo   sets up, judges the shipped cases, writes a report of each to out/
# make test   sets up what the tests need and passes them
# make lab    opens the notebooks
# make coverage  the tests again, and which lines none of them reaches
# make bench  times what the README promises

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
CASES := healthy-e troubled-e
LAB := tests/test_lab.py
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.PHONY: demo test coverage lab bench cases docs notebooks clean

demo: $(VENV)/.ready
	@mkdir -p out
	@for case in $(CASES); do \
	  $(BIN)/expdiag check data/cases/$$case; test $$? -le 1 || exit 1; \
	  $(BIN)/expdiag check data/cases/$$case --format html --output out/$$case.html 2>/dev/null; test $$? -le 1 || exit 1; \
	  echo; \
	done
	@echo "Reports: $(CASES:%=out/%.html)"
	@echo "Notebooks: make lab"

test: $(VENV)/.ready-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/pytest -n auto --dist loadscope --ignore $(LAB)
	$(BIN)/pytest $(LAB)  # alone, because it measures delays

coverage: $(VENV)/.ready-dev
	$(BIN)/pytest -n auto --dist loadscope --cov --cov-report=term

lab: $(VENV)/.ready-lab
	$(BIN)/jupyter lab notebooks

bench: $(VENV)/.ready-dev
	$(BIN)/python -m tests.bench

cases: $(VENV)/.ready
	$(BIN)/python data/make_cases.py

docs: $(VENV)/.ready-dev
	$(BIN)/python -m tests.tables_page

notebooks: $(VENV)/.ready-dev
	$(BIN)/jupyter execute --inplace notebooks/*.ipynb
	$(BIN)/python tests/tidy_notebooks.py notebooks/*.ipynb

clean:
	rm -rf $(VENV) out

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.ready: pyproject.toml | $(VENV)/bin/python
	$(PIP) -e .
	@touch $@

$(VENV)/.ready-lab: $(VENV)/.ready
	$(PIP) -e ".[notebooks]"
	@touch $@

$(VENV)/.ready-dev: $(VENV)/.ready
	$(PIP) -e ".[dev]"
	@touch $@ $(VENV)/.ready-lab
