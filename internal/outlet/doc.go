// Package outlet is the way out of the program: everything that is printed goes
// through a Writer. What is written to it as text cannot act on whoever shows
// it, whatever it holds and whoever forgot to make it neutral: no command of a
// CI system, no escape sequence, no line that rewrites another, no secret.
//
// What must act is written to Commands, and data that is read by a program to
// Data. Who does so has made sure of every byte.
package outlet
