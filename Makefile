# make            build ./ttpcron for this machine
# make test       the tests, as README.md runs them
# make check      what .ci/run checks
# make cross      dist/ttpcron-linux-{amd64,arm64,armv7}
# make release    dist/: archives, packages, checksums of VERSION, such as 0.1.0
# make man        dist/man: manual pages, which the program writes itself
# make picture    docs/report.png, with Chromium
# make bench      the Go benchmarks; bench/run.sh measures whole processes
# make fuzz       every fuzz target for FUZZTIME each

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
FUZZTIME ?= 10s
BENCHTIME ?= 1s

export CGO_ENABLED = 0
BUILD = go build -trimpath -ldflags "-s -w -X main.version=$(VERSION)"

.PHONY: build test race lint check cross release man picture bench fuzz clean

build:
	$(BUILD) -o ttpcron ./cmd/ttpcron

test:
	go test -timeout 30m ./...

race:
	CGO_ENABLED=1 go test -race ./...

lint:
	test -z "$$(gofmt -l .)" || { gofmt -l .; exit 1; }
	go vet ./...
	go run honnef.co/go/tools/cmd/staticcheck@v0.8.2 ./...

check:
	bash .ci/run

cross:
	GOOS=linux GOARCH=amd64 $(BUILD) -o dist/ttpcron-linux-amd64 ./cmd/ttpcron
	GOOS=linux GOARCH=arm64 $(BUILD) -o dist/ttpcron-linux-arm64 ./cmd/ttpcron
	GOOS=linux GOARCH=arm GOARM=7 $(BUILD) -o dist/ttpcron-linux-armv7 ./cmd/ttpcron

release:
	packaging/build.sh $(VERSION:v%=%)

man: build
	./ttpcron man dist/man

picture:
	sh .ci/picture/make.sh

bench:
	go test -run '^$$' -bench . -benchtime $(BENCHTIME) ./...

fuzz:
	bash .ci/fuzz $(FUZZTIME)

clean:
	rm -rf dist ttpcron
