# make demo   sets up, paints sample photos, trains for a minute or two, adds a style
# make test   sets up and runs the tests; make test-slow those that take long
# make lint   style, format and types
# EXTRA=tensorflow (GPU) or EXTRA=jax instead of cpu chooses the backend's packages.

EXTRA ?= cpu
KERAS_BACKEND ?= $(if $(filter jax,$(EXTRA)),jax,tensorflow)
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
# How many tests run at a time.
WORKERS ?= 2
export KERAS_BACKEND

.PHONY: demo test test-slow lint format clean

demo: $(VENV)/installed
	$(BIN)/cin-style demo --output demo --train styles

test: $(VENV)/installed
	$(BIN)/python -m pytest --numprocesses=$(WORKERS) --dist=loadfile

test-slow: $(VENV)/installed
	$(BIN)/python -m pytest -m slow --numprocesses=$(WORKERS) --dist=worksteal

lint: $(VENV)/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/installed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

$(VENV)/installed: setup.cfg pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --editable .[$(EXTRA),test]
	touch $@

clean:
	rm -rf $(VENV) demo build *.egg-info
