# make demo   sets up, paints sample photos, trains for a minute or two, adds a style
# make test   sets up and runs the tests; make test-slow those that take long
# make lint   style, format and types
# make studio a page in the browser to paint on
# EXTRA=tensorflow (GPU) or EXTRA=jax instead of cpu chooses the backend's packages.

EXTRA ?= cpu
KERAS_BACKEND ?= $(if $(filter jax,$(EXTRA)),jax,tensorflow)
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
# How many tests run at a time, and what else pytest gets.
WORKERS ?= 2
OPTIONS ?=
export KERAS_BACKEND

.PHONY: demo test test-slow test-trust test-runtimes run-tests-of-runtimes test-page run-tests-of-page test-ray run-tests-with-ray studio run-studio test-studio run-tests-of-studio test-light benchmark run-benchmark lint format clean

demo: $(VENV)/installed
	$(BIN)/cin-style demo --output demo --train styles

test: $(VENV)/installed
	$(BIN)/python -m pytest --numprocesses=$(WORKERS) --dist=loadfile $(OPTIONS)

test-slow: $(VENV)/installed
	$(BIN)/python -m pytest -m slow --numprocesses=$(WORKERS) --dist=worksteal

# Thousands of broken files and command lines, and commands killed at each file they write.
test-trust: $(VENV)/installed
	$(BIN)/python -m pytest -s -m trust tests/trust

# In environments of their own: all runtimes; and one that only paints, with ONNX Runtime.
test-runtimes:
	$(MAKE) run-tests-of-runtimes VENV=.venv-runtimes EXTRA=cpu,onnx,openvino,litert

run-tests-of-runtimes: $(VENV)/installed
	$(BIN)/python -m pytest tests/runtimes tests/light tests/test_readme.py

# In a browser: wants chromium and npm.
test-page:
	$(MAKE) run-tests-of-page VENV=.venv-runtimes EXTRA=cpu,onnx,openvino,litert

run-tests-of-page: $(VENV)/installed
	$(BIN)/pip install --quiet playwright
	$(BIN)/python -m pytest -m slow tests/runtimes/test_page.py

# Two thousand photos, and a training of two hosts, on a Ray cluster of this machine; one killed each time.
test-ray:
	$(MAKE) run-tests-with-ray VENV=.venv-ray EXTRA=cpu,jax,onnx,ray

run-tests-with-ray: $(VENV)/installed
	$(BIN)/python -m pytest -m slow -n0 tests/painting/test_ray.py tests/training/test_ray_train.py

# A page in the browser to paint on.
studio:
	$(MAKE) run-studio VENV=.venv-studio EXTRA=cpu,onnx,studio

run-studio: $(VENV)/installed
	$(BIN)/cin-style studio

# The same in Chromium, with screenshots: wants chromium.
test-studio:
	$(MAKE) run-tests-of-studio VENV=.venv-studio EXTRA=cpu,onnx,studio

run-tests-of-studio: $(VENV)/installed
	$(BIN)/pip install --quiet playwright
	CIN_STYLE_SCREENSHOTS=train/results/studio \
	$(BIN)/python -m pytest -m "slow or not slow" tests/studio

test-light: .venv-light/installed
	.venv-light/bin/python -m pytest -s tests/light

.venv-light/installed: setup.cfg
	$(PYTHON) -m venv .venv-light
	.venv-light/bin/pip install --quiet --editable .[onnx] pytest hypothesis
	touch $@

# Against PyTorch, which comes as the build of the index that pip asks.
benchmark:
	$(MAKE) run-benchmark VENV=.venv-runtimes EXTRA=cpu,onnx,openvino,litert

run-benchmark: $(VENV)/installed
	$(BIN)/pip install --quiet torch==2.13.0
	$(BIN)/python train/benchmark.py --output train/results/benchmark

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
	rm -rf $(VENV) .venv-light .venv-runtimes demo build *.egg-info
