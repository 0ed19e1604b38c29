package main

import (
	"fmt"

	"github.com/modferry/modferry/internal/failure"
)

// tell prints remarks that are worth knowing even to those who want quiet:
// somebody asked for what there is not.
func (a *app) tell(remarks ...string) {
	for _, remark := range remarks {
		if remark != "" {
			fmt.Fprintln(a.stderr, "modferry: "+failure.Sentence(remark))
		}
	}
}
