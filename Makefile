# All set-up is here: `make demo` and `make test` need nothing but a Swift toolchain and Debian's package manager.

SWIFT ?= swift
PREFIX ?= /usr/local

# Static libraries of the toolchain, if it has them: with them the release executable carries the Swift runtime.
RUNTIME := $(shell $(SWIFT)c -print-target-info 2>/dev/null | sed -n 's/.*"runtimeResourcePath": "\(.*\)".*/\1/p')
ifneq ($(wildcard $(RUNTIME)_static/linux/libFoundation.a),)
export CLUES_STATIC_RUNTIME := 1
endif

# Seconds for each reader, and the number of runs.
TIME ?= 60
FAULTS ?= 300

.PHONY: help deps test-tools model build demo demo-model check test fuzz faults bench bench-peers docs lint format man install uninstall clean \
  experiment wheel test-python

help:
	@echo "make demo      install what is missing, build, and merge the sample bundles"
	@echo "make demo-model  download SmolLM2-135M (93 MB), and measure, score and select a client's samples with it"
	@echo "make experiment SMALL=1  make data bad on purpose and measure what selection wins back; without SMALL the whole, for hours"
	@echo "make test      install what is missing, build, and run all tests"
	@echo "make check     the quick round while you work: the tests that need no more than the build does"
	@echo "make bench     measure speed and memory and compare them with the committed thresholds"
	@echo "make bench-peers PYTHON=…   the same, in turn with PEFT and torch in that Python"
	@echo "make build     build the release executable and its plugins"
	@echo "make install   put all below PREFIX ($(PREFIX)), runtime included; make uninstall removes it"
	@echo "make wheel     build the Python package with the executable in it, to dist/"
	@echo "make test-python   test it; PYTHON=… is one that has torch, transformers and peft, else they are installed;"
	@echo "                   OLDEST=1 takes the oldest transformers and peft that are supported"
	@echo "make man       write the manual pages to man/"
	@echo "make docs      build the reference of PluginKit; every warning is an error"
	@echo "make fuzz      feed the readers with made-up files, TIME seconds each ($(TIME))"
	@echo "make faults    kill, interrupt and starve FAULTS runs ($(FAULTS)), and look what is left of results"
	@echo "make format    format the sources; make lint checks them"

deps:
	@scripts/setup build

test-tools:
	@scripts/setup test

model:
	@scripts/setup model

build: deps
	$(SWIFT) build -c release

demo: build
	@clues="$$($(SWIFT) build -c release --show-bin-path)/clues"; \
	echo "What a client handed in: clues inspect checkpoints/medical.tar.zst"; echo; \
	"$$clues" inspect checkpoints/medical.tar.zst && \
	echo && echo "Score, select, weigh, merge: clues run recipes/clues-calibrated.yaml" && echo && \
	"$$clues" run recipes/clues-calibrated.yaml --output runs/clues-calibrated --force && \
	echo && echo "Half of the samples were spoilt on purpose. Did it find them?" && \
	echo "clues evaluate runs/clues-calibrated/clues/scores.jsonl --labels checkpoints/labels.jsonl" && echo && \
	"$$clues" evaluate runs/clues-calibrated/clues/scores.jsonl --labels checkpoints/labels.jsonl

demo-model: deps model build
	@scripts/demo-model "$$($(SWIFT) build -c release --show-bin-path)/clues" .build-tools/SmolLM2-135M-Instruct.Q4_1.gguf

# A killed experiment goes on when it is called again.
experiment: deps model build
	@clues="$$($(SWIFT) build -c release --show-bin-path)/clues"; set -x; \
	"$$clues" experiment experiments/$(if $(SMALL),small,paper).yaml

# What `make check` leaves to `make test`: whatever compiles plugins, looks at pages in a browser or kills runs.
LONG := ExamplesTests PluginChecksTests PluginHostTests UntrustedPluginTests PluginsCheckTests ReportPageTests FaultTests \
  workersDieWithTheirHost

check: deps
	$(SWIFT) build --build-tests
	$(SWIFT) test --skip-build --parallel $(LONG:%=--skip %)

# Commands are tested with the release executable: it is what users get, and it takes a fifth of the time.
test: test-tools
	$(SWIFT) build -c release
	$(SWIFT) build --build-tests
	CLUES="$$($(SWIFT) build -c release --show-bin-path)/clues" $(SWIFT) test --skip-build --parallel

