"""Everything that happens to a collector, one after the other, under traffic, with a killed gateway in between and a disk that is full."""

import os
import subprocess
import threading

import pytest

from support import names
from support.configuration import everything, telemetry_environment
from support.waiting import Timeout, until

HELLO = [{"role": "user", "content": "hi"}]
# Longer than the exporter's longest pause after failures in a row: they come faster here than its retries.
PATIENCE = 90
LABELS = {"consumer": "otlp", "signal": "traces"}


class Traffic:
    """A client that asks until it is stopped, and knows how often it was answered."""

    def __init__(self, client):
        self._client = client
        self._stop = threading.Event()
        self.answered = 0
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        while not self._stop.wait(0.01):
            try:
                self._client.chat.completions.create(model="gpt-fake", messages=HELLO)
                self.answered += 1
            except Exception:  # noqa: BLE001 - the gateway is being killed
                return

    def more(self, count: int) -> None:
        goal = self.answered + count
        until(lambda: self.answered >= goal, timeout=30, what=f"{count} more answers")

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(20)


@pytest.fixture
def start(gateways, provider, collector, tmp_path):
    def begin(spool: str | None = None, **more):
        settings = {"spool": {"path": spool or str(tmp_path / "spool"), "flush_seconds": 0.05, "fsync": True, **more}, "audit": {"path": str(tmp_path / "audit.jsonl")}}
        gateway = gateways(everything(provider, _pellucid=settings), environment=telemetry_environment(collector))
        gateway.audit_path = tmp_path / "audit.jsonl"
        return gateway

    return begin


def journaled(gateway) -> bool:
    """Whether everything that was recorded is delivered or on disk."""
    page = gateway.metrics()
    return page.total("pellucid_export_queue_items", place="memory", **LABELS) == 0 and page.total("pellucid_requests_in_flight") == 0


@pytest.mark.timeout(600)
def test_every_journaled_span_arrives_whatever_the_collector_does(start, collector, client_of):
    first = start()
    traffic = Traffic(client_of(f"{first.url}/v1"))
    traffic.more(20)
    collector.stop()  # Down.
    traffic.more(50)
    collector.start()
    traffic.more(20)
    for status, headers in ((503, {}), (429, {"Retry-After": "1"}), (502, {}), (504, {})):  # Refusing.
        collector.answer_with(status, headers=headers)
        until(lambda: not collector._script, timeout=PATIENCE, what=f"the answer {status}")
        traffic.more(10)
    collector.answer_partially(1)
    until(lambda: not collector._script, timeout=PATIENCE, what="the partial success")
    collector.delay(30)  # Slow: the export that waits is lost with the process that sent it.
    until(lambda: collector.pending > 0, timeout=PATIENCE, what="an export that waits")
    traffic.more(20)
    traffic.stop()
    # What has just ended may still be on its way from a loop to the exporters, where no queue counts it: an audit line says that it has arrived there.
    first.audit.wait_for_requests(traffic.answered, timeout=30)
    until(lambda: journaled(first), timeout=30, what="everything on disk")
    before = first.metrics()
    first.kill()
    collector.delay(0)

    second = start()
    traffic = Traffic(client_of(f"{second.url}/v1"))
    traffic.more(20)
    traffic.stop()
    expected = {line["trace_id"] for line in second.audit.requests()}
    try:
        until(lambda: {root.trace_id for root in collector.roots()} >= expected, timeout=PATIENCE, what="every trace")
    except Timeout as failure:
        missing = expected - {root.trace_id for root in collector.roots()}
        state = [f"{s.name}{s.labels} {s.value}" for s in second.metrics().samples if s.labels.get("consumer") == "otlp" and s.value]
        raise AssertionError(f"{len(missing)} of {len(expected)} traces are missing; the exporter says {state}") from failure
    until(lambda: second.metrics().total("pellucid_telemetry_queued", consumer="otlp") == 0, timeout=30, what="an empty queue")
    after = second.metrics()
    assert after.total(names.UNACCOUNTED) == 0 and before.total(names.UNACCOUNTED) == 0
    # What came twice was announced: by the process that lost an answer or by the one that found an export begun.
    copies = collector.span_copies() - len(collector.spans())
    announced = sum(page.total("pellucid_telemetry_possible_duplicates_total", consumer="otlp") for page in (before, after))
    assert announced > 0, "the 504 and the kill left exports in doubt"
    spans_of_one = len(collector.trace(next(iter(expected))))
    assert copies <= announced * spans_of_one
    assert before.total("pellucid_export_dropped_total", reason="rejected", **LABELS) == 1
    assert second.audit.check_chain() > len(expected)


@pytest.mark.skipif(os.geteuid() != 0, reason="mounts a small file system")
def test_a_full_disk_degrades_to_memory_says_so_and_recovers(start, collector, client_of, tmp_path):
    place = tmp_path / "small"
    place.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", str(place)], capture_output=True).returncode != 0:
        pytest.skip("no file system can be mounted here")
    try:
        collector.stop()
        gateway = start(str(place / "spool"))
        traffic = Traffic(client_of(f"{gateway.url}/v1"))
        until(lambda: gateway.metrics().total("pellucid_spool_degraded", **LABELS) == 1, timeout=60, what="the full disk, said")
        assert "the spool cannot be written" in gateway.stderr and "disk_full" in gateway.stderr
        traffic.more(20)
        traffic.stop()
        collector.start()
        expected = {line["trace_id"] for line in gateway.audit.wait_for_requests(traffic.answered)}
        until(lambda: {root.trace_id for root in collector.roots()} >= expected, timeout=60, what="every trace, from disk and from memory")
        until(lambda: gateway.metrics().total(names.UNACCOUNTED) == 0, what="the conservation gauge at 0")
        assert gateway.metrics().total("pellucid_telemetry_dropped_total", consumer="otlp") == 0
        gateway.stop()
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)
