# The image: GitHub's container action, and the image of GitLab's jobs.
#
#   docker build -t modferry .
#
# Both bases are arguments, so that they can be pinned by digest, taken from a
# registry of your own, or made locally. What they need to have: the first one
# Go, sh, mkdir, cp, ln and the CA certificates in Debian's place; the second one,
# which is the image but for two files, sh, env, tail, tar, find, stat, mv and
# the like (runners on Kubernetes call them), /etc/passwd and a /tmp for all.
ARG GO_IMAGE=golang:1.26
ARG BUSYBOX_IMAGE=busybox:1.37-musl

# On the machine's own platform, whatever the image is for: Go cross-compiles.
FROM --platform=${BUILDPLATFORM} ${GO_IMAGE} AS build
WORKDIR /src
# A mirror of your own, for machines that reach no other; without it the go
# command's default.
ARG GOPROXY
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG TARGETOS
ARG TARGETARCH
ARG VERSION
RUN case "${TARGETARCH}" in ""|amd64|arm64) ;; *) \
      echo "found platform ${TARGETOS}/${TARGETARCH}, expected linux/amd64 or linux/arm64: elsewhere, go install the program" >&2; exit 1 ;; esac
# The same bytes wherever it is built with the same version of Go: a release
# compares them with the binary that it publishes.
RUN CGO_ENABLED=0 GOOS=${TARGETOS} GOARCH=${TARGETARCH} GOFLAGS=-mod=readonly \
    go build -trimpath -buildvcs=false -ldflags "-s -w -X main.release=${VERSION}" \
    -o /out/usr/local/bin/modferry ./cmd/modferry
# An action's entry points are single executables without arguments, so the
# program tells the stages apart by the name that it is run as.
RUN ln -s modferry /out/usr/local/bin/modferry-main && \
    ln -s modferry /out/usr/local/bin/modferry-post && \
    ln -s modferry /out/usr/local/bin/modferry-serve && \
    mkdir -p /out/etc/ssl/certs /out/usr/share/licenses/modferry && \
    cp /etc/ssl/certs/ca-certificates.crt /out/etc/ssl/certs/ && \
    cp LICENSE /out/usr/share/licenses/modferry/

# No ENTRYPOINT, which GitLab's and Kubernetes' runners would have to undo; root,
# because a job's command files and workspace belong to the runner's user; no
# HEALTHCHECK, because a job's step has no health.
FROM ${BUSYBOX_IMAGE}
ARG VERSION
ARG REVISION
LABEL org.opencontainers.image.title="modferry" \
      org.opencontainers.image.description="Go builds in CI that neither wait for nor fail on module downloads" \
      org.opencontainers.image.url="https://github.com/modferry/modferry" \
      org.opencontainers.image.source="https://github.com/modferry/modferry" \
      org.opencontainers.image.documentation="https://github.com/modferry/modferry/blob/main/docs/github.md" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=build /out/ /
ENV PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin
USER 0:0
# The relay's, when the image runs as a service.
EXPOSE 8642
