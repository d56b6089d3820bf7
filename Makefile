# Needs Python 3.11 or newer, and on Debian or Ubuntu nothing else: what is missing is
# installed. Set-up is skipped as long as pyproject.toml and constraints.txt stay.

VENV := .venv
PIP := $(VENV)/bin/python -m pip install --quiet --disable-pip-version-check \
	--no-compile --constraint constraints.txt
INPUTS := pyproject.toml constraints.txt

.DEFAULT_GOAL := help
.PHONY: help demo display test docs pictures constraints clean

help: ## show these lines
	@echo "make demo GUI=1 opens napari; the others are:"
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 20

ifeq ($(GUI),1)
demo: display $(VENV)/.gui
	$(VENV)/bin/napari-unet demo --gui
else
demo: $(VENV)/.base ## train, predict and score a small synthetic stack
	$(VENV)/bin/napari-unet demo
endif

display:
	@[ "$$(uname)" != Linux ] || [ -n "$$DISPLAY$$WAYLAND_DISPLAY" ] || \
		{ echo "demo: no display; try: xvfb-run make demo GUI=1" >&2; exit 1; }

test: $(VENV)/.tox ## run every check and test, as CI does
	scripts/setup.sh system test
	$(VENV)/bin/tox run-parallel --parallel 2 --parallel-no-spinner

docs: $(VENV)/.tox ## build the documentation into site/
	$(VENV)/bin/tox run -e docs

pictures: $(VENV)/.gui ## take the pictures of the documentation anew
	scripts/setup.sh system test
	xvfb-run -a -s "-screen 0 1280x800x24" $(VENV)/bin/python scripts/pictures.py

constraints: $(VENV)/.tox ## write constraints.txt anew with the newest releases
	$(VENV)/bin/tox run -e constraints

clean: ## remove everything that these commands made
	rm -rf $(VENV) .tox build dist site .coverage
	rm -rf .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis

# Only Python itself makes an environment stale, and setup.sh sees to that.
$(VENV)/bin/python:
	scripts/setup.sh venv

$(VENV)/.base: $(INPUTS) | $(VENV)/bin/python
	@echo "installing into $(VENV)"
	$(PIP) --editable .
	@touch $@

$(VENV)/.gui: $(INPUTS) | $(VENV)/bin/python
	scripts/setup.sh system gui
	@echo "installing into $(VENV), with napari"
	$(PIP) --editable '.[pyqt6]'
	@touch $@

$(VENV)/.tox: constraints.txt | $(VENV)/bin/python
	$(PIP) tox
	@touch $@