# MEASUREMENTS chooses some of them; RUNS is how often each is repeated.
RUNS ?= 5
BENCH = $(SWIFT) run -c release --package-path Benchmarks bench \
	--clues "$$($(SWIFT) build -c release --show-bin-path)/clues" --runs $(RUNS)

bench: build
	$(BENCH) --thresholds Benchmarks/thresholds.json $(MEASUREMENTS)

bench-peers: build
	@test -n "$(PYTHON)" || { echo "make bench-peers PYTHON=… needs a Python with torch, peft and safetensors"; exit 64; }
	$(BENCH) --thresholds Benchmarks/thresholds.json --python "$(PYTHON)" $(MEASUREMENTS)

# The environment of the Python package; what PYTHON has of PyTorch and its friends is used there.
PYTHON_TOOLS := .build-tools/python$(if $(OLDEST),-oldest)

wheel: build
	@scripts/setup-python "$(or $(PYTHON),python3)" $(PYTHON_TOOLS) wheel
	@$(PYTHON_TOOLS)/bin/python Python/tools/wheel.py "$$($(SWIFT) build -c release --show-bin-path)" dist

# Types, style, and all tests against the release executable and against the wheel.
test-python: wheel
	@scripts/setup-python "$(or $(PYTHON),python3)" $(PYTHON_TOOLS) $(if $(OLDEST),oldest,test)
	cd Python && ../$(PYTHON_TOOLS)/bin/ruff check . && ../$(PYTHON_TOOLS)/bin/ruff format --check --quiet . && \
	  ../$(PYTHON_TOOLS)/bin/mypy
	@clues="$$($(SWIFT) build -c release --show-bin-path)/clues"; wheel="$$(ls $(CURDIR)/dist/clues_merge-*.whl)"; \
	cd Python && CLUES="$$clues" CLUES_WHEEL="$$wheel" PYTHONPATH="$(CURDIR)/Python/src" ../$(PYTHON_TOOLS)/bin/python -m pytest

DOCUMENTATION := .build/documentation

# The symbols stay: a build that has nothing to do writes none.
docs:
	$(SWIFT) build --package-path PluginKit --scratch-path .build/pluginkit --target PluginKit \
	  -Xswiftc -emit-symbol-graph -Xswiftc -emit-symbol-graph-dir -Xswiftc "$(CURDIR)/$(DOCUMENTATION)/all"
	rm -rf $(DOCUMENTATION)/symbols && mkdir -p $(DOCUMENTATION)/symbols && \
	  cp $(DOCUMENTATION)/all/PluginKit*.symbols.json $(DOCUMENTATION)/symbols/
	docc convert Sources/PluginKit/PluginKit.docc --additional-symbol-graph-dir $(DOCUMENTATION)/symbols \
	  --fallback-display-name PluginKit --fallback-bundle-identifier clues.PluginKit --warnings-as-errors \
	  --output-path $(DOCUMENTATION)/PluginKit.doccarchive

SWIFT_SOURCES := Package.swift PluginKit/Package.swift Sources Plugins Tests Examples/plugins/swift Templates \
  Benchmarks/Package.swift Benchmarks/Sources Fuzz/Targets

lint:
	$(SWIFT) format lint --strict --recursive $(SWIFT_SOURCES)

format:
	$(SWIFT) format --in-place --recursive $(SWIFT_SOURCES)

man: build
	@bin="$$($(SWIFT) build -c release --show-bin-path)"; \
	"$$bin/clues" --experimental-dump-help | "$$bin/ManualPages" "$$("$$bin/clues" --version)" man

# libFuzzer comes with the toolchain. What it builds lies in a folder of its own, since every file is instrumented.
fuzz: deps
	CLUES_FUZZ=1 $(SWIFT) build -c release --build-path .build-fuzz --product clues-fuzz \
	  -Xswiftc -sanitize=fuzzer,address -Xswiftc -parse-as-library
	Fuzz/fuzz.sh .build-fuzz/release/clues-fuzz $(TIME) $(READERS)

faults: build
	Tests/Faults/faults.sh "$$($(SWIFT) build -c release --show-bin-path)/clues" $(FAULTS)

install: build
	@DESTDIR="$(DESTDIR)" scripts/install "$$($(SWIFT) build -c release --show-bin-path)" "$(PREFIX)"

uninstall:
	@DESTDIR="$(DESTDIR)" scripts/uninstall "$(PREFIX)"

clean:
	$(SWIFT) package clean
