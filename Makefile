# The commands of CONTRIBUTING.md by name. CI runs .ci/run, not this file.
.PHONY: build test race lint e2e chaos bench update

build: ; CGO_ENABLED=0 go build -trimpath -o modferry ./cmd/modferry
test: ; go test ./...
race: ; go test -race ./...
lint: ; .ci/run lint
e2e: ; .ci/run e2e
chaos: ; MODFERRY_E2E_CHAOS=10m go -C internal/e2e test -count=1 -timeout 30m -v -run 'TestChaos|TestCorner26' .
bench: ; go -C internal/bench run .

# All files that tests make, but those of internal/golog: its -update records logs of the go command anew.
update:
	go test -count=1 $$(git grep -l 'flag.Bool("update"' -- '*_test.go' ':!internal/golog' | sed 's|^|./|; s|/[^/]*$$||' | sort -u) -update
	go generate ./...
