"""What is measured: one workload against one contender gives one Sample."""

import dataclasses
import json
import os
import pathlib
import statistics
import subprocess
import threading
import time

from contenders import BODY, KEY, STREAM_BODY, Contender, Exporting, Pellucid
from processes import built, get, last_json, tool

# After a load, batches already recorded are still encoded and sent: that work belongs to the requests.
SETTLE_SECONDS = 1.0
# Counters of evidence that did not get out.
LOSSES = ("pellucid_telemetry_dropped_total", "pellucid_telemetry_refused_total", "pellucid_scopes_dropped_total")


@dataclasses.dataclass
class Sample:
    """Figures of one round. A unit is a request of the JSON workloads and an event of the stream workloads."""

    units: int
    seconds: float
    cpu_us_per_unit: float
    p50_ms: float
    p99_ms: float
    resident_bytes: float
    errors: int

    @property
    def units_per_second(self) -> float:
        return self.units / self.seconds if self.seconds else 0


def median(samples: list[Sample]) -> Sample:
    """The field-wise median of the rounds; errors are summed."""
    values = {f.name: statistics.median(getattr(s, f.name) for s in samples) for f in dataclasses.fields(Sample)}
    return Sample(**{**values, "errors": sum(s.errors for s in samples)})


@dataclasses.dataclass
class Comparison:
    """All rounds of all contenders on one workload, by the contender's title."""

    rounds: dict[str, list[Sample]]

    def medians(self) -> dict[str, Sample]:
        return {title: median(samples) for title, samples in self.rounds.items()}

    def ratios(self, contender: type[Contender], reference: type[Contender]) -> list[float]:
        """CPU per unit of one contender over another's, round by round: what disturbs the machine disturbs both of a round."""
        pairs = zip(self.rounds[contender.title], self.rounds[reference.title], strict=True)
        return [one.cpu_us_per_unit / other.cpu_us_per_unit for one, other in pairs]


def environment() -> dict:
    return {**os.environ, "BENCH_BODY": BODY, "BENCH_STREAM_BODY": STREAM_BODY, "BENCH_KEY": KEY}


def wrk(contender: Contender, connections: int, seconds: float, script: str = "post.lua", prefix: str = "") -> dict:
    path = pathlib.Path(__file__).parent / script
    command = [tool("wrk"), "-t1", f"-c{connections}", f"-d{seconds:g}s", "--timeout", "10s", "-s", str(path), contender.url(prefix)]
    return last_json(subprocess.run(command, capture_output=True, text=True, env=environment(), check=True).stdout)


def json_requests(contender: Contender, connections: int, seconds: float, prefix: str = "") -> Sample:
    """2 KB chat requests without streaming, as fast as they go."""
    before = contender.cpu()
    result = wrk(contender, connections, seconds, prefix=prefix)
    time.sleep(SETTLE_SECONDS)
    cpu = contender.cpu() - before
    return Sample(
        units=result["requests"],
        seconds=result["seconds"],
        cpu_us_per_unit=cpu * 1e6 / max(1, result["requests"]),
        p50_ms=result["p50_us"] / 1000,
        p99_ms=result["p99_us"] / 1000,
        resident_bytes=contender.memory(),
        errors=result["errors"],
    )


