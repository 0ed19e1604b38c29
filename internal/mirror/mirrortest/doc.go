// Package mirrortest is a kit for tests that need module mirrors: modules made
// on the spot, real servers on loopback that serve them over HTTP/1.1 and
// HTTP/2, and scripted faults.
//
// Its main invariant: everything is real up to the socket and nothing depends
// on time. Servers speak through net/http on 127.0.0.1, faults that wait do so
// until a channel or the request's context says otherwise, content is a
// function of the module's name, and a fault with a probability is a function
// of its seed and the request, not of the order in which goroutines run.
//
// A test builds Fixtures, writes a checkout that needs them, and starts one or
// more Servers over them:
//
//	f := mirrortest.Generate(t, 20, 4<<10)
//	f.WriteCheckout(t, dir, mirrortest.Checkout{})
//	s := mirrortest.Start(t, mirrortest.Options{Fixtures: f, Protocol: mirrortest.HTTP2})
//	s.Fault(mirrortest.First(1, "*.zip", mirrortest.CutAfter(100)))
//	… GOPROXY=s.URL, trusting s.CA() …
//	if n := s.Count("*.zip"); n != 21 { … }
//
// Every server, connection and goroutine ends with the test.
package mirrortest
