# Two commands do everything on a machine with Python 3.11 or newer: `make review` and `make test`.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
INSTALL := $(PIP) install --quiet --require-hashes
OURS := $(PIP) install --quiet --no-deps --no-build-isolation --editable .

.PHONY: review test lab lock clean

review: .venv/run.done ## make and publish the latest review
	$(BIN)/qi run latest

test: .venv/test.done ## every check: style, types, tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest

lab: .venv/lab.done ## open the notebooks in JupyterLab
	$(BIN)/qi lab

.venv/python.done:
	$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 11) and 'Python 3.11 or newer is needed; say which: make PYTHON=python3.12 review')"
	$(PYTHON) -m venv .venv
	touch $@

.venv/run.done: .venv/python.done requirements/run.txt pyproject.toml
	$(INSTALL) -r requirements/run.txt
	$(OURS)
	touch $@

.venv/test.done: .venv/run.done requirements/test.txt
	$(INSTALL) -r requirements/test.txt
	touch $@

.venv/lab.done: .venv/run.done requirements/lab.txt
	$(INSTALL) -r requirements/lab.txt
	touch $@

lock: ## make the locks anew from pyproject.toml (needs uv)
	uv pip compile pyproject.toml --all-extras --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url -o requirements/all.txt
	uv pip compile pyproject.toml -c requirements/all.txt --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url -o requirements/run.txt
	uv pip compile pyproject.toml --extra test -c requirements/all.txt --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url -o requirements/test.txt
	uv pip compile pyproject.toml --extra lab -c requirements/all.txt --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url -o requirements/lab.txt
	rm requirements/all.txt

clean: ## take away the environment and everything that was made
	rm -rf .venv
	find data/processed reports -mindepth 1 ! -name README.md -delete
