// Package examples checks docs/examples: Kubernetes' own types, Prometheus' parsers, the
// loader of Docker Compose and actionlint read the files, and a running "modferry serve"
// says whether its metrics and settings are those that they name.
package examples
