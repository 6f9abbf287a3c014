# Thin: everything happens in tools/run.py, which Windows uses without make.
PYTHON ?= python3
YEAR ?= 2024
ARGS ?=

.PHONY: report test quick lint lock lab clean

# make report YEAR=2023 ARGS="--unit HH-0042"
report:
	@$(PYTHON) tools/run.py report --year $(YEAR) $(ARGS)

# make test ARGS="-k verdict"
test:
	@$(PYTHON) tools/run.py test $(ARGS)

quick:
	@$(PYTHON) tools/run.py quick $(ARGS)

lint:
	@$(PYTHON) tools/run.py lint

lock:
	@$(PYTHON) tools/run.py lock

lab:
	@$(PYTHON) tools/run.py lab

clean:
	@$(PYTHON) tools/run.py clean
