# Roundtrip: the commands of the house. `make` alone lists them.
SHELL := /bin/bash
BIN   := $(CURDIR)/.bin
GO    := go
export CGO_ENABLED ?= 0
export GOFLAGS ?= -buildvcs=false
# nft, conntrack, sysctl and the name servers lie there, where not every root looks.
export PATH := $(PATH):/usr/sbin:/sbin

GOLANGCI := $(BIN)/golangci-lint-v2.15.0
H2SPEC   := $(BIN)/h2spec-v2.2.1
GRPCURL  := $(BIN)/grpcurl-v1.9.4
# Generators are found by their names: their folder carries the versions.
PROTOGEN := $(BIN)/protogen-v1.36.12-v1.6.2

PAGE         := examples/gallery/web
PAGE_SOURCES  = $(shell find $(PAGE)/src $(PAGE)/public clients/js/src -type f) $(addprefix $(PAGE)/,index.html package.json tsconfig.json vite.config.ts)

CONSOLE := console/web
CONSOLE_SOURCES = $(shell find $(CONSOLE)/src $(CONSOLE)/public -type f) $(addprefix $(CONSOLE)/,index.html package.json tsconfig.json vite.config.ts)

BEHIND := examples/behind-node
CALLER := examples/gallery/clients/ts

# Every package but those in test/, which need the built program.
ROOMS = $(shell $(GO) list ./... | grep -v '/roundtrip/test/')
# Those whose random walks are short under the race detector (internal/walk), so that they take them at length without it.
WALKS = $(shell $(GO) list -f '{{range .TestImports}}{{.}} {{end}}{{range .XTestImports}}{{.}} {{end}}: {{.ImportPath}}' ./... | sed -n '/internal.walk .*:/s/.*: //p')

.DEFAULT_GOAL := help
.PHONY: help run build lab page test check lint fmt unit race e2e client doors browser node node20 fuzz bench soak debian tools clean

help: ## list these commands
	@awk -F':.*## ' '/^[a-z0-9-]+:.*## /{printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: build page ## build, and run the gallery example on https://gallery.localhost:8443
	@bin/roundtrip dev examples/gallery

build: $(CONSOLE)/dist/index.html ## build bin/roundtrip, with the console's pages in it
	@$(GO) build -trimpath -ldflags='-s -w' -o bin/roundtrip ./cmd/roundtrip

lab: build debian ## several machines on one: client, stranger, name server, edge, applications (docs/lab.md; as root)
	@$(GO) run ./test/lab/play -bin bin/roundtrip

page: $(PAGE)/dist/index.html ## build the gallery's page

# Nothing is done when nothing changed: npm's own lockfile in node_modules, and the built page, are the stamps.
$(PAGE)/dist/index.html: $(PAGE)/node_modules/.package-lock.json $(PAGE_SOURCES)
	@cd $(PAGE) && npm run --silent build -- --logLevel warn
	@touch $@

$(CONSOLE)/dist/index.html: $(CONSOLE)/node_modules/.package-lock.json $(CONSOLE_SOURCES)
	@cd $(CONSOLE) && npm run --silent build -- --logLevel warn
	@touch $@

%/node_modules/.package-lock.json: %/package-lock.json | node20
	@echo "installing what $* is built with (once)"
	@cd $* && npm ci --silent --no-audit --no-fund
	@touch $@

node20:
	@node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 22 || a === 22 && b >= 12 || a === 20 && b >= 19 ? 0 : 1)' \
	|| { echo "the pages are built with Node 20.19 or newer: https://nodejs.org. The program alone is built without: go build -o bin/roundtrip ./cmd/roundtrip && bin/roundtrip dev examples/gallery"; exit 1; }

test: lint race e2e client browser fuzz ## everything: format, lint, unit tests with -race, end to end, crashes, fuzzing

check: lint unit ## the inner loop: format, vet, lint, laws, unit tests (under 3 minutes)

lint: $(GOLANGCI) ## format check, vet and the lint set
	@$(GOLANGCI) fmt --diff
	@$(GOLANGCI) run ./...

fmt: $(GOLANGCI) ## format the code
	@$(GOLANGCI) fmt

# Vet is in the lint set, which tells more; `go test` would run a part of it once more, with and without the race detector.
unit: debian ## unit tests, without the race detector
	@$(GO) test -vet=off $(ROOMS)

race: debian ## unit tests with the race detector, and long random walks without it
	@CGO_ENABLED=1 $(GO) test -vet=off -race $(ROOMS)
	@$(if $(WALKS),,$(error no room has random walks any more: this line can go))$(GO) test -vet=off $(WALKS)

e2e: build debian $(H2SPEC) $(GRPCURL) $(PROTOGEN) node $(BEHIND)/node_modules/.package-lock.json $(CALLER)/node_modules/.package-lock.json ## end to end over TLS, hostile input, crash tests, command line
	@ROUNDTRIP_BIN=$(CURDIR)/bin/roundtrip $(GO) test -count=1 -timeout=15m ./test/...

client: build node clients/js/dist/index.js test/openapi/node_modules/.package-lock.json ## the client for browsers and Node, and those made of openapi.json, against the server
	@cd clients/js && ROUNDTRIP_BIN=$(CURDIR)/bin/roundtrip node test/run.js
	@cd test/openapi && ROUNDTRIP_BIN=$(CURDIR)/bin/roundtrip npm run --silent test

