package worklist

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestLoadRefuses(t *testing.T) {
	t.Parallel()
	const mod = "-- m.go --\npackage m\nimport _ \"example.test/a\"\n-- go.mod --\nmodule m.test\ngo 1.22\nrequire example.test/a v1.0.0\n"
	below := strings.NewReplacer("go.mod --", "sub/go.mod --", "m.go --", "sub/m.go --").Replace(mod)
	for _, c := range []errorCase{
		{
			name: "a directory without any module",
			want: "DIR: found no go.mod or go.work in it, in a directory above or in one below, expected a Go checkout; .*",
		},
		{
			name:  "a directory without a module but with some below, which nobody asked for",
			files: "-- a/go.mod --\nmodule a.test\n-- b/c/go.mod --\nmodule c.test\n-- d/go.work --\ngo 1.22\n-- e/go.mod --\nmodule e.test\n",
			want: "DIR: found no go.mod or go.work in it or in a directory above, but in a, b/c, d and 1 more below, expected .*; " +
				"use --modules ./\\.\\.\\. .*, or -C with one",
		},
		{
			name:  "a go.mod with a byte order mark",
			files: "-- go.mod --\n\ufeffmodule m.test\n",
			want:  "go.mod:1: found a byte order mark, which the go command does not accept, expected .*; save the file as UTF-8 without a byte order mark",
		},
		{
			name:  "a go.work with a byte order mark",
			files: "-- go.work --\n\ufeffgo 1.22\n",
			want:  "go.work:1: found a byte order mark, .*",
		},
		{
			name:  "a go.sum with a byte order mark on a line of its own",
			files: mod + "-- go.sum --\n\ufeff\nexample.test/a v1.0.0 h1:a\n",
			want:  "go.sum:1: found a byte order mark, .*",
		},
		{
			name:  "a go.sum in UTF-16",
			files: mod + "-- go.sum --\n\xff\xfee\x00x\x00\n",
			want:  "go.sum:1: found text in UTF-16 with a byte order mark, expected UTF-8; .*",
		},
		{
			name:  "a module path that is none",
			files: "-- go.mod --\nmodule m_test!x\n",
			want:  `go.mod:1: found malformed import path "m_test!x": invalid char '!', expected a module path such as .*`,
		},
		{
			name: "a directory that does not exist",
			in:   "gone",
			want: "DIR/gone: found no such directory, expected the directory of a Go checkout; correct the directory, -C \\(MODFERRY_DIR, input working-directory\\)",
		},
		{
			name:  "a missing go.sum",
			files: mod,
			want:  "go.sum: found no such file, expected one with the hashes of the 1 modules that go.mod requires; run `go mod tidy` and commit go.sum",
		},
		{
			name:  "a missing go.sum, and a version that nobody published",
			files: strings.Replace(mod, "v1.0.0", "v0.0.0", 1),
			want:  "go.sum: found no such file, .*; example.test/a v0.0.0 was never published: it needs a replace line with the module's directory, .*",
		},
		{
			name:  "a missing go.sum of the only module below",
			opts:  Options{Modules: "./..."},
			files: below,
			want:  "sub/go.sum: found no such file, .*",
		},
		{
			name:  "a missing go.sum of one of several that were named",
			files: below + "-- other/go.mod --\nmodule o.test\n",
			opts:  Options{Modules: "sub,other"},
			want:  "sub/go.sum: found no such file, .*",
		},
		{
			name:  "a go.mod of which the only module below is a template",
			opts:  Options{Modules: "./..."},
			files: "-- sub/go.mod --\nmodule {{.Name}}\n{{.Go}}\n",
			want:  `sub/go.mod:1: found usage: module module/path, expected .*`,
		},
		{
			name:  "a go.sum that is a directory",
			files: mod + "-- go.sum/x --\n",
			want:  "go.sum: found something that is not a regular file, expected a file; .*",
		},
		{
			name:  "a go.sum line with too few fields",
			files: mod + "-- go.sum --\n\nexample.test/a v1.0.0\n",
			want:  `go.sum:2: found 2 fields in "example.test/a v1.0.0", expected three: module path, version and hash; .*`,
		},
		{
			name:  "a go.sum line with too many fields",
			files: mod + "-- go.sum --\nexample.test/a v1.0.0 h1:a // why\n",
			want:  `go.sum:1: found 5 fields in .*`,
		},
		{
			name:  "a merge conflict in go.sum",
			files: mod + "-- go.sum --\nexample.test/a v1.0.0 h1:a\n<<<<<<< HEAD\n=======\n>>>>>>> main\n",
			want:  `go.sum:2: found the merge conflict marker "<<<<<<< HEAD", expected a file without conflicts; .*`,
		},
		{
			name:  "a merge conflict whose marker has three fields",
			files: mod + "-- go.sum --\n>>>>>>> my branch\n",
			want:  `go.sum:1: found the merge conflict marker ">>>>>>> my branch", .*`,
		},
		{
			name:  "a merge conflict in go.mod",
			files: "-- go.mod --\nmodule m.test\n<<<<<<< HEAD\ngo 1.22\n=======\ngo 1.23\n>>>>>>> main\n",
			want:  `go.mod:2: found the merge conflict marker "<<<<<<< HEAD", .*`,
		},
		{
			name: "two hashes for one zip in the go.sum of a workspace's member",
			files: "-- go.work --\ngo 1.21\n\nuse ./x\n-- x/go.mod --\nmodule x.test\n\ngo 1.21\n" +
				"-- x/go.sum --\nexample.test/a v1.0.0 h1:a\nexample.test/a v1.0.0 h1:b\n",
			want: `x/go.sum:2: found "h1:J7jlKczIe4eVWXGifooFPjyTMCkLp9lCvWB\+tJODXZw=" for the zip of example.test/a v1.0.0, expected "h1:UuTZ8D\+zAARJx/awySxRQPN/Eiy0rtOPI5llKwVKibE=" as x/go.sum:1 says; .*`,
		},
		{
			name: "two hashes for one go.mod in the go.sum files of two modules",
			opts: Options{Modules: "./..."},
			files: "-- a/go.mod --\nmodule a.test\n-- a/go.sum --\n\nexample.test/a v1.0.0/go.mod h1:a\n" +
				"-- b/go.mod --\nmodule b.test\n-- b/go.sum --\nexample.test/a v1.0.0/go.mod h1:b\n",
			want: `b/go.sum:1: found .* for the go.mod of example.test/a v1.0.0, expected .* as a/go.sum:2 says; .*`,
		},
		{
			name: "two hashes even for a zip that nobody needs",
			files: "-- go.work --\ngo 1.23\nuse ./a\nuse ./b\n-- a/go.mod --\nmodule a.test\ngo 1.22\n-- a/go.sum --\nexample.test/a v1.0.0 h1:a\n" +
				"-- b/go.mod --\nmodule b.test\ngo 1.22\n-- b/go.sum --\nexample.test/a v1.0.0 h1:b\n",
			want: `b/go.sum:1: found .* for the zip of example.test/a v1.0.0, expected .* as a/go.sum:1 says; .*`,
		},
		{
			name:  "a hash that nothing can have",
			files: mod + "-- go.sum --\nexample.test/a v1.0.0 h1:AAAA=\n",
			want:  `go.sum:1: found "h1:AAAA=" for the zip of example.test/a v1.0.0, expected "h1:" and 44 characters of base64; .*`,
		},
		{
			name:  "a syntax error in go.mod",
			files: "-- go.mod --\nmodule m.test\nrequire (\n",
			want:  `go.mod:\d: found .*, expected the syntax of go.mod; .*`,
		},
		{
			name:  "an unknown directive in go.mod",
			files: "-- go.mod --\nmodule m.test\n\nimport example.test/a v1.0.0\n",
			want:  `go.mod:3: found unknown directive: import, .*`,
		},
		{
			name:  "a branch name where a version belongs",
			files: "-- go.mod --\nmodule m.test\nrequire example.test/a main\n",
			want:  "go.mod:2: found example.test/a \"main\": not a full version such as v1.2.3, .*`go mod tidy`.*",
		},
		{
			name:  "a shortened version",
			files: "-- go.mod --\nmodule m.test\nrequire example.test/a v1.2\n",
			want:  `go.mod:2: found example.test/a "v1.2": not a full version such as v1.2.3, .*`,
		},
		{
			name:  "a version of another major version than the path's",
			files: "-- go.mod --\nmodule m.test\nreplace example.test/a => example.test/b v2.0.0\n",
			want:  `go.mod:2: found replace example.test/b: version "v2.0.0" invalid: should be v0 or v1, not v2, .*`,
		},
		{
			name:  "a replacement by a URL",
			files: "-- go.mod --\nmodule m.test\nreplace example.test/a => https://git.example.test/a\n",
			want:  `go.mod:2: found replacement module without version must be directory path .*`,
		},
		{
			name:  "a go.mod without a module line",
			files: "-- go.mod --\ngo 1.22\n",
			want:  "go.mod: found no module line, .*",
		},
		{
			name:  "control characters in go.mod, which are shown escaped",
			files: "-- go.mod --\nmodule m.test\n\x1b[2J\n",
			want:  `go.mod:2: found unexpected input character '\\x1b', .*`,
		},
		{
			name:  "two replacements of one module",
			files: "-- go.mod --\nmodule m.test\nreplace example.test/a v1.0.0 => ./a\nreplace example.test/a v1.0.0 => ./b\n",
			want:  "go.mod:3: found a second replacement of example.test/a v1.0.0, expected the one of go.mod:2; .*",
		},
		{
			name: "two modules of a workspace that replace one module differently",
			files: "-- go.work --\ngo 1.23\nuse ./a\nuse ./b\n-- a/go.mod --\nmodule a.test\nreplace x.test => ../x\n" +
				"-- b/go.mod --\nmodule b.test\nreplace x.test => ./x\n",
			want: "b/go.mod:2: found a second replacement of x.test, expected the one of a/go.mod:2; .*go work edit -replace.*",
		},
		{
			name:  "a workspace whose modules are not all there",
			files: "-- go.work --\ngo 1.23\n\nuse (\n\t./a\n\t./gone\n\t./lost\n)\n-- a/go.mod --\nmodule a.test\n",
			want:  "go.work:5: found `use ./gone`, a directory without a go.mod \\(and 1 more like it\\), expected .*; .*GOWORK=off",
		},
		{
			name:  "a workspace that uses a directory twice",
			files: "-- go.work --\ngo 1.23\nuse ./a\nuse a\n-- a/go.mod --\nmodule a.test\n",
			want:  `go.work:3: found the directory "a", which line 2 uses already, .*`,
		},
		{
			name:  "a workspace that uses two modules of one name",
			files: "-- go.work --\ngo 1.23\nuse ./a\nuse ./b\n-- a/go.mod --\nmodule a.test\n-- b/go.mod --\nmodule a.test\n",
			want:  `go.work:3: found the module a.test, which line 2 uses already, .*`,
		},
		{
			name:  "a syntax error in go.work",
			files: "-- go.work --\ngo 1.23\nrequire example.test/a v1.0.0\n",
			want:  `go.work:2: found unknown directive: require, expected the syntax of go.work; correct the line`,
		},
		{
			name: "a GOWORK that is no absolute path",
			opts: Options{GOWORK: "go.work"},
			want: `GOWORK: found "go.work", expected off, or the absolute path of a go.work file; .*`,
		},
		{
			name: "GOFLAGS with a loose value",
			opts: Options{GOFLAGS: "-mod mod"},
			want: `GOFLAGS: found "mod", expected flags only, .*|GOFLAGS: found "-mod" without a value, .*`,
		},
		{
			name: "GOFLAGS with an open quotation",
			opts: Options{GOFLAGS: `-trimpath '-mod=mod`},
			want: `GOFLAGS: found an unterminated string, expected a closing quotation mark; .*`,
		},
		{
			name: "GOFLAGS with an unknown -mod",
			opts: Options{GOFLAGS: `-mod=write`},
			want: `GOFLAGS: found "-mod=write", expected -mod=readonly, -mod=vendor or -mod=mod; .*`,
		},
		{
			name: "GOFLAGS with a -modfile that is no .mod",
			opts: Options{GOFLAGS: `-modfile=go.other`},
			want: `GOFLAGS: found "-modfile=go.other", expected a file name that ends in .mod; .*`,
		},
		{
			name:  "GOFLAGS with a -modfile that does not exist",
			opts:  Options{GOFLAGS: `-modfile=other.mod`},
			files: mod,
			want:  `other.mod: found no such file, expected the go.mod that -modfile in GOFLAGS names; .*`,
		},
		{
			name:  "a module directory that is not there",
			opts:  Options{Modules: "tools"},
			files: mod,
			want:  `modules: found no go.mod or go.work in "tools", .*`,
		},
		{
			name:  "a pattern that matches no module",
			opts:  Options{Modules: "cmd/*"},
			files: mod,
			want:  `modules: found no go.mod or go.work in a directory that matches "cmd/\*", .*`,
		},
		{
			name:  "a malformed pattern",
			opts:  Options{Modules: "a[b"},
			files: mod,
			want:  `modules: found "a\[b", expected a valid pattern; .*`,
		},
		{
			name:  "modules outside the checkout",
			opts:  Options{Modules: "../other"},
			files: mod,
			want:  `modules: found "../other", expected directories below DIR; .*`,
		},
		{
			name:  "a modules setting without any name",
			opts:  Options{Modules: " , "},
			files: mod,
			want:  `modules: found " , ", expected a comma list of directories; .*`,
		},
	} {
		t.Run(c.name, c.run)
	}
}

