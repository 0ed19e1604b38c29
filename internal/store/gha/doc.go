// Package gha is the store on GitHub's cache service and those that imitate it:
// the service v2 (github.com: calls in Twirp's JSON, bytes over signed URLs of
// Azure block blobs) and v1 (REST: GitHub Enterprise Server, act, Gitea,
// Forgejo).
//
// Its main invariant: an entry is committed only after write returned nil and
// every byte was taken; whatever else happens, nothing becomes visible. Bytes
// go as streams in both directions, several requests at a time, and memory is
// bounded by the Options, whatever the size of an entry. The runtime token and
// signed URLs go to Options.Mask as soon as they are seen, and no error or log
// line holds them.
//
// What may fail and pass is tried again within Options.Budget: 429 after the
// time that the service asks for, 5xx and broken connections after a growing
// pause. A download goes on at the byte where it broke off, and with a new URL
// when the old one expired. It has no limits of time besides that of the first
// byte: whoever reads supervises the throughput and cancels the context.
//
// Names are cache keys; all entries have one cache version, so no other tool's
// entries are in the way. The service finds an entry only from where it was
// saved, from the pull request's base and from the default branch. Entries
// cannot be listed or deleted by a job's token: the service evicts them.
package gha
