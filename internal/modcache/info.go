package modcache

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"runtime"
	"strings"
	"time"

	"golang.org/x/mod/module"
	"golang.org/x/mod/semver"
	modzip "golang.org/x/mod/zip"

	"github.com/modferry/modferry/internal/diskfile"
	"github.com/modferry/modferry/internal/failure"
)

// revInfo is the content of a .info file, with the fields in the go command's
// order: a file that is spelled otherwise is rewritten by it at every read
// (cmd/go modfetch/repo.go: RevInfo; cache.go: readDiskStat).
type revInfo struct {
	Version string
	Time    time.Time
	Origin  *origin `json:",omitempty"`
}

// origin says where version control has the version (cmd/go
// modfetch/codehost: Origin).
type origin struct {
	VCS       string `json:",omitempty"`
	URL       string `json:",omitempty"`
	Subdir    string `json:",omitempty"`
	Hash      string `json:",omitempty"`
	TagPrefix string `json:",omitempty"`
	TagSum    string `json:",omitempty"`
	Ref       string `json:",omitempty"`
	RepoSum   string `json:",omitempty"`
}

// HasInfo reports whether the .info of m is there: JSON with the version of m
// or, as the go command accepts it, with none.
func (c *Cache) HasInfo(m module.Version) bool {
	s, err := c.slot(m)
	if err != nil {
		return false
	}
	data, err := readFile(s.info)
	if err != nil || data == nil {
		return false
	}
	var info revInfo
	return json.Unmarshal(data, &info) == nil && (info.Version == m.Version || info.Version == "")
}

// PutInfo checks that data is the .info of m and places it in the go
// command's spelling. Nothing vouches for an .info: only its version is
// checked, and the go command uses no more. Errors are *failure.Error:
// WrongContent, TooLarge and the local ones.
func (c *Cache) PutInfo(ctx context.Context, m module.Version, data []byte) error {
	s, err := c.slot(m)
	if err != nil {
		return err
	}
	text, err := canonicalInfo(m, data)
	if err != nil {
		return err
	}
	err = ctx.Err()
	if err == nil {
		err = c.write(s.info, text)
	}
	return local("put info of "+m.String(), err)
}

func canonicalInfo(m module.Version, data []byte) ([]byte, error) {
	if len(data) > modzip.MaxGoMod {
		return nil, reject(failure.TooLarge, "info", m, "found %d bytes, expected at most %d", len(data), modzip.MaxGoMod)
	}
	var info revInfo
	switch err := json.Unmarshal(data, &info); {
	case err != nil && failure.IsPage(data):
		return nil, reject(failure.WrongContent, "info", m, "found an HTML page, as login pages and captive portals send")
	case err != nil:
		return nil, reject(failure.WrongContent, "info", m, "expected JSON with a Version: %v", err)
	case info.Version != m.Version:
		return nil, reject(failure.WrongContent, "info", m, "found version %q, expected %q", info.Version, m.Version)
	}
	if o := info.Origin; o != nil {
		// What only mattered for finding the version (cmd/go
		// modfetch/cache.go: writeDiskStat).
		o.TagSum, o.TagPrefix, o.RepoSum = "", "", ""
		if module.IsPseudoVersion(info.Version) {
			o.Ref = ""
		}
	}
	text, err := json.Marshal(&info)
	if err != nil {
		return nil, reject(failure.WrongContent, "info", m, "found a time that cannot be written: %v", err)
	}
	return text, nil
}

// updateList brings the list of versions beside the .mod files up to date, as
// the go command does after each one (cmd/go modfetch/cache.go:
// rewriteVersionList). Only a module cache that is served as a GOPROXY needs
// it, so it is best effort here as there.
func (c *Cache) updateList(ctx context.Context, s slot) {
	l, err := takeLock(ctx, s.list)
	if err != nil {
		return
	}
	defer l.Unlock()
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return
	}
	var versions []string
	for _, e := range entries {
		// Names stay escaped: the go command lists them so, too.
		if v, ok := strings.CutSuffix(e.Name(), ".mod"); ok && v != "" && module.CanonicalVersion(v) == v {
			versions = append(versions, v)
		}
	}
	semver.Sort(versions)
	var text bytes.Buffer
	for _, v := range versions {
		text.WriteString(v + "\n")
	}
	if old, err := diskfile.Read(s.list, int64(text.Len())); err == nil && bytes.Equal(old, text.Bytes()) {
		return
	}
	if runtime.GOOS == "windows" {
		l.Unlock() // the lock would keep out our own second handle, too
	}
	// In place: a go command that waits for the lock has this file open.
	os.WriteFile(s.list, text.Bytes(), 0o666)
}