func TestLoadRefusesAFileBeyondTheLimit(t *testing.T) {
	t.Parallel()
	dir := checkout(t, "-- go.mod --\nmodule m.test\n-- go.sum --\n")
	if err := os.Truncate(filepath.Join(dir, "go.sum"), sizeLimit+1); err != nil {
		t.Fatal(err)
	}
	_, err := Load(dir, Options{})
	want := "go.sum: found 16777217 bytes, expected at most 16777216; restore the file from version control"
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestLoadRefusesAGOWORKThatDoesNotExist(t *testing.T) {
	t.Parallel()
	dir := checkout(t, "-- go.mod --\nmodule m.test\n")
	_, err := Load(dir, Options{GOWORK: filepath.Join(dir, "ci", "go.work")})
	if err == nil {
		t.Fatal("no error")
	}
	checkInputError(t, err)
	if text := err.Error(); !strings.HasPrefix(text, "GOWORK: found ") || !strings.Contains(text, "which does not exist") {
		t.Errorf("got %s", text)
	}
}

func TestInputErrorOfASettingHasNoLine(t *testing.T) {
	t.Parallel()
	e := &InputError{File: "GOWORK", Found: "nothing"}
	if got, want := e.Error(), "GOWORK: found nothing"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestQuotedTextIsOneBoundedLine(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, got, want string }{
		{"line breaks and escapes", quote("a\n\x1b[31m"), `"a\n\x1b[31m"`},
		{"a long text", quote(strings.Repeat("ä", 200)), `"` + strings.Repeat("ä", 100) + `…"`},
		{"credentials", quote("=> https://u:secret@git.example.test/a"), `"=> https://u:xxxxx@git.example.test/a"`},
		{"a module and its version", plain("verifying x.test/a@v1.0.0 => y.test/b@v2"), "verifying x.test/a@v1.0.0 => y.test/b@v2"},
		{"a text with quotation marks in a sentence", plain("a \"b\"\r"), `a "b"\r`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if c.got != c.want {
				t.Errorf("got %s, want %s", c.got, c.want)
			}
		})
	}
}
