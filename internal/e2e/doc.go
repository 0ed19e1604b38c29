// Package e2e holds the end-to-end tests: the built binary against real
// projects and against counterparts that we did not write. It is a module of
// its own, so that the counterparts' dependencies stay out of the product's;
// run it with
//
//	go -C internal/e2e test ./...
//
// Its main invariant: what a test believes about a module cache, it believes
// because the go command said so.
//
// The sources of the projects and their modules come through the first mirror
// of this machine's own `go env GOPROXY`, by way of a recording mirror on
// loopback that asks it for every file at most once. Variables:
//
//   - MODFERRY_E2E_DIR keeps what was recorded in a directory of yours, so that
//     further runs need no network; otherwise it goes with the run.
//   - MODFERRY_E2E_NPM is a folder in which `npm ci` was run with the
//     package-lock.json of npm/: azurite, GitHub's own cache client in the
//     versions that are in use, gitlab-ci-local, and the versions of node that
//     runners have. versitygw, which .ci/tools names, is looked for on the
//     search path. .ci/run sees to both.
//   - MODFERRY_E2E_ALL=1 adds cli, traefik, terraform and kubernetes, compiles
//     hugo, has hugo saved in every store, damages ten times as many places of
//     layers, makes the large layer one of 1 GB, and compiles what takes minutes:
//     BuildKit, Buildkite's agent, the act of Gitea's runner.
//   - MODFERRY_E2E_CHAOS is for how long everything breaks around two relays, one
//     minute otherwise, and MODFERRY_E2E_SEED the seed of what breaks and dies when.
//   - MODFERRY_E2E_SCREENSHOTS is a folder for pictures of the HTML report and of
//     the summary as on GitHub, of every kind of run, in every width and colour
//     scheme in which a browser is shown them, and in print.
//   - CI=true turns the absence of a counterpart from a skip into a failure.
package e2e
