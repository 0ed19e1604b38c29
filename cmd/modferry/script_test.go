package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/modferry/modferry/internal/mirror/mirrortest"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"modferry": main})
}

// TestScript runs the scripts of testdata/scripts. Each finds
//
//	$WORK/checkout   a checkout that needs three modules example.test/m00N,
//	                 and the working directory of the script
//	$WORK/modcache   GOMODCACHE, empty
//	$WORKURL         $WORK as a file:// URL
//	$MIRROR          a healthy mirror on loopback, which serves the checksum database
//	$SUMDB           that database, as GOSUMDB names it
//	$FILEMIRROR      the same modules as a file:// mirror
//	$DEAD            a mirror that refuses connections
//	$LYING           a mirror whose zip of example.test/m001 has other contents
//	$BROKEN          a mirror that answers 500 to everything
func TestScript(t *testing.T) {
	t.Parallel()
	fixtures := mirrortest.Generate(t, 3, 2<<10)
	lied := fixtures.All()[1]
	lie := mirrortest.Corrupt(t, mirrortest.Module{Path: lied.Path, Version: lied.Version.Version}, mirrortest.OtherContent)
	start := func(o mirrortest.Options) string { return mirrortest.Start(t, o).URL }
	db := mirrortest.NewSumDB(t, fixtures)
	variables := map[string]string{
		"MIRROR":     start(mirrortest.Options{Fixtures: fixtures, SumDB: db}),
		"SUMDB":      db.Key,
		"LYING":      start(mirrortest.Options{Fixtures: fixtures.With(lie), SumDB: db}),
		"BROKEN":     start(mirrortest.Options{Faults: []mirrortest.Rule{mirrortest.Always("", mirrortest.Status(500))}}),
		"DEAD":       "http://" + mirrortest.Refused(t),
		"FILEMIRROR": fixtures.WriteProxy(t, filepath.Join(t.TempDir(), "goproxy")),
	}
	testscript.Run(t, testscript.Params{
		Dir:                 "../../testdata/scripts",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		UpdateScripts:       *update,
		Setup: func(env *testscript.Env) error {
			checkout := filepath.Join(env.WorkDir, "checkout")
			fixtures.WriteCheckout(t, checkout, mirrortest.Checkout{})
			env.Cd = checkout
			for name, value := range variables {
				env.Setenv(name, value)
			}
			env.Setenv("WORKURL", mirrortest.FileURL(env.WorkDir))
			env.Setenv("GOMODCACHE", filepath.Join(env.WorkDir, "modcache"))
			home := filepath.Join(env.WorkDir, "home")
			env.Setenv("HOME", home)
			// Nothing of this machine's settings, and no host but loopback: the
			// default database would be asked by every preflight.
			env.Setenv("GOENV", "off")
			env.Setenv("GOFLAGS", "")
			env.Setenv("GOWORK", "off")
			env.Setenv("GOSUMDB", "off")
			env.Setenv("GOPROXY", "off")
			// A healthy mirror is one on a busy machine, too.
			env.Setenv("MODFERRY_PROBE_TIMEOUT", "1m")
			// The go command's telemetry may write after its end, where a script cleans up.
			telemetry := filepath.Join(home, ".config", "go", "telemetry")
			return errors.Join(os.MkdirAll(telemetry, 0o755), os.WriteFile(filepath.Join(telemetry, "mode"), []byte("off"), 0o644))
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits":    exits,
			"jsonpath": jsonPath,
			"zips":     zips,
		},
	})
}

// exits runs modferry and demands an exit code: "exits 2 fetch --extract al".
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE ARG…")
	}
	code := 0
	if err := ts.Exec("modferry", args[1:]...); err != nil {
		var exit *exec.ExitError
		if !errors.As(err, &exit) {
			ts.Fatalf("modferry: %v", err)
		}
		code = exit.ExitCode()
	}
	if got := fmt.Sprint(code); got != args[0] {
		ts.Fatalf("exit code %s, want %s", got, args[0])
	}
}

// jsonPath compares a value of a JSON file: "jsonpath result.json outcome ok",
// with the path's elements separated by dots and - for standard output. With !
// the value must be absent.
func jsonPath(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 2 || !neg && len(args) != 3 {
		ts.Fatalf("usage: jsonpath FILE PATH VALUE, or ! jsonpath FILE PATH")
	}
	file := args[0]
	if file == "-" {
		file = "stdout"
	}
	var at any
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(file)), &at))
	for key := range strings.SplitSeq(args[1], ".") {
		switch node := at.(type) {
		case map[string]any:
			at = node[key]
		case []any:
			var i int
			if _, err := fmt.Sscan(key, &i); err != nil || i >= len(node) {
				at = nil
			} else {
				at = node[i]
			}
		default:
			at = nil
		}
	}
	switch {
	case neg && at != nil:
		ts.Fatalf("%s is %v", args[1], at)
	case !neg && fmt.Sprint(at) != args[2]:
		ts.Fatalf("%s is %v, want %s", args[1], at, args[2])
	}
}

// zips counts the zips in the module cache: "zips 3".
func zips(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: zips N")
	}
	n := 0
	err := filepath.WalkDir(ts.Getenv("GOMODCACHE"), func(name string, d os.DirEntry, err error) error {
		if err == nil && filepath.Ext(name) == ".zip" {
			n++
		}
		return nil
	})
	ts.Check(err)
	if fmt.Sprint(n) != args[0] {
		ts.Fatalf("%d zips in the module cache, want %s", n, args[0])
	}
}
