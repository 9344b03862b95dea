# Sets up on first use; see tools/setup.sh. PYTHON=/path/to/python3.11 chooses the interpreter,
# ARGS="play --bpm 90" are handed to the program, or to pytest. `make test` alone runs everything:
# first what may share the cores, with all its examples, then what plays in real time.
SHELL := /bin/sh
BIN := .venv/bin
ARGS ?=
export PYTHON

.PHONY: jam test bench soak fuzz setup clean

jam:
	@sh tools/setup.sh run
	@exec $(BIN)/jam $(ARGS)

test:
	@sh tools/setup.sh test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
ifeq ($(strip $(ARGS)),)
	HYPOTHESIS_PROFILE=default sh tools/with_screen.sh $(BIN)/pytest -m "not real_time"
	sh tools/with_screen.sh $(BIN)/pytest -m real_time
else
	@sh tools/with_screen.sh $(BIN)/pytest $(ARGS)
endif

bench:
	@sh tools/setup.sh test
	@sh tools/with_screen.sh $(BIN)/python -m tools.bench $(ARGS)

soak:
	@sh tools/setup.sh test
	@$(BIN)/python -m tools.soak $(ARGS)

fuzz:
	@sh tools/setup.sh test
	@$(BIN)/python -m tools.fuzz $(ARGS)

setup:
	@sh tools/setup.sh test

clean:
	rm -rf .venv build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
