# Two commands do all the set-up: `make course` and `make test`. README.md says more.
PYTHON ?= python3
# Extra options of pip, such as --index-url of a mirror.
PIP_FLAGS ?=
PORT ?= 8000
BIN := .venv/bin
# The sample class is our own work: where there is no sandbox it is graded without, saying so.
NO_SANDBOX := $(if $(shell command -v bwrap),,--no-sandbox)
CHAPTERS = $(basename $(notdir $(wildcard solutions/0[1-9]_*.md solutions/1[0-9]_*.md)))

.PHONY: course publish book grade test lint bench picture clean

course: publish ## publish every chapter, build the book, grade a sample class
	$(BIN)/layerwise book
	$(MAKE) --no-print-directory grade

publish: .venv/installed
	$(BIN)/layerwise publish

book: publish ## build the book and show it on localhost
	$(BIN)/layerwise book --serve --port $(PORT)

grade: .venv/installed ## grade a generated class of eight
	$(BIN)/layerwise sample-class --course course
	for chapter in $(CHAPTERS); do \
	  $(BIN)/layerwise grade $$chapter --course course $(NO_SANDBOX) || exit 1; done

# In the order collected: the files with few tests are the long ones, and would come last.
test: lint ## everything that must pass
	$(BIN)/layerwise publish --check
	$(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder

lint: .venv/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: .venv/installed ## ratios, each in one run
	$(BIN)/pytest tests/benchmarks -s -o python_files='bench_*.py'

# Any Chromium takes README's picture of a book page.
CHROMIUM ?= chromium
picture: ## make README's picture from the built book
	$(CHROMIUM) --headless --no-sandbox --hide-scrollbars --window-size=1200,2200 \
	  --virtual-time-budget=9000 --screenshot=$(CURDIR)/_build/page.png \
	  file://$(CURDIR)/_build/book/chapters/02_convolution_arithmetic.html
	$(BIN)/python -c "from PIL import Image; Image.open('_build/page.png').crop((250, 1165, 920, 2015))\
	  .convert('P', palette=1, colors=96).save('book/_static/page.png', optimize=True)"

.venv/installed: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install $(PIP_FLAGS) -c constraints.txt -e '.[dev]'
	touch $@

clean: ## remove what was built; a class in course/ and your own copies stay
	rm -rf _build .mypy_cache .ruff_cache
