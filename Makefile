# Two commands do everything on a machine with Python 3.11 or newer: `make review` and `make test`.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
INSTALL := $(PIP) install --quiet --require-hashes
OURS := $(PIP) install --quiet --no-deps --no-build-isolation --editable .

STRIP := --keep-id --extra-keys "metadata.papermill cell.metadata.papermill cell.metadata.execution"
LOCKED := --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url

.PHONY: review quick test same lab filter audit lock forget clean

review: .venv/run.done ## make and publish the latest review
	$(BIN)/qi run latest

test: .venv/test.done ## every check: style, types, tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/nbstripout --verify $(STRIP) notebooks/*.ipynb
	$(BIN)/python -m pytest -n auto --dist worksteal

quick: .venv/test.done ## while you work: the tests of each module, in a minute; no whole run, no browser
	$(BIN)/python -m pytest tests/unit -m "not slow" -n 2 --dist worksteal

same: .venv/run.done ## is every report of a fixed sample as it was? LONG=1: of 30 months; WRITE=1: write the digests anew
	$(BIN)/python tests/support/same.py $(if $(LONG),--long) $(if $(WRITE),--write)

lab: .venv/lab.done ## open the notebooks in JupyterLab
	$(BIN)/qi lab

filter: .venv/test.done ## from now on git takes the outputs out of notebooks before they are committed
	git config filter.nbstripout.clean '$(BIN)/python -m nbstripout $(STRIP)'
	git config filter.nbstripout.smudge cat
	git config filter.nbstripout.required true
	git config diff.ipynb.textconv '$(BIN)/python -m nbstripout -t $(STRIP)'

audit: .venv/audit.done ## are vulnerabilities known in what is installed? What could not be asked counts as not audited
	$(BIN)/pip-audit --strict --progress-spinner off --disable-pip --require-hashes -r requirements/lab.txt -r requirements/test.txt \
	|| { echo "NO ALL-CLEAR: a known vulnerability is listed above, or the index or its vulnerability service could not be asked."; exit 1; }

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

.venv/audit.done: .venv/run.done requirements/audit.txt
	$(INSTALL) -r requirements/audit.txt
	touch $@

.venv/lab.done: .venv/run.done requirements/lab.txt
	$(INSTALL) -r requirements/lab.txt
	touch $@

lock: ## make the locks anew from pyproject.toml (needs uv)
	uv pip compile pyproject.toml --all-extras $(LOCKED) -o requirements/all.txt
	uv pip compile pyproject.toml -c requirements/all.txt $(LOCKED) -o requirements/run.txt
	uv pip compile pyproject.toml --extra test -c requirements/all.txt $(LOCKED) -o requirements/test.txt
	uv pip compile pyproject.toml --extra lab -c requirements/all.txt $(LOCKED) -o requirements/lab.txt
	uv pip compile --group audit -c requirements/all.txt $(LOCKED) -o requirements/audit.txt
	rm requirements/all.txt

forget: ## take away every row and exact figure that a run has stored; what was published stays
	find data/processed -mindepth 1 ! -name README.md -delete

clean: ## take away the environment and everything that was made
	rm -rf .venv
	find data/processed reports -mindepth 1 ! -name README.md -delete