def http2_requests(contender: Contender, connections: int, streams: int, count: int) -> Sample:
    """2 KB chat requests over TLS and HTTP/2 (h2load), `streams` at once on each connection."""
    body, log = contender.directory / "body.json", contender.directory / "h2load.log"
    body.write_text(BODY)
    log.unlink(missing_ok=True)
    url = f"https://127.0.0.1:{contender.port}/v1/chat/completions"
    command = [
        tool("h2load"), "-n", str(count), "-c", str(connections), "-m", str(streams), "-d", str(body), "-H", "content-type: application/json", "-H", f"apikey: {KEY}",
        f"--log-file={log}", url,
    ]  # fmt: skip
    before = contender.cpu()
    begin = time.monotonic()
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    seconds = time.monotonic() - begin
    time.sleep(SETTLE_SECONDS)
    cpu = contender.cpu() - before
    rows = [line.split("\t") for line in log.read_text().splitlines()]
    durations = sorted(int(row[2]) / 1000 for row in rows)
    good = sum(row[1] == "200" for row in rows)
    assert durations, output
    return Sample(
        units=count,
        seconds=seconds,
        cpu_us_per_unit=cpu * 1e6 / count,
        p50_ms=durations[len(durations) // 2],
        p99_ms=durations[len(durations) * 99 // 100],
        resident_bytes=contender.memory(),
        errors=count - good,
    )


def streams(contender: Contender, prefix: str, connections: int, count: int, events: int, upstream_events: int | None = None) -> Sample:
    """Streams read to their end; latency is the time to the first event. CPU is per event that arrives, or, where streams are translated, per event of the upstream's."""
    command = [
        built("pellucid-load", "PELLUCID_LOAD"), "sse", "--url", contender.url(prefix), "--connections", str(connections), "--streams", str(count),
        "--events", str(events), "--body", STREAM_BODY, "--header", f"apikey: {KEY}",
    ]  # fmt: skip
    before = contender.cpu()
    result = last_json(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    time.sleep(SETTLE_SECONDS)
    cpu = contender.cpu() - before
    units = upstream_events * count if upstream_events else result["events"]
    return Sample(
        units=units,
        seconds=result["seconds"],
        cpu_us_per_unit=cpu * 1e6 / max(1, units),
        p50_ms=result["first_event_p50_ms"],
        p99_ms=result["first_event_p99_ms"],
        resident_bytes=contender.memory(),
        errors=result["errors"],
    )


def idle_streams(contender: Contender, count: int) -> dict:
    """Memory of a freshly started contender, and what each of `count` open streams adds."""
    contender.restart()
    # One stream and one request first, so that what is built once is not counted as per stream.
    streams(contender, "", 1, 1, 0)
    time.sleep(SETTLE_SECONDS)
    idle = contender.memory()
    command = [
        built("pellucid-load", "PELLUCID_LOAD"), "idle", "--url", contender.url("/idle"), "--connections", str(count), "--body", STREAM_BODY,
        "--header", f"apikey: {KEY}",
    ]  # fmt: skip
    holder = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        line = json.loads(holder.stdout.readline())
        time.sleep(SETTLE_SECONDS)
        loaded = contender.memory()
    finally:
        holder.communicate("", timeout=60)
    return {"idle_bytes": idle, "flowing": line["flowing"], "failed": line["failed"], "bytes_per_stream": (loaded - idle) / max(1, line["flowing"])}


def many_routes(upstream_port: int, count: int, marker: str) -> dict:
    """`count` routes with hosts, prefixes and regular expressions among them, and one with the path `/marker`."""
    routes = [{"name": "root", "paths": ["/"]}, {"name": "marker", "paths": [f"/{marker}"]}]
    for number in range(count - 2):
        match number % 4:
            case 0:
                route = {"paths": [f"/api/v{number % 7}/tenant-{number}"]}
            case 1:
                route = {"paths": [f"/team-{number}"], "hosts": [f"h{number}.example.com"]}
            case 2:
                route = {"paths": [f"/m-{number}"], "methods": ["GET", "POST"]}
            case _:
                route = {"paths": [f"~/items-{number}/[0-9]+$"]}
        routes.append({"name": f"route-{number}", **route})
    services = [
        {"name": f"service-{n}", "url": f"http://127.0.0.1:{upstream_port}", "routes": routes[n::100]} for n in range(100)
    ]  # fmt: skip
    return {"_format_version": "3.0", "services": services, "_pellucid": {"audit": {"enabled": False}}}


def start_seconds(contender: Pellucid, configuration: dict | None, rounds: int) -> float:
    """Median time from the start of the process to readiness."""
    times = []
    for _ in range(rounds):
        contender.stop()
        contender.start(configuration)
        times.append(contender.seconds_to_ready)
    return statistics.median(times)


def reload_seconds(contender: Pellucid, count: int, rounds: int) -> tuple[float, int]:
    """Median time from SIGHUP to the first answer by the new configuration with `count` routes, and the requests that failed meanwhile."""
    port = contender.upstreams.burst_port
    contender.stop()
    contender.start(many_routes(port, count, "marker-start"))
    times, failures, stop = [], [], threading.Event()

    def load():
        while not stop.is_set():
            try:
                if get(contender.port, "/load/stats")[0] != 200:
                    failures.append("status")
            except OSError as problem:
                failures.append(str(problem))

    thread = threading.Thread(target=load)
    thread.start()
    try:
        for number in range(rounds):
            draft = contender.config_path.with_suffix(".draft")
            # The marker's host is new each time: the old configuration answers 404 for it.
            configuration = many_routes(port, count, "x")
            configuration["services"].append(
                {"name": "fresh", "url": f"http://127.0.0.1:{port}", "routes": [{"name": "fresh", "hosts": [f"fresh-{number}.example"], "paths": ["/fresh"]}]}
            )
            draft.write_text(json.dumps(configuration))
            begin = time.monotonic()
            draft.rename(contender.config_path)
            contender.child.process.send_signal(1)
            # The root route answers /fresh too, with JSON of the upstream; the stripped path alone tells them apart.
            wait_fresh(contender, number)
            times.append(time.monotonic() - begin)
    finally:
        stop.set()
        thread.join()
    return statistics.median(times), len(failures)


def wait_fresh(contender: Pellucid, number: int) -> None:
    """Waits until the route of this round answers: only it strips `/fresh` and so reaches the upstream's counters."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        status, body = get(contender.port, "/fresh/load/stats", headers={"Host": f"fresh-{number}.example"})
        if status == 200 and b"open_connections" in body:
            return
        time.sleep(0.002)
    raise SystemExit("the reload did not take effect within 60 s")


def routes_that_count(upstream_port: int, count: int) -> dict:
    """`count` routes, each of which makes series of its own once it is used."""
    routes = [{"name": "root", "paths": ["/"]}, *({"name": f"route-{number}", "paths": [f"/r{number}"]} for number in range(count))]
    service = {"name": "all", "url": f"http://127.0.0.1:{upstream_port}", "routes": routes}
    return {"_format_version": "3.0", "services": [service], "_pellucid": {"audit": {"enabled": False}}}


def scrape(contender: Pellucid) -> tuple[float, int]:
    """Milliseconds of a scrape in the format a Prometheus asks for, and its series."""
    begin = time.monotonic()
    status, body = get(contender.status_port, "/metrics", headers={"Accept": "application/openmetrics-text; version=1.0.0"}, timeout=30)
    took = (time.monotonic() - begin) * 1000
    assert status == 200
    return took, sum(not line.startswith(b"#") for line in body.splitlines())


def scrapes(contender: Pellucid, routes: int, seconds: float, rounds: int) -> dict:
    """Scrapes of a page that `routes` used routes fill: alone, and once a second while requests are served, beside the same load without scrapes."""
    contender.stop()
    contender.start(routes_that_count(contender.upstreams.burst_port, routes))
    for number in range(routes):
        get(contender.port, f"/r{number}/load/stats")
    alone = [scrape(contender) for _ in range(10)]
    quiet, scraped, during = [], [], []
    for turn in range(rounds):
        for is_scraped in (False, True) if turn % 2 == 0 else (True, False):
            stop = threading.Event()

            def again(stop=stop):
                while not stop.is_set():
                    during.append(scrape(contender)[0])
                    stop.wait(1)

            thread = threading.Thread(target=again)
            if is_scraped:
                thread.start()
            result = wrk(contender, 32, seconds)
            if is_scraped:
                stop.set()
                thread.join()
            (scraped if is_scraped else quiet).append(result)
    contender.stop()
    return {
        "series": alone[-1][1],
        "alone_ms": statistics.median(took for took, _ in alone),
        "under_load_ms": statistics.median(during),
        "p99_ms": statistics.median(r["p99_us"] for r in quiet) / 1000,
        "p99_scraped_ms": statistics.median(r["p99_us"] for r in scraped) / 1000,
        "p99_growth": max(0, statistics.median(s["p99_us"] - q["p99_us"] for s, q in zip(scraped, quiet, strict=True)) / 1000) / statistics.median(during),
        "errors": sum(r["errors"] for r in quiet + scraped),
    }


def telemetry_losses(contender: Exporting) -> dict:
    """What the contender itself says about evidence that did not get out, and whether its books balance."""
    text = get(contender.status_port, "/metrics")[1].decode()
    values = {"unaccounted": 0.0, "dropped": 0.0}
    for line in text.splitlines():
        if line.startswith("pellucid_requests_unaccounted"):
            values["unaccounted"] += float(line.rsplit(" ", 1)[1])
        elif line.startswith(LOSSES):
            values["dropped"] += float(line.rsplit(" ", 1)[1])
    return values
