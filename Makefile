# Each target does its own set-up; `make help` lists them. PG_CONFIG chooses the PostgreSQL.

SHELL := /bin/bash
ifdef PG_CONFIG
export PG_CONFIG
endif
ifdef PG_MAJOR
export PG_MAJOR
endif
ifdef T
export T
endif
export CARGO_TARGET_DIR ?= $(CURDIR)/target

.PHONY: help demo test test-upgrade release-script install lint bench deb docs clean

help:
	@echo 'make demo                  show it: a private cluster, a sample project, its clone'
	@echo 'make test                  all tests; PG_MAJOR=16 on that PostgreSQL, T=documents::references some of them'
	@echo 'make install PG_CONFIG=…   build in release mode and install the extension; the driver is target/release/pg_clone'
	@echo 'make lint                  format, clippy, rustdoc, the fence around unsafe code'
	@echo 'make bench                 measure against plain INSERT … SELECT'
	@echo 'make test-upgrade          upgrades of the extension, and pg_upgrade 15 → 17 → 18'
	@echo 'make release-script        keep the install script of this version, before its release'
	@echo 'make deb                   Debian packages, into target/deb; MAJORS="15 17"'
	@echo 'make docs                  the documentation as a site, into target/book'
	@echo 'make clean                 remove what was built here'

demo:
	@scripts/demo.sh $(DEMO)

test:
	@scripts/prepare.sh test
	@scripts/test.sh

install:
	@scripts/prepare.sh
	@scripts/install-extension.sh release
	PG_CLONE_VERSION="$$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -1) ($$(git rev-parse --short HEAD 2>/dev/null || echo 'no commit'))" \
	    cargo build --release -p pg_clone

lint:
	@scripts/prepare.sh
	@scripts/lint.sh

bench:
	@scripts/prepare.sh test
	@scripts/install-extension.sh release
	@. scripts/environment.sh && use_postgresql && exec scripts/bench.sh $(BENCH)

test-upgrade:
	@scripts/prepare.sh test
	@scripts/install-extension.sh dev
	@scripts/test/upgrade.sh
	@scripts/test/pg-upgrade.sh 15 17 18

release-script:
	@scripts/prepare.sh
	@scripts/release-script.sh

deb:
	@scripts/prepare.sh
	@scripts/deb.sh $(MAJORS)

docs:
	@scripts/docs.sh

clean:
	cargo clean
	rm -rf .tools
