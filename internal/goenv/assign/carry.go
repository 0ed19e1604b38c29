package assign

import (
	"fmt"

	"github.com/modferry/modferry/internal/settings"
)

// Carried is a variable that a text may hold.
type Carried struct {
	Variable
	// Secret says that the value holds credentials, which must not reach a
	// screen or a log on the way.
	Secret bool
}

// Left is a variable that a text must not hold.
type Left struct {
	Name   string
	Secret bool   // because it holds credentials
	Why    string // a clause: "it is a path on this machine, and a dockerfile is read elsewhere"
}

// Carry parts what a text of the format may hold from what it must not. This is
// the one place that decides it, for every command and every CI system:
// credentials go to whoever reads them at once, never into text that is kept or
// shared, and paths of this machine go nowhere else.
func (f Format) Carry(vars []Variable) (carried []Carried, left []Left) {
	for _, v := range vars {
		secret := settings.Redact(v.Value) != v.Value
		switch {
		case f.Foreign && v.Name == "GOMODCACHE":
			left = append(left, Left{Name: v.Name, Why: fmt.Sprintf("it is a path on this machine, and a %s is read elsewhere", f.Name)})
		case f.Foreign && v.Name == "GOFLAGS":
			left = append(left, Left{Name: v.Name, Why: fmt.Sprintf("it is for the module cache on this machine, and a %s is read elsewhere", f.Name)})
		case f.Kept && secret:
			left = append(left, Left{Name: v.Name, Secret: true, Why: fmt.Sprintf("it holds credentials, and %s output is kept or shared", f.Name)})
		default:
			carried = append(carried, Carried{v, secret})
		}
	}
	return carried, left
}
