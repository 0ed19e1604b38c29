//go:build !linux

package e2e

import "testing"

// withoutNetwork needs network namespaces.
func withoutNetwork(t *testing.T, _ *place) { t.Log("network namespaces are a matter of Linux") }
