package doctor

import (
	"context"
	"fmt"
	"runtime"
	"strings"

	"golang.org/x/mod/module"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/finding"
	"github.com/modferry/modferry/internal/goenv"
	"github.com/modferry/modferry/internal/mirror"
)

// unservedToolchains asks the mirrors for toolchains, as far as the header: the
// go command gets them nowhere else (cmd/go toolchain: Exec).
func (e examination) unservedToolchains(ctx context.Context, names []string) []finding.Finding {
	if goenv.MatchPatterns(e.s.Env.Get("GONOPROXY"), "golang.org/toolchain") {
		return nil // another finding says so
	}
	var out []finding.Finding
	for _, name := range names {
		v := module.Version{Path: "golang.org/toolchain", Version: fmt.Sprintf("v0.0.1-%s.%s-%s", name, runtime.GOOS, runtime.GOARCH)}
		var why []string
		if !e.servesZip(ctx, v, &why) && ctx.Err() == nil {
			out = append(out, finding.Finding{Check: "toolchain-unavailable", Severity: finding.Warning, Setting: "GOPROXY", Found: name,
				Effect: fmt.Sprintf(`No mirror serves this toolchain (%s), so the go command fails with "toolchain not available"; direct does not have it either.`,
					strings.Join(why, "; ")),
				Fix: fmt.Sprintf("install %s on this machine, or add a mirror that serves golang.org/toolchain", name)})
		}
	}
	return out
}

// servesZip reports whether a mirror of the chain has a zip, and says why not.
func (e examination) servesZip(ctx context.Context, v module.Version, why *[]string) bool {
	file, err := mirror.FilePath(v, "zip")
	if err != nil {
		*why = append(*why, err.Error())
		return false
	}
	ctx, cancel := mirror.WithLimit(ctx, e.s.Values.ProbeTimeout, "--probe-timeout")
	defer cancel()
	hops := e.s.Access.Route(e.s.Chain, v.Path)
	for _, h := range hops {
		resp, err := h.Get(ctx, mirror.Request{Path: file, Max: mirror.MaxZip})
		if err == nil {
			// The body is not wanted, so its end is no news.
			_ = resp.Close()
			return true
		}
		class := failure.Classify(err)
		*why = append(*why, h.Name()+": "+class.Title())
		if !h.Passes(class) {
			break // as the go command, and as a gatekeeper demands
		}
	}
	if len(hops) == 0 {
		*why = append(*why, "no mirror may be asked")
	}
	return false
}
