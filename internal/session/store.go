package session

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/modferry/modferry/internal/layer"
	"github.com/modferry/modferry/internal/store"
	"github.com/modferry/modferry/internal/store/dir"
	"github.com/modferry/modferry/internal/store/gha"
	"github.com/modferry/modferry/internal/store/s3"
)

// OpenStore opens the store of --cache. The error says why it cannot be used.
func (s *Session) OpenStore() (layer.Store, error) { return s.OpenStoreOf(s.Store) }

// OpenStoreOf opens a store that another setting names.
func (s *Session) OpenStoreOf(spec store.Spec) (layer.Store, error) {
	transport := s.Client.Transport()
	transport.Proxy = s.contacts.watch(s.Options.proxy(), cacheUse(spec))
	switch spec.Kind {
	case store.Dir:
		path, err := filepath.Abs(spec.Path)
		if err != nil {
			return nil, fmt.Errorf("find the directory %s: %w", spec.Path, err)
		}
		if err := s.Confined("the cache", path); err != nil {
			return nil, err
		}
		return dir.Open(path)
	case store.GHA:
		return gha.Open(gha.Options{
			Getenv: s.getenv, Protocol: spec.Protocol, Transport: transport,
			UserAgent: UserAgent(s.Options.Tool), Mask: s.Options.Mask, Secrets: s.Options.Secrets, Log: s.Options.Log,
			Budget: s.Options.Patience, FirstByte: s.Values.FirstByteTimeout,
		})
	case store.S3:
		return s3.Open(s3.Options{
			Spec: spec, Getenv: s.getenv, Transport: transport,
			UserAgent: UserAgent(s.Options.Tool), Mask: s.Options.Mask, Secrets: s.Options.Secrets, Stall: s.Values.StallTimeout,
		})
	}
	return nil, fmt.Errorf("%w: --cache is off", store.ErrUnavailable)
}

// cacheUse is what hosts of the cache are asked for, "" for a cache without any.
func (s *Session) cacheUse() string { return cacheUse(s.Store) }

func cacheUse(spec store.Spec) string {
	switch spec.Kind {
	case store.GHA, store.S3:
		return "the cache " + spec.String()
	}
	return ""
}

// UserAgent is the program's name as servers are told it.
func UserAgent(tool string) string { return strings.ReplaceAll(tool, " ", "/") }
