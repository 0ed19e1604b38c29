package main

import (
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/modferry/modferry/internal/settings"
)

// flagValue is the text of a flag. Whether it is a value of the setting is
// found out by settings.Resolve, which explains better than a flag parser.
type flagValue struct {
	setting settings.Setting
	text    string
}

func (v *flagValue) String() string        { return v.text }
func (v *flagValue) Set(text string) error { v.text = text; return nil }
func (v *flagValue) Type() string          { return v.setting.Placeholder() }

// bindFlags gives a command the flags of the settings that it takes.
func bindFlags(cmd *cobra.Command, name string) {
	flags := cmd.Flags()
	flags.SortFlags = false
	for _, s := range settings.Table() {
		if !s.Takes(name) {
			continue
		}
		f := flags.VarPF(&flagValue{setting: s}, s.Name, s.Short, s.Usage)
		if s.Kind == settings.Bool {
			f.NoOptDefVal = "true"
		}
	}
}

// setFlags returns the flags that stand on the command line.
func setFlags(cmd *cobra.Command) map[string]string {
	set := map[string]string{}
	cmd.Flags().Visit(func(f *pflag.Flag) {
		if v, ok := f.Value.(*flagValue); ok {
			set[f.Name] = v.text
		}
	})
	return set
}
