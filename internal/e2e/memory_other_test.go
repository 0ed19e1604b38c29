//go:build !linux

package e2e

// inMemory knows no directory in memory.
func inMemory() string { return "" }
