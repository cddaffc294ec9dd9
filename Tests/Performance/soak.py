#!/usr/bin/env python3
"""A million mixed requests through a Pellucid with everything switched on; its memory must stay flat and its books must balance.

Flat means: the median resident memory of the last tenth of the run is at most 8 MiB or 10 % (whichever is more) above that of the second tenth. The first
tenth warms up pools and arenas.
"""

import argparse
import json
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time

import measurements
from contenders import KEY, PATH, STREAM_BODY, Everything, Upstreams
from processes import built, get

CONNECTIONS = 64
ROUND_SECONDS = 10


class Sampler(threading.Thread):
    """Notes the resident memory every half second."""

    def __init__(self, contender: Everything):
        super().__init__(daemon=True)
        self.contender = contender
        self.samples: list[tuple[float, int]] = []
        self.stopped = threading.Event()

    def run(self) -> None:
        while not self.stopped.wait(0.5):
            self.samples.append((time.monotonic(), self.contender.memory()))

    def median_between(self, first: float, last: float) -> float:
        """The median of the samples between two shares of the run, in bytes."""
        begin, length = self.samples[0][0], self.samples[-1][0] - self.samples[0][0]
        chosen = [value for moment, value in self.samples if first <= (moment - begin) / max(length, 1e-9) <= last]
        return statistics.median(chosen)


def cancelled_streams(contender: Everything, stop: threading.Event) -> int:
    """Opens paced streams and leaves in the middle, over and over, beside the main load."""
    command = [
        built("pellucid-load", "PELLUCID_LOAD"), "idle", "--url", f"http://127.0.0.1:{contender.port}/paced{PATH}", "--connections", "20",
        "--body", STREAM_BODY, "--header", f"apikey: {KEY}",
    ]  # fmt: skip
    count = 0
    while not stop.is_set():
        holder = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        count += json.loads(holder.stdout.readline())["flowing"]
        holder.communicate("", timeout=60)
        stop.wait(0.5)
    return count


def finished(contender: Everything) -> int:
    """What the gateway's own counter says."""
    lines = get(contender.status_port, "/metrics")[1].decode().splitlines()
    return int(sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith("pellucid_requests_finished_total")))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=1_000_000)
    options = parser.parse_args()
    directory = pathlib.Path(tempfile.mkdtemp(prefix="pellucid-soak-"))
    upstreams = Upstreams(directory, events=100, rate=50).start()
    contender = Everything(directory, upstreams)
    stop, cancelled = threading.Event(), []
    try:
        contender.start()
        sampler = Sampler(contender)
        sampler.start()
        leaver = threading.Thread(target=lambda: cancelled.append(cancelled_streams(contender, stop)))
        leaver.start()
        sent = errors = 0
        while sent < options.requests:
            result = measurements.wrk(contender, CONNECTIONS, ROUND_SECONDS, "mixed.lua")
            sent += result["requests"]
            errors += result["errors"]
            contender.forget_logs()
            print(
                f"{min(sent, options.requests) / options.requests:>4.0%}  {sent:>11,} requests  {contender.memory() / 2**20:7.1f} MiB  {errors} errors",
                flush=True,
            )
        stop.set()
        leaver.join()
        sampler.stopped.set()
        sampler.join()
        return verdict(contender, sampler, sent, errors, sum(cancelled))
    finally:
        stop.set()
        contender.stop()
        upstreams.stop()
        shutil.rmtree(directory, ignore_errors=True)


def verdict(contender: Everything, sampler: Sampler, sent: int, errors: int, cancelled: int) -> int:
    early, late = sampler.median_between(0.1, 0.2), sampler.median_between(0.9, 1)
    allowed = early + max(8 * 2**20, early * 0.1)
    deadline = time.monotonic() + 30
    while (losses := measurements.telemetry_losses(contender))["unaccounted"] and time.monotonic() < deadline:
        time.sleep(0.2)
    counted = finished(contender)
    checks = {
        f"memory flat: {early / 2**20:.1f} MiB early, {late / 2**20:.1f} MiB late, at most {allowed / 2**20:.1f} MiB": late <= allowed,
        f"no request failed on the way: {errors} errors of {sent:,}": errors == 0,
        f"every request is finished: {counted:,} finished of {sent:,} + {cancelled:,} cancelled": counted >= sent + cancelled,
        f"the books balance: {losses['unaccounted']:g} unaccounted": losses["unaccounted"] == 0,
    }
    for text, is_good in checks.items():
        print(f"{'met   ' if is_good else 'MISSED'}  {text}")
    return 0 if all(checks.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
