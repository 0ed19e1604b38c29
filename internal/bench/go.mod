module github.com/modferry/modferry/internal/bench

go 1.26.0

replace github.com/modferry/modferry => ../..

require (
	github.com/google/go-cmp v0.7.0
	github.com/goproxy/goproxy v0.26.1
	github.com/modferry/modferry v0.0.0-00010101000000-000000000000
	golang.org/x/mod v0.42.0
	golang.org/x/sys v0.49.0
)

require (
	github.com/aofei/backoff v1.2.0 // indirect
	github.com/goccy/go-yaml v1.19.2 // indirect
)
