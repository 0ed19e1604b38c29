// Package github is modferry as a GitHub Action, with its stages main and post: in a
// container of its own, or started by the JavaScript of action/native among the other
// steps, where a relay for those is a third stage beside the two.
//
// Its main invariant: it never breaks a job that would have worked. What cannot be
// published (a summary, an annotation, a check run, the cache) is a line in the
// log; the step fails only for what input fail-on says, for settings that cannot
// mean what was intended, and for an integrity failure.
//
// # Where things are
//
// A container action sees the job's directories under other names
// (/github/workspace, /github/runner_temp …) than later steps, which see them as
// the host or the job's container does. The runner translates variables whose value
// begins with a directory of the host, so paths are exported as the host has them:
// see type host.
package github
