# All set-up is here: `make demo` and `make test` need nothing but a Swift toolchain and Debian's package manager.

SWIFT ?= swift
PREFIX ?= /usr/local
SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo)
PACKAGES := libopenblas-dev libarchive-dev pkg-config make

# Seconds for each reader, and the number of runs.
TIME ?= 60
RUNS ?= 300

.PHONY: help deps build demo test lint format fuzz faults install uninstall clean

help:
	@echo "make demo      install what is missing, build, and merge the sample bundles"
	@echo "make test      install what is missing, build, and run all tests"
	@echo "make build     build the release executable and its plugins"
	@echo "make install   put them below PREFIX ($(PREFIX)); make uninstall removes them"
	@echo "make fuzz      feed the readers with made-up files, TIME seconds each ($(TIME))"
	@echo "make faults    kill, interrupt and starve RUNS runs ($(RUNS)), and look what is left of results"
	@echo "make format    format the sources; make lint checks them"

deps:
	@for package in $(PACKAGES); do dpkg -s $$package >/dev/null 2>&1 || missing="$$missing $$package"; done; \
	if [ -n "$$missing" ]; then \
	  echo "installing$$missing"; \
	  $(SUDO) apt-get update -q && $(SUDO) apt-get install -y -q --no-install-recommends $$missing; \
	fi

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

test: deps
	$(SWIFT) build --build-tests
	$(SWIFT) test --skip-build --parallel

lint:
	$(SWIFT) format lint --strict --recursive Package.swift Sources Plugins Tests Fuzz

format:
	$(SWIFT) format --in-place --recursive Package.swift Sources Plugins Tests Fuzz

# libFuzzer comes with the toolchain. What it builds lies in a folder of its own, since every file is instrumented.
fuzz: deps
	CLUES_FUZZ=1 $(SWIFT) build -c release --build-path .build-fuzz --product clues-fuzz \
	  -Xswiftc -sanitize=fuzzer,address -Xswiftc -parse-as-library
	Fuzz/fuzz.sh .build-fuzz/release/clues-fuzz $(TIME) $(READERS)

faults: build
	Tests/Faults/faults.sh "$$($(SWIFT) build -c release --show-bin-path)/clues" $(RUNS)

install: build
	@bin="$$($(SWIFT) build -c release --show-bin-path)"; \
	install -d "$(DESTDIR)$(PREFIX)/bin" "$(DESTDIR)$(PREFIX)/lib/clues/plugins" "$(DESTDIR)$(PREFIX)/include" && \
	install "$$bin/clues" "$(DESTDIR)$(PREFIX)/bin/clues" && \
	install -m 644 "$$bin"/libCluesPlugin*.so "$(DESTDIR)$(PREFIX)/lib/clues/plugins/" && \
	install -m 644 Sources/CluesPluginABI/include/clues_plugin.h "$(DESTDIR)$(PREFIX)/include/"

uninstall:
	rm -f "$(DESTDIR)$(PREFIX)/bin/clues" "$(DESTDIR)$(PREFIX)/include/clues_plugin.h"
	rm -rf "$(DESTDIR)$(PREFIX)/lib/clues"

clean:
	$(SWIFT) package clean
