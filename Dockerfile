# Pellucid in a slim image: built with the official Swift toolchain, run with nothing but the shared libraries it needs.
FROM swift:6.3-bookworm AS build
WORKDIR /src
COPY scripts scripts
RUN apt-get update -q && scripts/install-packages build && rm -rf /var/lib/apt/lists/*
# The dependencies are fetched before the sources are copied: a change of the sources does not fetch them again.
COPY Package.swift ./
RUN swift package resolve
COPY . .
RUN scripts/build-release pellucid && install -D -s .build/release/pellucid /out/pellucid

FROM debian:bookworm-slim
RUN apt-get update -q \
    && apt-get install -y -q --no-install-recommends \
        ca-certificates libbrotli1 libc-ares2 libcurl4 libjemalloc2 libluajit-5.1-2 liblz4-1 libpcre2-8-0 libprotobuf-c1 libssl3 libyaml-0-2 zlib1g \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --home-dir /var/lib/pellucid --create-home --shell /usr/sbin/nologin pellucid
COPY --from=build /out/pellucid /usr/local/bin/pellucid
USER pellucid
ENV PELLUCID_STATE_DIR=/var/lib/pellucid
VOLUME /var/lib/pellucid
# Proxy, proxy with TLS, status (health and metrics). The Admin listener stays on the container's loopback.
EXPOSE 8000 8443 8007
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s CMD ["pellucid", "healthcheck", "--status-listen", "127.0.0.1:8007"]
# SIGTERM drains: streams finish, telemetry is flushed.
STOPSIGNAL SIGTERM
ENTRYPOINT ["pellucid"]
CMD ["run", "--config", "/etc/pellucid/kong.yaml", "--status-listen", "0.0.0.0:8007"]
