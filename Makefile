# Sets up on first use; see tools/setup.sh. PYTHON=/path/to/python3.11 chooses the interpreter,
# ARGS="play --bpm 90" are handed to the program.
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
	@sh tools/with_screen.sh $(BIN)/pytest $(ARGS)

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
