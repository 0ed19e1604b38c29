package goenv

import (
	"go/version"
	"strings"
)

// knownFlagsOf is the release that has the flags below. Later ones may have more.
const knownFlagsOf = "go1.26"

// knownFlags are the flags of all the go command's commands, of which GOFLAGS may
// have any (cmd/go base: hasFlag).
var knownFlags = strings.Fields(`
	C a artifacts asan asmflags bench benchmem benchtime blockprofile blockprofilerate buildmode buildvcs c cache
	changed compat compiled compiler count cover covermode coverpkg coverprofile cpu cpuprofile d deps diff
	dropexclude dropgodebug dropignore dropreplace droprequire dropretract droptool dropuse e exclude exec export f
	failfast find fix fixtool fmt fullpath fuzz fuzzcache fuzzminimizetime fuzztime gccgoflags gcflags go godebug i
	ignore insecure installsuffix json ldflags linkshared list m memprofile memprofilerate mod modcache modcacherw
	modfile module msan mutexprofile mutexprofilefraction n o outputdir overlay p parallel pgo pkgdir print r race
	replace require retract retracted reuse run short shuffle skip t tags test testcache timeout tool toolchain
	toolexec trace trimpath u use v vendor versions vet vettool w work x
	test.artifacts test.bench test.benchmem test.benchtime test.blockprofile test.blockprofilerate test.count
	test.coverprofile test.cpu test.cpuprofile test.failfast test.fullpath test.fuzz test.fuzzminimizetime
	test.fuzztime test.list test.memprofile test.memprofilerate test.mutexprofile test.mutexprofilefraction
	test.outputdir test.parallel test.run test.short test.shuffle test.skip test.timeout test.trace test.v`)

// newerThanKnownFlags reports whether the toolchain is of a release that may have
// other flags than the known ones.
func newerThanKnownFlags(goVersion string) bool {
	v := version.Lang(cutSuffix(goVersion))
	return v == "" && goVersion != "" || version.Compare(v, knownFlagsOf) > 0
}
