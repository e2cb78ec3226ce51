# `make run` and `make test` do all the set-up themselves; `make help` lists everything.
#
# PYTHON=...  the Python (3.9 or newer) that runs the scripts; its pip fetches libtorch
# ARGS=...    arguments for the program, as in `make run ARGS="open configs/demo.toml"`
# ALL=1       with `make test-pytorch`: full-size VGG16 too, which takes the longest by far

PYTHON ?= $(shell command -v python3 || command -v python)
CARGO ?= cargo
ARGS ?=
RELEASE = $${CARGO_TARGET_DIR:-target}/release

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help setup build run test format-check lint doc test-setup test-doc test-rust \
	test-pytorch inject-faults screenshots bench bench-terminal study archives package install install-client

help: ## show this list
	@echo "surfit: a terminal workbench for Bézier surfaces between neural networks"
	@echo
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' Makefile | \
		awk -F'|' '{ printf "%-20s %s\n", $$1, $$2 }'

setup: ## find or install libtorch and write .cargo/config.toml
	@echo "== setting up libtorch"
	@test -n "$(PYTHON)" || { echo "No Python was found: install Python 3.9 or newer with pip," \
		"or name one with \`make PYTHON=...\`." >&2; exit 1; }
	@$(PYTHON) scripts/libtorch.py

build: setup ## build both programs, optimised
	@echo "== building"
	$(CARGO) build --release --locked

run: build ## build and start the program
	@echo "== starting surfit"
	@$(RELEASE)/surfit $(ARGS)

# The runner of the Rust tests comes last, so that its summary is what one sees.
test: setup format-check lint doc test-setup test-doc test-rust ## everything a change has to pass

format-check: ## check the formatting
	@echo "== checking the format"
	$(CARGO) fmt --all --check

lint: setup ## clippy on every target, warnings are errors
	@echo "== linting"
	$(CARGO) clippy --workspace --all-targets --locked -- -D warnings

doc: setup ## build the documentation, warnings are errors
	@echo "== building the documentation"
	RUSTDOCFLAGS=-Dwarnings $(CARGO) doc --workspace --no-deps --locked

test-setup: ## test the set-up scripts (no network)
	@echo "== testing the set-up scripts"
	$(PYTHON) -B -m unittest discover -s tests/setup

test-doc: setup ## run the examples in the documentation
	@echo "== testing the examples in the documentation"
	$(CARGO) test --workspace --doc --locked

test-rust: setup ## run the Rust tests, with cargo-nextest where it is installed
	@echo "== testing"
	@if $(CARGO) nextest --version >/dev/null 2>&1; then \
		set -x; $(CARGO) nextest run --workspace --locked; \
	else \
		set -x; $(CARGO) test --workspace --all-targets --locked; \
	fi

test-pytorch: build ## hold the networks against PyTorch, both ways (installs PyTorch, gigabytes; ARGS names networks, or files; ALL=1 takes all)
	@echo "== comparing with PyTorch"
	@$(PYTHON) -B scripts/test_pytorch.py $(RELEASE)/surfit $(if $(ALL),--all) $(ARGS)

inject-faults: build ## kill, refuse, cut the power at every file operation of tiny commands (takes long; ARGS="--every 9" makes fewer)
	@echo "== injecting faults"
	@$(PYTHON) -B scripts/inject_faults.py $(RELEASE)/surfit $(ARGS)

screenshots: build ## make the pictures in screenshots/ anew
	@echo "== making the screenshots"
	$(PYTHON) scripts/screenshots.py

bench: build ## measure step cost, heatmap cost and memory on this machine
	@echo "== measuring"
	@$(RELEASE)/surfit bench $(ARGS)

bench-terminal: build ## measure first frame, key latency, output rate, processor use and attaching of the terminal
	@echo "== measuring the terminal on a live demo"
	$(PYTHON) scripts/terminal_bench.py $(RELEASE)/surfit

study: build ## make the studies in docs/study anew, or go on with them (about an hour on two cores)
	@echo "== studying"
	@$(RELEASE)/surfit study configs/study/cnn.toml --jobs 2 --out docs/study/cnn $(ARGS)
	@$(RELEASE)/surfit study configs/study/resnet18.toml --jobs 2 --out docs/study/resnet18 $(ARGS)

archives: setup ## make the release archives, and prove that their programs start in an empty environment
	@echo "== making the release archives"
	$(PYTHON) -B scripts/release_archives.py $(ARGS)

package: setup ## build every package as it would be published
	@echo "== packaging"
	$(CARGO) package --workspace --locked

install: setup ## install both programs for this user
	@echo "== installing"
	$(CARGO) install --path . --locked
	$(CARGO) install --path crates/surfit-engine --locked

install-client: ## install the terminal program alone: needs Rust only, no libtorch and no Python
	@echo "== installing the client"
	$(CARGO) install --path . --locked
