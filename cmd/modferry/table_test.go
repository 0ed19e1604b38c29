package main

import (
	"slices"
	"testing"

	"github.com/modferry/modferry/internal/settings"
)

func TestCommandsAreThoseOfTheSettings(t *testing.T) {
	t.Parallel()
	var names []string
	for _, c := range commands() {
		names = append(names, c.name)
		if c.short == "" {
			t.Errorf("%s says nothing", c.name)
		}
		runs := c.run != nil || c.prepare != nil
		if runs && (c.do == nil || c.long == "") {
			t.Errorf("%s does nothing or says too little", c.name)
		}
		if runs && !slices.ContainsFunc(settings.Table(), func(s settings.Setting) bool { return s.Takes(c.name) }) {
			t.Errorf("no setting is for %s", c.name)
		}
	}
	for _, s := range settings.Table() {
		for _, name := range s.Commands {
			if !slices.Contains(names, name) {
				t.Errorf("%s is for the command %s, which does not exist", s.Name, name)
			}
		}
	}
}
