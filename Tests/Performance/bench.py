#!/usr/bin/env python3
"""Pellucid beside nginx in one run: CPU per request, latency, memory, start and reload, against the project's budgets.

The contenders run at the same time and are loaded in turn; rounds are interleaved and medians taken, so that a change of the machine's mood hits all
of them. Ratios are the gates; absolute figures say something only about this machine.
"""

import argparse
import collections
import json
import mmap
import os
import pathlib
import platform
import resource
import shutil
import statistics
import sys
import tempfile
import time

import measurements
from contenders import (
    ANTHROPIC, BALANCED, AIProxy, Compressor, Everything, EverythingGzip, EverythingTLS, Exporting, ExportingTLS, Generic, GenericTLS, Nginx, NginxLargeBuffers, NginxTLS, Pellucid, Sanitizer, Stages, Upstreams,
)  # fmt: skip

EVENTS = 100
# finish_reason, usage and [DONE] follow the content events.
STREAM_EVENTS = EVENTS + 3
PACED_RATE = 50
DESCRIPTORS = 20_000
# message_start, content_block_start, content_block_stop, message_delta and message_stop stand around the content events of Anthropic's streams; what comes of them is an
# opening chunk, finish_reason, usage and [DONE].
ANTHROPIC_EVENTS = EVENTS + 5
TRANSLATED_EVENTS = EVENTS + 4
NOT_MEASURED = "Not measured here: the share of a single span."


# Written logs fill the page cache, and a page that a virtual machine has never used costs its host 8 µs more than one that has been: which of the two
# a log line meets would be chance, and a machine that has run for a day has none of the former.
SETTLED_BYTES = 4 << 30


