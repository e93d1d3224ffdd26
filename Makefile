# Two commands do all their own set-up, with cargo and Python as the only needs:
#
#     make demo     calls all three formats against the mock provider: no key, no internet
#     make test     every check but the soak and the fuzzing, as CI runs it
#
# Python tools live in .venv, which is made when it is missing. `make help` lists the rest.

PYTHON ?= python3
# The profile of the wheel that demo and test build; `make install` builds the one that is shipped.
PROFILE ?= quick

VENV := .venv
BIN := $(VENV)/bin
TOOLS := $(VENV)/.tools
DEV := $(VENV)/.dev
BUILT := $(VENV)/.built
SOURCES := $(shell find src python build.rs -type f -not -name '*.so' -not -path '*/__pycache__/*') \
	Cargo.toml Cargo.lock pyproject.toml README.md LICENSE

# One interpreter for every build, or each would rebuild the native module's bindings.
export PYO3_PYTHON := $(CURDIR)/$(BIN)/python
export PIP_DISABLE_PIP_VERSION_CHECK := 1

# nextest runs each test in a process of its own, where it is installed.
RUST_TESTS := $(if $(shell cargo nextest --version 2>/dev/null),cargo nextest run --locked --status-level fail,cargo test --locked --quiet)

# rustfmt does not follow modules that a macro declares.
LANGUAGES := $(wildcard src/wires/*.rs src/wires/*/mod.rs)

STEP = @printf '\n== %s\n'

.DEFAULT_GOAL := help
.NOTPARALLEL:
.DELETE_ON_ERROR:
.PHONY: help demo test install wheel lint format clippy lint-python types test-rust test-python soak parity \
	clients clients-fast downstream examples docs bench fuzz fuzz-corpus deny doc clean clean-all

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sort | awk -F ':.*## ' '{ printf "  make %-13s %s\n", $$1, $$2 }'

demo: $(BUILT) ## calls all three formats against the mock provider: no key, no internet
	@$(BIN)/python examples/demo.py

test: lint test-rust test-python parity clients-fast ## every check but soak and fuzz, as CI runs it
	$(STEP) 'all checks passed'

# Building

$(TOOLS): pyproject.toml
	$(STEP) 'set up .venv: build tools'
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and "ferrolite needs Python 3.10 or newer; name one with make PYTHON=…")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'
	@$(BIN)/python -m pip install --quiet --group build
	@touch $@

$(DEV): $(TOOLS)
	$(STEP) 'set up .venv: test tools'
	@$(BIN)/python -m pip install --quiet --group dev
	@touch $@

