// Package runner holds the end-to-end tests of the GitHub Action: its stages,
// run as a GitHub runner runs them, and the steps after them, run as the runner's
// user; and of the image as one for jobs of GitLab, run as GitLab's runner does.
//
// Its main invariant: nothing here knows how the action works. The stages see
// what action.yml says and what a runner gives (mounts, translated variables,
// command files, nothing else), and what they leave behind is read by the
// runner's rules, where a malformed file fails.
//
// The stages run in one of two engines: in the image that Dockerfile makes, by
// podman, and in a sandbox, which is a directory with the binary and the mounts
// of that image, entered by the kernel's own means in a few milliseconds. Most
// tests use the sandbox; the image runs a whole job on a real project.
//
// The tests need root (later steps are another user's), Linux and a Go toolchain
// that every user may read. The image needs buildah, podman, runc and a static
// busybox, act's test act; CI=true turns the absence of these from a skip into a
// failure.
package runner
