package goenv

import "testing"

// The cases are those of cmd/go toolchain: Select.
func TestTheToolchainIsTheOneThatGoSwitchesTo(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name      string
		setting   string
		goLine    string
		toolchain string
		want      string
		check     string // of the finding
	}{
		{"an older go line", "auto", "1.21", "", "", ""},
		{"the same", "auto", "1.26.1", "", "", ""},
		{"a language version without a patch", "auto", "1.27", "", "go1.27.0", "toolchain-download"},
		{"an older language version than Go 1.21 has no .0", "go1.18+auto", "1.20", "", "go1.20", "toolchain-download"},
		{"a release", "auto", "1.27.2", "", "go1.27.2", "toolchain-download"},
		{"a release candidate", "auto", "1.27rc1", "", "go1.27rc1", "toolchain-download"},
		{"a newer toolchain line", "auto", "1.25", "go1.27.3", "go1.27.3", "toolchain-download"},
		{"an older toolchain line", "auto", "1.25", "go1.25.3", "", ""},
		{"toolchain default", "auto", "1.25", "default", "", ""},
		{"the go line wins over an older toolchain line", "auto", "1.28", "go1.27.0", "go1.28.0", "toolchain-download"},
		{"local refuses", "local", "1.27", "", "", "toolchain-refused"},
		{"local ignores the toolchain line", "local", "1.25", "go1.27.0", "", ""},
		{"a fixed one", "go1.27.0", "1.25", "", "go1.27.0", ""},
		{"a fixed one that is here", "go1.26.1", "1.25", "", "", ""},
		{"a fixed one that is too old", "go1.25.0", "1.26", "", "", "toolchain-refused"},
		{"a least one", "go1.27.0+auto", "1.25", "", "go1.27.0", "toolchain-download"},
		{"only of PATH", "path", "1.27.1", "", "go1.27.1", "toolchain-download"},
		{"no setting", "", "1.99", "", "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			env := Env{"GOTOOLCHAIN": {tt.setting, "environment"}, "GOVERSION": {"go1.26.1", ""}}
			got, f := Toolchain(env, Asked{File: "go.mod", Go: tt.goLine, Toolchain: tt.toolchain})
			check := ""
			if f != nil {
				check = f.Check
			}
			if got != tt.want || check != tt.check {
				t.Errorf("got %q with finding %q, want %q with %q", got, check, tt.want, tt.check)
			}
		})
	}
}
