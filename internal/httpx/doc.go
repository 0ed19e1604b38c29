// Package httpx is what every HTTP client of modferry shares: limits of time on
// connecting, on the answer and on its body, a budget of waiting, the policy for
// redirects, and the headers Content-Range and Retry-After.
//
// What a request has to go through is composed of http.RoundTrippers, each of
// which does one thing. The package knows nothing of modules, mirrors or stores;
// its errors are types that package failure gives a class.
package httpx