browser: build page test/browser/node_modules/.package-lock.json $(BEHIND)/node_modules/.package-lock.json node ## the examples' pages in Chromium; pictures in test/artefacts
	@cd test/browser && ROUNDTRIP_BIN=$(CURDIR)/bin/roundtrip npm run --silent test

fuzz: ## every fuzz target for a few seconds
	@test/fuzz.sh 3s

bench: build debian ## figures against PocketBase, Caddy, NGINX, CoreDNS, NSD, Knot and ourselves (about 25 minutes, and once 10 to build Caddy)
	@cd test/bench && $(GO) run . -bin $(CURDIR)/bin/roundtrip

soak: build debian ## 1,000 times kill -9 under likes and comments (about an hour)
	@ROUNDTRIP_BIN=$(CURDIR)/bin/roundtrip SOAK_KILLS=1000 $(GO) test -count=1 -timeout=6h -v -run=NoReactionIsLost ./test/crash

# What the tests use of Debian: curl as a client, sqlite3 as a judge of the database file, gcc for the race detector; and what
# loads, starves and examines the gate: wrk, h2load, slowhttptest, testssl.sh (which wants hexdump and dig), and NGINX, which the
# benchmark compares with; NSD and Knot, which copy our zones and which it compares with too, kdig and dnsperf. Debian would start
# servers when they are installed: policy-rc.d says no, where there is none yet.
debian:
	@for p in curl:curl sqlite3:sqlite3 gcc:gcc wrk:wrk h2load:nghttp2-client slowhttptest:slowhttptest testssl:testssl.sh hexdump:bsdextrautils dig:dnsutils nginx:nginx-light nsd:nsd knotd:knot kdig:knot-dnsutils ldns-read-zone:ldnsutils dnsperf:dnsperf nft:nftables conntrack:conntrack ip:iproute2 unbound:unbound sysctl:procps; do \
	PATH=$$PATH:/usr/sbin command -v $${p%%:*} >/dev/null || missing="$$missing $${p##*:}"; done; \
	if [ -n "$$missing" ]; then apt-get update -qq && \
	if [ ! -e /usr/sbin/policy-rc.d ]; then printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d && chmod +x /usr/sbin/policy-rc.d && trap 'rm -f /usr/sbin/policy-rc.d' EXIT; fi; \
	apt-get install -y -qq $$missing libc6-dev; fi

# Node and npm, for the client and the page; Chromium, for their tests.
node:
	@for p in node npm chromium; do command -v $$p >/dev/null || missing="$$missing $${p/node/nodejs}"; done; \
	if [ -n "$$missing" ]; then apt-get update -qq && apt-get install -y -qq $$missing; fi

clients/js/node_modules/.package-lock.json: clients/js/package-lock.json
	@cd clients/js && npm ci --silent --no-audit --no-fund && touch node_modules/.package-lock.json

clients/js/dist/index.js: clients/js/node_modules/.package-lock.json clients/js/package.json clients/js/tsconfig.json $(shell find clients/js/src -name '*.ts')
	@cd clients/js && rm -rf dist && node_modules/.bin/tsc -p .

doors: build $(GRPCURL) $(PROTOGEN) node $(CALLER)/node_modules/.package-lock.json ## every behaviour over every protocol, and the clients that others wrote
	@ROUNDTRIP_BIN=$(CURDIR)/bin/roundtrip $(GO) test -count=1 ./test/doors ./test/clients

tools: $(GOLANGCI) $(H2SPEC) $(GRPCURL) $(PROTOGEN) ## install the pinned tools into .bin

# The name of a tool's file carries its version, so that a new pin installs it anew.
$(GOLANGCI):
	@mkdir -p $(BIN)
	@echo "installing golangci-lint (once, about 3 minutes)"
	@GOBIN=$(BIN) $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
	@mv $(BIN)/golangci-lint $@

# Its module has no go.mod of its own, so it is built in one that is made for it.
$(H2SPEC):
	@mkdir -p $(BIN) && d=$$(mktemp -d) && trap "rm -rf $$d" EXIT && cd $$d && \
	$(GO) mod init h2spec 2>/dev/null && $(GO) get github.com/summerwind/h2spec/cmd/h2spec@v2.2.1+incompatible 2>/dev/null && \
	$(GO) get github.com/spf13/cobra@v1.10.2 2>/dev/null && $(GO) build -o $@ github.com/summerwind/h2spec/cmd/h2spec

$(GRPCURL):
	@mkdir -p $(BIN)
	@echo "installing grpcurl (once, about a minute)"
	@GOBIN=$(BIN) $(GO) install github.com/fullstorydev/grpcurl/cmd/grpcurl@v1.9.4
	@mv $(BIN)/grpcurl $@

$(PROTOGEN):
	@mkdir -p $(BIN) && rm -rf $@.new
	@GOBIN=$@.new $(GO) install google.golang.org/protobuf/cmd/protoc-gen-go@v1.36.12
	@GOBIN=$@.new $(GO) install google.golang.org/grpc/cmd/protoc-gen-go-grpc@v1.6.2
	@mv $@.new $@

clean: ## remove what was built and the example's data
	@find $(CONSOLE)/dist -mindepth 1 ! -name .keep -delete
	@rm -rf bin examples/*/data $(BEHIND)/node_modules $(PAGE)/dist $(PAGE)/node_modules $(CONSOLE)/node_modules test/browser/node_modules test/openapi/node_modules clients/js/dist clients/js/node_modules $(CALLER)/dist $(CALLER)/src/gen $(CALLER)/node_modules examples/gallery/clients/go/gen
