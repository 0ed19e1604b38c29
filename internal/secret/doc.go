// Package secret knows by value what a process was given as a credential, and
// hides it wherever it comes back: a server may repeat a password in any text
// and any encoding, where no shape tells it from other words.
//
// A Set belongs to a process: a secret is one for everything that the process
// does. It is passed on explicitly, so that tests do not hide each other's
// words. The package is pure and the lowest of the house.
package secret
