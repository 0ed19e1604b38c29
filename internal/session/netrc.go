package session

import "github.com/modferry/modferry/internal/mirror"

// NetrcFile is the file that the go command reads credentials from, "" for none.
func (s *Session) NetrcFile() string {
	return mirror.NetrcFile(s.Options.Getenv, s.Env.Get("GOAUTH"))
}
