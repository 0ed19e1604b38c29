package worklist

import "testing"

func TestLoadVendored(t *testing.T) {
	t.Parallel()
	const module = `
-- go.mod --
module m.test
go 1.22
require example.test/a v1.0.0
-- go.sum --
example.test/a v1.0.0 h1:a
example.test/a v1.0.0/go.mod h1:am
`
	const list = `
-- vendor/modules.txt --
# example.test/a v1.0.0
## explicit
`
	const workspace = `
-- go.work --
go 1.23
use ./a
-- go.work.sum --
-- a/go.mod --
module w.test/a
go 1.22
require example.test/a v1.0.0
-- a/go.sum --
example.test/a v1.0.0 h1:a
example.test/a v1.0.0/go.mod h1:am
`
	const needed = `example.test/a v1.0.0 zip=go.sum:1 mod=go.sum:2 require=go.mod:3`
	const neededInWorkspace = `example.test/a v1.0.0 zip=a/go.sum:1 mod=a/go.sum:2 require=a/go.mod:3`
	for _, c := range []loadCase{
		{
			name:     "a vendored module needs nothing, not even a go.sum",
			files:    "-- go.mod --\nmodule m.test\ngo 1.14\nrequire example.test/a v1.0.0\n" + list,
			vendored: []string{"."},
			mains:    `. m.test go=1.14 toolchain=`,
		},
		{
			name:    "-mod=mod builds past vendor",
			opts:    Options{GOFLAGS: "-mod=mod"},
			files:   module + list,
			modules: needed,
		},
		{
			name:    "-mod=readonly builds past vendor, and the last flag wins",
			opts:    Options{GOFLAGS: "--mod=vendor -mod=readonly"},
			files:   module + list,
			modules: needed,
		},
		{
			name:     "before go 1.14 vendor is not used by itself",
			files:    "-- go.mod --\nmodule m.test\ngo 1.13\n" + list,
			findings: `vendor-unused vendor/modules.txt:0`,
		},
		{
			name:     "without a go line vendor is not used by itself",
			files:    "-- go.mod --\nmodule m.test\n" + list,
			findings: `vendor-unused vendor/modules.txt:0`,
		},
		{
			name:     "-mod=vendor uses vendor whatever the go line says",
			opts:     Options{GOFLAGS: "-mod=vendor"},
			files:    "-- go.mod --\nmodule m.test\n" + list,
			vendored: []string{"."},
		},
		{
			name:     "-mod=vendor without vendor needs what go mod vendor will want",
			opts:     Options{GOFLAGS: "-mod=vendor"},
			files:    module,
			modules:  needed,
			findings: `vendor-incomplete vendor:0`,
		},
		{
			name:     "a vendor directory without modules.txt is told",
			files:    module + "-- vendor/jquery.js --\n",
			modules:  needed,
			findings: `vendor-incomplete vendor:0`,
		},
		{
			name:  "a vendor directory is no matter when nothing is required",
			files: "-- go.mod --\nmodule m.test\ngo 1.22\n-- vendor/jquery.js --\n",
		},
		{
			name:     "a vendor directory that does not fit go.mod is told",
			files:    module + "-- vendor/modules.txt --\n# example.test/a v0.9.0\n## explicit\n# example.test/b => ./b\n## explicit\n",
			vendored: []string{"."},
			findings: `vendor-inconsistent go.mod:3`,
		},
		{
			name:     "a vendored workspace needs nothing",
			files:    workspace + "-- vendor/modules.txt --\n## workspace\n# example.test/a v1.0.0\n## explicit; go 1.21\n",
			vendored: []string{"."},
			mains:    `. workspace go=1.23 toolchain=`,
		},
		{
			name:     "a workspace does not use a module's vendor directory",
			files:    workspace + list,
			modules:  neededInWorkspace,
			findings: `vendor-unused vendor/modules.txt:0`,
		},
		{
			name:     "a module does not use a workspace's vendor directory",
			files:    module + "-- vendor/modules.txt --\n## workspace; later\n",
			modules:  needed,
			findings: `vendor-unused vendor/modules.txt:0`,
		},
	} {
		t.Run(c.name, c.run)
	}
}