$(BUILT): $(SOURCES) | $(TOOLS)
	$(STEP) 'build and install the package (profile $(PROFILE))'
	@rm -rf $(VENV)/wheel
	@$(BIN)/maturin build --locked --profile $(PROFILE) --out $(VENV)/wheel
	@$(BIN)/python -m pip install --quiet --force-reinstall --no-deps $(VENV)/wheel/*.whl
	@touch $@

install: $(TOOLS) ## builds the release wheel and installs it into .venv
	@$(MAKE) --no-print-directory -W src/lib.rs PROFILE=release $(BUILT)

wheel: $(TOOLS) ## builds the release wheel into dist/
	@$(BIN)/maturin build --locked --release --out dist

# Checks

lint: format-check clippy lint-python types deny-if-there ## format, clippy, ruff, pyright, licences

.PHONY: format-check deny-if-there
format-check: $(DEV)
	$(STEP) 'format'
	@if cargo fmt --version >/dev/null 2>&1; then cargo fmt -- --check $(LANGUAGES); \
		else echo 'rustfmt is not installed: skipped'; fi
	@$(BIN)/ruff format --check

clippy: $(TOOLS)
	$(STEP) 'clippy'
	@if cargo clippy --version >/dev/null 2>&1; then \
		cargo clippy --locked --all-targets --features python -- -D warnings; \
		else echo 'clippy is not installed: skipped'; fi

lint-python: $(DEV)
	$(STEP) 'ruff'
	@$(BIN)/ruff check

types: $(DEV)
	$(STEP) 'pyright'
	@$(BIN)/pyright --pythonpath $(BIN)/python

format: $(DEV) ## formats Rust and Python
	cargo fmt -- $(LANGUAGES)
	$(BIN)/ruff check --fix-only --quiet
	$(BIN)/ruff format

test-rust: ## the Rust tests, of the core alone and with the server side
	$(STEP) 'Rust tests: the core'
	@$(RUST_TESTS)
	$(STEP) 'Rust tests: with the feature gateway'
	@$(RUST_TESTS) --features gateway

test-python: $(DEV) $(BUILT) ## the Python tests, against the installed wheel
	$(STEP) 'Python tests'
	@$(BIN)/python -m pytest

soak: $(DEV) $(BUILT) ## many calls and dropped streams: connections, tasks and memory
	$(STEP) 'soak'
	@$(BIN)/python -m pytest -m slow -s tests/python/test_client_leaks.py

parity: $(DEV) $(BUILT) ## replays recorded calls of the reference and compares
	$(STEP) 'parity with the reference'
	@$(BIN)/python tests/parity/stage.py

clients-fast: $(DEV) $(BUILT)
	$(STEP) 'packages that use LiteLLM, those that install fast'
	@$(BIN)/python tests/clients/run.py --ci

clients: $(DEV) $(BUILT) ## runs packages that use LiteLLM, each in an environment of its own
	$(STEP) 'packages that use LiteLLM'
	@$(BIN)/python tests/clients/run.py

downstream: $(DEV) $(BUILT) ## runs those packages' own test suites
	$(STEP) 'test suites of packages that use LiteLLM'
	@$(BIN)/python tests/clients/downstream.py

deny-if-there:
	@if cargo deny --version >/dev/null 2>&1; then $(MAKE) --no-print-directory deny; \
		else printf '\n== cargo deny\ncargo-deny is not installed: skipped\n'; fi

deny: ## licences, sources and duplicates of the dependencies; installs cargo-deny if missing
	$(STEP) 'cargo deny'
	@cargo deny --version >/dev/null 2>&1 || cargo install --locked cargo-deny
	@cargo deny --locked --features python check bans licenses sources

# Further

examples: $(DEV) $(BUILT) ## runs every example against the mock provider
	@set -e; for file in examples/*.py; do printf '\n== %s\n' "$$file"; $(BIN)/python "$$file"; done

docs: $(DEV) $(BUILT) ## writes the generated parts of docs/
	@$(BIN)/python scripts/make_reference.py
	@$(BIN)/python scripts/make_providers.py
	@$(BIN)/python scripts/make_clients.py

doc: ## the documentation of the Rust code
	cargo doc --locked --no-deps --features gateway

bench: install $(DEV) ## measures against peers, with the release wheel (benches/README.md)
	@$(BIN)/python benches/run.py

FUZZ_TARGETS ?= $(shell sed -n '/^\[\[bin\]\]/,$$ s/^name = "\([a-z_]*\)"$$/\1/p' fuzz/Cargo.toml)
FUZZ_RUNS ?= 100000

fuzz: ## fuzzes the translation, FUZZ_RUNS inputs for each of FUZZ_TARGETS (nightly Rust and cargo-fuzz)
	@set -e; for target in $(FUZZ_TARGETS); do \
		printf '\n== fuzz %s\n' "$$target"; mkdir -p fuzz/found/$$target; \
		cargo +nightly fuzz run $$target fuzz/found/$$target fuzz/corpus/$$target -- \
			-runs=$(FUZZ_RUNS) -max_len=65536 -timeout=10 -verbosity=0; \
	done

fuzz-corpus: ## makes the seeds of the fuzz targets from the parity corpus
	@$(PYTHON) scripts/make_fuzz_corpus.py

clean: ## removes .venv and what was built for Python
	rm -rf $(VENV) dist .pytest_cache .ruff_cache python/ferrolite/_core*.so

clean-all: clean ## also removes Rust's target folder
	cargo clean
