# What plugins in all languages have in common: the manifest, the self-test, the clean-up.
# The Makefile says how build/linked/$(NAME).so comes about.

CLUES ?= clues
CC ?= cc
OBJCOPY ?= objcopy

.PHONY: all test clean
.DELETE_ON_ERROR:

all: build/$(NAME).so

build/linked:
	mkdir -p $@

# The manifest says what the library holds, for whoever wants to know before any of its code runs.
build/manifest.json: build/linked/$(NAME).so
	$(CLUES) plugins manifest $< > $@

# A new file takes the place of the old one: whoever has that loaded goes on with it.
build/$(NAME).so: build/linked/$(NAME).so build/manifest.json
	$(OBJCOPY) --add-section clues_manifest=build/manifest.json \
	  --set-section-flags clues_manifest=noload,readonly $< $@.part
	mv $@.part $@

build/selftest: selftest.c clues_plugin.h | build/linked
	$(CC) -std=c11 -O1 -g -Wall -Wextra -ffp-contract=off selftest.c -o $@ -ldl -lm

# What the plugin makes of the numbers in selftest.c, to the last bit; expected.txt is yours to change.
test: build/$(NAME).so build/selftest
	build/selftest build/$(NAME).so > build/result.txt
	diff -u expected.txt build/result.txt
	$(CLUES) plugins check build/$(NAME).so

clean:
	rm -rf build .build