def settle_memory() -> None:
    """Uses a few GB of memory once and gives them back, so that no contender pays for pages nobody has touched yet."""
    available = next(int(line.split()[1]) * 1024 for line in open("/proc/meminfo") if line.startswith("MemAvailable:"))
    size = min(SETTLED_BYTES, available // 2)
    with mmap.mmap(-1, size) as memory:
        for offset in range(0, size, mmap.PAGESIZE):
            memory[offset] = 1


class Bench:
    """One run: measures, collects rows for the table and verdicts for the gates."""

    def __init__(self, options, directory: pathlib.Path):
        self.options = options
        self.directory = directory
        self.rounds = options.rounds or (3 if options.quick else 9)
        # Many short rounds rather than few long ones: the ratio within a round is what counts.
        self.seconds = 2 if options.quick else 3
        self.results: dict = {}
        self.verdicts: list[tuple[str, float, float, str]] = []
        self.problems: list[str] = []

    def say(self, text: str) -> None:
        print(text, flush=True)

    def progress(self, text: str) -> None:
        """Shows what is being measured: one changing line on a terminal, nothing in a log."""
        if sys.stderr.isatty():
            print(f"\r{text:<130.130}\r", end="", file=sys.stderr, flush=True)

    def gate(self, what: str, value: float, budget: float, unit: str) -> None:
        self.verdicts.append((what, value, budget, unit))

    def compare(self, title: str, contenders: list, measure, reference=Nginx) -> measurements.Comparison:
        """Measures every contender in interleaved rounds and prints a table."""
        rounds = collections.defaultdict(list)
        for turn in range(self.rounds):
            # A different order each round: nobody always comes first.
            for contender in contenders[turn % len(contenders) :] + contenders[: turn % len(contenders)]:
                self.progress(f"{title}: round {turn + 1} of {self.rounds}, {contender.title}")
                rounds[contender.title].append(measure(contender))
                if isinstance(contender, Pellucid) and contender.telemetry:
                    contender.forget_logs()
        self.progress("")
        comparison = measurements.Comparison(rounds)
        self.table(title, contenders, comparison, reference)
        self.results[title] = {name: [vars(sample) for sample in samples] for name, samples in rounds.items()}
        return comparison

    def table(self, title: str, contenders: list, comparison: measurements.Comparison, reference) -> None:
        self.say(f"\n{title}")
        self.say(f"  {'':<46}{'CPU µs':>9}{'ratio':>7}  {'from – to':<13}{'per s':>11}{'p50 ms':>9}{'p99 ms':>9}{'MiB':>6}{'errors':>8}")
        medians = comparison.medians()
        for contender in contenders:
            m, ratios = medians[contender.title], comparison.ratios(type(contender), reference)
            spread = f"{min(ratios):.2f} – {max(ratios):.2f}"
            figures = f"{m.cpu_us_per_unit:>9.2f}{statistics.median(ratios):>7.2f}  {spread:<13}{m.units_per_second:>11,.0f}{m.p50_ms:>9.3f}{m.p99_ms:>9.3f}"
            self.say(f"  {contender.title:<46}{figures}{m.resident_bytes / 2**20:>6.0f}{m.errors:>8}")
            if m.errors:
                self.problems.append(f"{title}: {contender.title} had {m.errors} errors")

    def run(self) -> int:
        settle_memory()
        upstreams = Upstreams(self.directory, EVENTS, PACED_RATE).start()
        kinds = [Nginx, NginxLargeBuffers, Generic, AIProxy, Exporting, Everything, EverythingGzip]
        if self.wants("tls"):
            kinds += [NginxTLS, GenericTLS, ExportingTLS, EverythingTLS]
        if self.wants("stages"):
            kinds += [Stages, Sanitizer, Compressor]
        running = {kind: kind(self.directory, upstreams) for kind in kinds if self.wanted(kind)}
        try:
            for contender in running.values():
                contender.start()
            if self.wants("json"):
                self.json_rows(running)
            if self.wants("stages"):
                self.stage_rows(running)
            if self.wants("sse"):
                self.stream_rows(running)
            if self.wants("translated"):
                self.translated_rows(running)
            if self.wants("balance") and not self.options.nginx_only:
                self.balance_rows(running, upstreams)
            if self.wants("tls"):
                self.tls_rows(running)
            for contender in self.pick(running, Exporting, Everything):
                self.check_telemetry(contender)
            for contender in running.values():
                contender.stop()
            if self.wants("memory"):
                self.memory_rows(running)
            if self.wants("scrape") and Generic in running:
                self.scrape_rows(running[Generic])
            if self.wants("start") and Generic in running:
                self.start_rows(running[Generic])
        finally:
            for contender in running.values():
                contender.stop()
            upstreams.stop()
        return self.summary()

    def wanted(self, kind) -> bool:
        return not self.options.nginx_only or issubclass(kind, Nginx)

    def wants(self, group: str) -> bool:
        return not self.options.only or group in self.options.only

    def pick(self, running: dict, *kinds) -> list:
        return [running[kind] for kind in kinds if kind in running]

    def json_rows(self, running: dict) -> None:
        for connections in (32, 256):
            kinds = [Nginx, Generic, AIProxy, Exporting, Everything] + ([EverythingGzip] if connections == 32 and not self.options.quick else [])
            comparison = self.compare(
                f"2 KB chat request, {connections} connections",
                self.pick(running, *kinds),
                lambda contender, connections=connections: measurements.json_requests(contender, connections, self.seconds),
            )
            if Everything not in running:
                continue
            medians = comparison.medians()
            exporting, audit = (medians[a.title].cpu_us_per_unit - medians[b.title].cpu_us_per_unit for a, b in ((Exporting, AIProxy), (Everything, Exporting)))
            self.say(f"  prometheus, file-log and OTLP cost {exporting:.2f} µs of CPU per request, the audit stream {audit:.2f} µs")
            for kind, what in ((Exporting, "prometheus + file-log + OTLP"), (Everything, "all telemetry")):
                self.gate(f"chat, {what} vs nginx, {connections} connections", statistics.median(comparison.ratios(kind, Nginx)), 1.6, "×")
                against_off = statistics.median(comparison.ratios(kind, AIProxy))
                self.gate(f"chat, {what} vs exporters off, {connections} connections", against_off, 1.15, "×")

    def tls_rows(self, running: dict) -> None:
        count = 20_000 if self.options.quick else 60_000
        comparison = self.compare(
            "2 KB chat request over TLS and HTTP/2, 32 connections, 8 streams each",
            self.pick(running, NginxTLS, GenericTLS, ExportingTLS, EverythingTLS),
            lambda contender: measurements.http2_requests(contender, 32, 8, count),
            reference=NginxTLS,
        )
        if GenericTLS in running:
            for kind, what in ((GenericTLS, "generic proxy"), (ExportingTLS, "prometheus + file-log + OTLP"), (EverythingTLS, "all telemetry")):
                self.gate(f"chat over TLS and HTTP/2, {what} vs nginx", statistics.median(comparison.ratios(kind, NginxTLS)), 1.6, "×")

    def stage_rows(self, running: dict) -> None:
        comparison = self.compare(
            "2 KB chat request through further stages, 32 connections",
            self.pick(running, Nginx, AIProxy, Stages, Sanitizer, Compressor),
            lambda contender: measurements.json_requests(contender, 32, self.seconds),
        )
        if Stages not in running:
            return
        medians = comparison.medians()
        added = medians[Stages.title].cpu_us_per_unit - medians[AIProxy.title].cpu_us_per_unit
        count = len(Stages.stages)
        self.say(f"  {count} stages add {added:.2f} µs of CPU per request")
        # Work on the text itself, without a budget: rows of their own.
        for kind in (Sanitizer, Compressor):
            own = medians[kind.title].cpu_us_per_unit - medians[AIProxy.title].cpu_us_per_unit
            self.say(f"  {kind.stages[0]['name']} adds {own:.2f} µs")
        # The budget is for ten; there are not as many that need nobody outside.
        self.gate("ten in-process stages, added CPU vs nginx", added / count * 10 / medians[Nginx.title].cpu_us_per_unit, 0.4, "×")

    def stream_rows(self, running: dict) -> None:
        burst = 10_000 if self.options.quick else 30_000
        rows = {
            f"SSE burst, {EVENTS} events a stream, 32 connections (per event)": ("", 32, burst),
            f"SSE paced at {PACED_RATE} events/s, 200 connections (per event)": ("/paced", 200, 400),
        }
        for title, (prefix, connections, count) in rows.items():
            kinds = [Nginx, Generic, AIProxy, Everything] + ([NginxLargeBuffers] if prefix == "" else [])
            comparison = self.compare(
                title,
                self.pick(running, *kinds),
                lambda c, prefix=prefix, connections=connections, count=count: measurements.streams(c, prefix, connections, count, STREAM_EVENTS),
            )
            if Everything in running:
                ratio = statistics.median(comparison.ratios(Everything, Nginx))
                self.gate(f"{title.split(',')[0]}, usage accounting and all telemetry vs nginx", ratio, 1.2, "×")

    def translated_rows(self, running: dict) -> None:
        """OpenAI's clients on a provider of Anthropic's format: translated here, passed on as it is by nginx."""
        kinds = [Nginx, AIProxy, Everything]
        burst = 10_000 if self.options.quick else 30_000
        rows = {
            ("translated request vs nginx", 2): (
                "2 KB chat request, OpenAI's client on Anthropic's format, 32 connections", lambda one: measurements.json_requests(one, 32, self.seconds, ANTHROPIC),
            ),
            ("translated stream vs nginx, per event", 1.6): (
                f"SSE burst, {EVENTS} content events, Anthropic's format into OpenAI's, 32 connections (per event of the provider's)",
                lambda one: measurements.streams(one, ANTHROPIC, 32, burst, ANTHROPIC_EVENTS if isinstance(one, Nginx) else TRANSLATED_EVENTS, ANTHROPIC_EVENTS),
            ),
        }
        for (what, budget), (title, measure) in rows.items():
            comparison = self.compare(title, self.pick(running, *kinds), measure)
            for kind, words in ((AIProxy, "exporters off"), (Everything, "all telemetry")):
                if kind in running:
                    self.gate(f"{what}, {words}", statistics.median(comparison.ratios(kind, Nginx)), budget, "×")

    def balance_rows(self, running: dict, upstreams: Upstreams) -> None:
        """What choosing among twenty targets adds to ai-proxy, algorithm by algorithm; two at a time, so that few processes stand around."""
        for kind in BALANCED:
            contender = kind(self.directory, upstreams).start()
            try:
                comparison = self.compare(
                    f"2 KB chat request over {kind.targets} targets, {contender.title.split(', ')[-1]}",
                    [*self.pick(running, Nginx, AIProxy), contender],
                    lambda one: measurements.json_requests(one, 32, self.seconds),
                )
                self.gate(f"ai-proxy-advanced, {contender.title.split(', ')[-1]}, vs ai-proxy", statistics.median(comparison.ratios(kind, AIProxy)), 1.08, "×")
            finally:
                contender.stop()

    def check_telemetry(self, contender: Exporting) -> None:
        time.sleep(2)
        losses = measurements.telemetry_losses(contender)
        self.results[f"telemetry {contender.title}"] = losses
        self.say(f"\nEvidence of the run, {contender.title}: {losses['unaccounted']:g} requests unaccounted for, {losses['dropped']:g} items dropped")
        if losses["unaccounted"]:
            self.problems.append(f"{losses['unaccounted']:g} requests unaccounted for")
        if losses["dropped"]:
            self.problems.append(f"{losses['dropped']:g} items of evidence dropped: not all telemetry was at 100%")

    def memory_rows(self, running: dict) -> None:
        count = 1_000 if self.options.quick else 8_000
        self.say(f"\nMemory with {count:,} idle streams")
        self.say(f"  {'':<46}{'idle MiB':>10}{'KiB/stream':>12}{'flowing':>9}{'failed':>8}")
        for contender in self.pick(running, Nginx, Everything):
            row = measurements.idle_streams(contender, count)
            contender.stop()
            self.results[f"memory {contender.title}"] = row
            self.say(f"  {contender.title:<46}{row['idle_bytes'] / 2**20:>10.1f}{row['bytes_per_stream'] / 1024:>12.1f}{row['flowing']:>9}{row['failed']:>8}")
            if row["failed"]:
                self.problems.append(f"{row['failed']} of {count} idle streams failed at {contender.title}")
            if isinstance(contender, Everything):
                self.gate(f"memory per idle stream, {count:,} at once", row["bytes_per_stream"] / 1024, 24, " KiB")
                self.gate("memory idle", row["idle_bytes"] / 2**20, 64, " MiB")

    def scrape_rows(self, contender: Generic) -> None:
        row = measurements.scrapes(contender, 1_500, self.seconds, 2 if self.options.quick else 5)
        self.results["scrape"] = row
        self.say(f"\nScrape of {row['series']:,} series: {row['alone_ms']:.0f} ms, {row['under_load_ms']:.0f} ms under full load")
        self.say(f"  p99 of requests, 32 connections: {row['p99_ms']:.3f} ms; with a scrape a second {row['p99_scraped_ms']:.3f} ms")
        self.gate(f"scrape of {row['series']:,} series", row["alone_ms"], 150, " ms")
        # Requests that stood still for a scrape a second would be more than one in a hundred, and p99 would grow by a whole scrape. What the processor does for the scrape
        # beside saturated loops shows in it too.
        self.gate("p99 of requests, growth by a scrape a second", row["p99_growth"], 0.5, " scrapes")
        if row["errors"]:
            self.problems.append(f"{row['errors']} requests failed beside scrapes")

    def start_rows(self, contender: Generic) -> None:
        rounds = 2 if self.options.quick else 5
        routes = 10_000
        small = measurements.start_seconds(contender, None, rounds)
        large = measurements.start_seconds(contender, measurements.many_routes(contender.upstreams.burst_port, routes, "marker"), rounds)
        reload, failures = measurements.reload_seconds(contender, routes, rounds)
        contender.stop()
        self.results["start"] = {"small_seconds": small, "large_seconds": large, "reload_seconds": reload, "failed_during_reload": failures}
        self.say(f"\nReady after {small:.3f} s with a small file, {large:.3f} s with {routes:,} routes; reload {reload:.3f} s, {failures} failed requests")
        self.gate("ready with a small file", small, 0.3, " s")
        self.gate(f"ready with {routes:,} routes", large, 1, " s")
        self.gate(f"reload with {routes:,} routes", reload, 1, " s")
        if failures:
            self.problems.append(f"{failures} requests failed during reloads")

    def summary(self) -> int:
        self.say("\nBudgets")
        for what, value, budget, unit in self.verdicts:
            self.say(f"  {'met   ' if value <= budget else 'MISSED'}  {what:<66} {value:>8.2f}{unit} of {budget:g}{unit}")
        for problem in self.problems:
            self.say(f"  PROBLEM {problem}")
        missed = sum(value > budget for _, value, budget, _ in self.verdicts)
        self.say(f"{len(self.verdicts) - missed} of {len(self.verdicts)} budgets met, {len(self.problems)} problems")
        self.say(NOT_MEASURED)
        if self.options.json:
            verdicts = [{"what": w, "value": v, "budget": b, "unit": u.strip(), "met": v <= b} for w, v, b, u in self.verdicts]
            report = {"machine": machine(), "rounds": self.rounds, "rows": self.results, "budgets": verdicts, "problems": self.problems}
            pathlib.Path(self.options.json).write_text(json.dumps(report, indent=2, ensure_ascii=False) + "\n")
        return 1 if missed or self.problems else 0


def machine() -> str:
    model = next((line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), platform.machine())
    return f"{os.cpu_count()} × {model}, Linux {platform.release()}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a short run of a few minutes; the figures are rough")
    parser.add_argument("--rounds", type=int, help="rounds of each comparison (9, with --quick 3)")
    parser.add_argument("--only", nargs="+", choices=["json", "stages", "sse", "translated", "balance", "tls", "memory", "start", "scrape"], help="only these groups")
    parser.add_argument("--nginx-only", action="store_true", help="without Pellucid: checks the bench itself")
    parser.add_argument("--json", metavar="FILE", help="writes all figures there")
    options = parser.parse_args()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = min(DESCRIPTORS, hard) if hard != resource.RLIM_INFINITY else DESCRIPTORS
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
    if wanted < DESCRIPTORS:
        print(f"warning: only {wanted} descriptors allowed; 8,000 streams need {DESCRIPTORS} (ulimit -n)")
    print(f"{machine()}\nnginx: 2 workers; Pellucid: its default, one event loop per core; wrk: 1 thread, all on this machine")
    if (busy := os.getloadavg()[0]) > 0.5:
        print(f"warning: something else is running here (load {busy:.1f}); the figures will be worse and less steady")
    directory = pathlib.Path(tempfile.mkdtemp(prefix="pellucid-bench-"))
    try:
        return Bench(options, directory).run()
    finally:
        shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
