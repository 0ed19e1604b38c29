// Command goproxyd is goproxy/goproxy as a program, for the case relay of the
// benchmark: goproxyd ADDRESS UPSTREAM DIR.
//
// Its checksum database is off, as nginx has none either.
package main

import (
	"log/slog"
	"net/http"
	"os"

	"github.com/goproxy/goproxy"
)

func main() {
	address, upstream, dir := os.Args[1], os.Args[2], os.Args[3]
	err := http.ListenAndServe(address, &goproxy.Goproxy{
		Fetcher: &goproxy.GoFetcher{
			Env:     []string{"GOPROXY=" + upstream, "GOSUMDB=off", "GOENV=off", "PATH=", "HOME=" + dir, "GOMODCACHE=" + dir + "/mod"},
			TempDir: dir,
		},
		Cacher:  goproxy.DirCacher(dir + "/kept"),
		TempDir: dir,
	})
	slog.Error("goproxyd", "error", err)
	os.Exit(1)
}
