#!/usr/bin/env python3
"""Traffic for scripts/profile: a few seconds of everything the benchmark measures. Prints how much of it there was; the figures say nothing, because counting slows
the gateway down."""

import pathlib
import shutil
import tempfile

import measurements
from bench import ANTHROPIC_EVENTS, EVENTS, PACED_RATE, STREAM_EVENTS, TRANSLATED_EVENTS
from contenders import ANTHROPIC, BALANCED, AIProxy, Compressor, Everything, EverythingTLS, Generic, GenericTLS, Sanitizer, Stages, Upstreams

SECONDS = 3
CONNECTIONS = 32

WORKLOADS = {
    "requests": lambda one: measurements.json_requests(one, CONNECTIONS, SECONDS),
    "translated requests": lambda one: measurements.json_requests(one, CONNECTIONS, SECONDS, ANTHROPIC),
    "bursts": lambda one: measurements.streams(one, "", CONNECTIONS, 5_000, STREAM_EVENTS),
    "paced streams": lambda one: measurements.streams(one, "/paced", 200, 400, STREAM_EVENTS),
    "translated bursts": lambda one: measurements.streams(one, ANTHROPIC, CONNECTIONS, 5_000, TRANSLATED_EVENTS, ANTHROPIC_EVENTS),
    "HTTP/2 requests": lambda one: measurements.http2_requests(one, CONNECTIONS, 8, 20_000),
}
PLAN = [
    (Generic, ["requests", "bursts"]),
    (AIProxy, ["requests", "translated requests", "translated bursts"]),
    (Everything, ["requests", "translated requests", "bursts", "paced streams", "translated bursts"]),
    *((kind, ["requests"]) for kind in (Stages, Sanitizer, Compressor, *BALANCED)),
    (GenericTLS, ["HTTP/2 requests"]),
    (EverythingTLS, ["HTTP/2 requests"]),
]


def main() -> None:
    directory = pathlib.Path(tempfile.mkdtemp(prefix="pellucid-train-"))
    upstreams = Upstreams(directory, EVENTS, PACED_RATE).start()
    try:
        for kind, workloads in PLAN:
            contender = kind(directory, upstreams)
            contender.start()
            try:
                for name in workloads:
                    sample = WORKLOADS[name](contender)
                    print(f"{contender.title}, {name}: {sample.units_per_second:,.0f} a second, {sample.errors} errors", flush=True)
            finally:
                # The counts are written when the process ends by itself.
                contender.stop()
    finally:
        upstreams.stop()
        shutil.rmtree(directory)


if __name__ == "__main__":
    main()
