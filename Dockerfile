# The image of the job: one static program, no shell, nothing else to be kept up to date.
#
#   docker build --build-arg VERSION=$(git describe --always) --build-arg REVISION=$(git rev-parse HEAD) -t segments .
#
# A release names its base images by digest: --build-arg GO_IMAGE=…@sha256:… --build-arg BASE_IMAGE=…@sha256:…
# DuckDB is C++, so another architecture is built on a machine of that architecture, not by cross-compiling.
ARG GO_IMAGE=golang:1.26-bookworm
ARG BASE_IMAGE=gcr.io/distroless/static-debian12:nonroot

FROM ${GO_IMAGE} AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY cmd/ cmd/
COPY pipeline/ pipeline/
COPY sql/ sql/
COPY transforms/ transforms/
ARG VERSION=dev
# Static, C and C++ libraries included. The linker warns of dlopen, getpwuid and getaddrinfo, which a static program must not
# call: DuckDB does so for extensions and HTTP, which the job never loads, and to name who holds a lock, where it copes. Go
# resolves names and users by itself (netgo, osusergo) and brings the time zones along (timetzdata).
ENV CGO_ENABLED=1
RUN go build -trimpath -buildvcs=false -tags netgo,osusergo,timetzdata -ldflags "-s -w -X main.version=${VERSION} -linkmode external -extldflags -static" -o /out/segments ./cmd/segments

# CA certificates, /etc/passwd with nobody but root and nonroot (65532), /tmp: the whole image but for the program.
FROM ${BASE_IMAGE}
ARG VERSION=dev
ARG REVISION=unknown
LABEL org.opencontainers.image.title="segments" \
      org.opencontainers.image.description="A batch job that computes customer segments in a warehouse and proves them on conversions" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.base.name="gcr.io/distroless/static-debian12:nonroot"
COPY --from=build /out/segments /usr/local/bin/segments
# In numbers: Kubernetes' runAsNonRoot cannot tell from a name that it is not root.
USER 65532:65532
ENTRYPOINT ["/usr/local/bin/segments"]
