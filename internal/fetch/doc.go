// Package fetch is the order of a run over a session, and nothing else: what the
// module cache has, what layers restore while the preflight chooses the chain,
// what the engine downloads, and the result of it all. Its verbs are functions
// that may be called again over the same session.
package fetch
