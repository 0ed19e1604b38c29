package fetch

import (
	"context"
	"fmt"
	"path"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/mod/module"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/finding"
	"github.com/modferry/modferry/internal/goenv"
	"github.com/modferry/modferry/internal/mirror"
)

// toolchains are those that the go command would download for the checkout, and
// what there is to say about the ones that it asks for.
func (j *Job) toolchains() (names []string, findings []finding.Finding) {
	for _, m := range j.list.Mains {
		file := "go.mod"
		if m.Work {
			file = "go.work"
		}
		name, f := goenv.Toolchain(j.env, goenv.Asked{File: path.Join(m.Dir, file), Go: m.Go, Toolchain: m.Toolchain})
		if f != nil && !slices.ContainsFunc(findings, func(g finding.Finding) bool { return g.Effect == f.Effect }) {
			findings = append(findings, *f)
		}
		fromPath := strings.HasSuffix(j.env.Get("GOTOOLCHAIN"), "path")
		if name != "" && !fromPath && !slices.Contains(names, name) && len(j.programs(name)) == 0 {
			names = append(names, name)
		}
	}
	return names, findings
}

// unservedToolchains asks the mirrors for toolchains, as far as the header: the
// go command gets them nowhere else (cmd/go toolchain: Exec).
func (j *Job) unservedToolchains(ctx context.Context, names []string) []finding.Finding {
	if goenv.MatchPatterns(j.env.Get("GONOPROXY"), "golang.org/toolchain") {
		return nil // another finding says so
	}
	var out []finding.Finding
	for _, name := range names {
		v := module.Version{Path: "golang.org/toolchain", Version: fmt.Sprintf("v0.0.1-%s.%s-%s", name, runtime.GOOS, runtime.GOARCH)}
		var why []string
		if !j.servesZip(ctx, v, &why) {
			out = append(out, finding.Finding{Check: "toolchain-unavailable", Severity: finding.Warning, Setting: "GOPROXY", Found: name,
				Effect: fmt.Sprintf(`No mirror serves this toolchain (%s), so the go command ends with "toolchain not available"; direct does not have it either.`,
					strings.Join(why, "; ")),
				Fix: fmt.Sprintf("%s on this machine, or a mirror that serves golang.org/toolchain", name)})
		}
	}
	return out
}

// servesZip reports whether a mirror of the chain has a zip, and says why not.
func (j *Job) servesZip(ctx context.Context, v module.Version, why *[]string) bool {
	file, err := mirror.FilePath(v, "zip")
	if err != nil {
		*why = append(*why, err.Error())
		return false
	}
	ctx, cancel := mirror.WithLimit(ctx, j.values.ProbeTimeout, "--probe-timeout")
	defer cancel()
	for _, h := range j.chain.hops {
		resp, err := h.Get(ctx, mirror.Request{Path: file, Max: mirror.MaxZip})
		if err == nil {
			// The body is not wanted, so its end is no news.
			_ = resp.Close()
			return true
		}
		class := failure.Classify(err)
		*why = append(*why, h.Name()+": "+class.Title())
		if !h.passes(class) {
			break // as the go command, and as a gatekeeper demands
		}
	}
	if len(j.chain.hops) == 0 {
		*why = append(*why, "the chain has no mirror")
	}
	return false
}
