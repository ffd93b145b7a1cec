# All set-up is here: `make demo` and `make test` need nothing but a Swift toolchain and Debian's package manager.

SWIFT ?= swift
PREFIX ?= /usr/local
SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo)
PACKAGES := libopenblas-dev libarchive-dev pkg-config make patchelf

.PHONY: help deps build demo test lint format man install uninstall clean

help:
	@echo "make demo      install what is missing, build, and merge the sample bundles"
	@echo "make test      install what is missing, build, and run all tests"
	@echo "make build     build the release executable and its plugins"
	@echo "make install   put all below PREFIX ($(PREFIX)), runtime included; make uninstall removes it"
	@echo "make man       write the manual pages to man/"
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
	$(SWIFT) format lint --strict --recursive Package.swift Sources Plugins Tests

format:
	$(SWIFT) format --in-place --recursive Package.swift Sources Plugins Tests

man: build
	@bin="$$($(SWIFT) build -c release --show-bin-path)"; \
	"$$bin/clues" --experimental-dump-help | "$$bin/ManualPages" "$$("$$bin/clues" --version)" man

install: build
	@DESTDIR="$(DESTDIR)" scripts/install "$$($(SWIFT) build -c release --show-bin-path)" "$(PREFIX)"

uninstall:
	@DESTDIR="$(DESTDIR)" scripts/uninstall "$(PREFIX)"

clean:
	$(SWIFT) package clean
