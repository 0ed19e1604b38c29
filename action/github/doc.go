// Package github is modferry as GitHub's container action, with its stages main
// and post.
//
// Its main invariant: it adds to a job and never takes from it. What cannot be
// published (a summary, an annotation, a check run, the cache) is a line in the
// log; the step fails only for what input fail-on says, for settings that cannot
// mean what was intended, and for an integrity failure.
//
// # Where things are
//
// A container action sees the job's directories under names of its own
// (/github/workspace, /github/runner_temp …), while later steps see them as the
// host or the job's container does. The runner translates variables whose whole
// value begins with a directory of the host, so what is exported are the host's
// paths: type host.
package github
