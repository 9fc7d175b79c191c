# The two commands of the README, and what the people who work on it need.
#   make listen   install into .venv and hear the photo in examples/
#   make test     install what the tests need and run them
#   make serve    build the page (needs Node.js) and serve it

PYTHON ?= python3
VENV ?= .venv
PHOTO ?= examples/stream.jpg
BIN := $(VENV)/bin
SOURCES := pyproject.toml constraints.txt

.PHONY: listen test test-extras test-page page serve wheel lint types check docs bench clean

# Byte code is not compiled beforehand: it is a fifth of the environment, and Python makes what
# it needs when it first runs.
PIP := $(BIN)/python -m pip install --quiet --no-compile --disable-pip-version-check -c constraints.txt

$(VENV)/made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "earwitness needs Python 3.11 or newer; say which: make PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/installed: $(VENV)/made $(SOURCES)
	$(PIP) -e .
	@touch $@

$(VENV)/installed-dev: $(VENV)/installed
	$(PIP) -e '.[dev]'
	@touch $@

listen: $(VENV)/installed
	$(BIN)/earwitness listen $(PHOTO) --out $(basename $(notdir $(PHOTO))).scene

test: $(VENV)/installed-dev
	$(BIN)/python -m pytest -n auto

# With PyTorch and the extras: the files whose tests wait for them.
$(VENV)/installed-extras: $(VENV)/installed-dev
	$(PIP) torch==2.13.0
	$(PIP) -e '.[hub,train,atlas,scale,web,maps-test]'
	@touch $@

test-extras: $(VENV)/installed-extras
	$(BIN)/python -m pytest -n auto --extras $(ARGS)

# The page. Git does not hold what is built; the wheel does.
PAGE := src/earwitness/web/static/index.html
NPM ?= npm

web/node_modules/.package-lock.json: web/package.json web/package-lock.json
	cd web && $(NPM) ci --no-audit --no-fund
	@touch $@

$(PAGE): web/node_modules/.package-lock.json web/index.html web/vite.config.ts $(wildcard web/src/*)
	cd web && $(NPM) run build
	@touch $@

page: $(PAGE)

$(VENV)/installed-web: $(VENV)/installed
	$(PIP) -e '.[web,atlas]'
	@touch $@

# The page in Chromium, by itself: a browser in the midst of other tests keeps no time.
test-page: $(VENV)/installed-extras $(PAGE)
	$(BIN)/python -m pytest tests/web/test_page*.py $(ARGS)

serve: $(VENV)/installed-web $(PAGE)
	$(BIN)/earwitness serve

wheel: $(VENV)/made $(PAGE)
	$(PIP) build
	$(BIN)/python -m build --wheel --outdir dist

lint: $(VENV)/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/installed-dev
	$(BIN)/mypy

check: lint types test

# Every module by name: pdoc leaves out what is not in a package's __all__. Those that need an extra
# are left out too.
MODULES = $(shell cd src && find earwitness -name '*.py' ! -name '__init__.py' ! -path '*/sat2sound/*' \
  ! -path '*/codi/*' ! -path '*/web/*' | sort | sed 's,/,.,g; s,\.py$$,,')

docs: $(VENV)/installed-dev
	$(BIN)/pdoc -o build/docs -d numpy earwitness earwitness.scene earwitness.media $(MODULES)

bench: $(VENV)/installed-dev
	$(BIN)/python -m benchmarks.bench_render
	$(BIN)/python -m benchmarks.bench_moving
	$(BIN)/python -m benchmarks.bench_voice

clean:
	rm -rf $(VENV) build *.scene

# The ADM files against the EBU ADM Renderer, which needs an environment of its own.
build/ear/made:
	$(PYTHON) -m venv build/ear
	build/ear/bin/python -m pip install --quiet --no-compile --disable-pip-version-check \
	  'setuptools<81' numpy scipy lxml attrs six multipledispatch ruamel.yaml
	build/ear/bin/python -m pip install --quiet --no-compile --disable-pip-version-check --no-deps ear==2.1.0
	@touch $@

.PHONY: check-adm
check-adm: $(VENV)/installed-dev build/ear/made
	PATH="$$PATH:$(CURDIR)/build/ear/bin" $(BIN)/python -m pytest -rs tests/space/test_adm.py
