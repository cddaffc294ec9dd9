"""Every span arrives: a receiver that is down, refuses or is slow, and a gateway that is killed in between."""

import pytest

from support import names
from support.configuration import everything, telemetry_environment
from support.waiting import until

HELLO = [{"role": "user", "content": "hi"}]
LABELS = {"consumer": "otlp", "signal": "traces"}


@pytest.fixture
def start(gateways, provider, collector, tmp_path):
    """A function that starts a gateway with a spool that outlives it."""

    def begin(**settings):
        pellucid = {"spool": {"path": str(tmp_path / "spool"), "flush_seconds": 0.05, **settings.pop("spool", {})}, "audit": {"path": str(tmp_path / "audit.log")}}
        return gateways(everything(provider, _pellucid={**pellucid, **settings}), environment=telemetry_environment(collector))

    return begin


def ask(client, times: int = 1):
    for _ in range(times):
        client.chat.completions.create(model="gpt-fake", messages=HELLO)


def waiting(gateway, place: str) -> float:
    return gateway.metrics().total("pellucid_export_queue_items", place=place, **LABELS)


def wait_until_journaled(gateway, requests: int):
    """Until every request was encoded and all of it lies on disk."""
    until(
        lambda: gateway.metrics().total("pellucid_telemetry_queued", consumer="otlp") == requests and waiting(gateway, "memory") == 0,
        what=f"{requests} requests on disk",
    )


def trace_ids(audit) -> set:
    return {line["trace_id"] for line in audit.requests()}


def agrees(gateway):
    until(lambda: gateway.metrics().total(names.UNACCOUNTED) == 0, what="the conservation gauge at 0")


def test_a_killed_gateway_delivers_what_it_had_spooled(start, client_of, collector):
    collector.stop()
    first = start()
    ask(client_of(f"{first.url}/v1"), 30)
    wait_until_journaled(first, 30)
    first.kill()

    second = start()
    ask(client_of(f"{second.url}/v1"), 5)
    assert second.metrics().total("pellucid_spool_recovered_total", **LABELS) > 0
    collector.start()
    assert len(collector.wait_for_roots(35, 60)) == 35
    until(lambda: second.metrics().total("pellucid_telemetry_queued", consumer="otlp") == 0, what="an empty queue")
    assert second.metrics().total("pellucid_telemetry_delivered_total", consumer="otlp") == 35
    assert waiting(second, "disk") == 0
    agrees(second)


def test_kill_upon_kill_loses_nothing_and_repeats_only_what_was_in_doubt(start, client_of, collector):
    total = 0
    for _ in range(3):
        collector.stop()
        gateway = start()
        ask(client_of(f"{gateway.url}/v1"), 10)
        total += 10
        wait_until_journaled(gateway, total)
        gateway.kill()
    collector.start()
    gateway = start()
    assert len(collector.wait_for_roots(30, 60)) == 30
    assert collector.span_copies() == len(collector.spans()), "nothing was in flight, so nothing comes twice"
    assert gateway.metrics().total("pellucid_telemetry_possible_duplicates_total") == 0


def test_a_kill_while_the_receiver_is_slow_repeats_one_export_and_counts_it(start, client_of, collector):
    collector.delay(30)
    first = start()
    ask(client_of(f"{first.url}/v1"), 3)
    until(lambda: collector.pending == 1, what="an export that waits for its answer")
    wait_until_journaled(first, 3)
    first.kill()
    collector.delay(0)
    second = start()
    assert len(collector.wait_for_roots(3, 60)) == 3
    assert second.metrics().total("pellucid_telemetry_possible_duplicates_total", consumer="otlp") >= 1


@pytest.mark.parametrize("status", [429, 503])
def test_a_kill_between_refusals_loses_nothing(start, client_of, collector, status):
    collector.answer_with(status, headers={"Retry-After": "60"})
    first = start()
    ask(client_of(f"{first.url}/v1"), 5)
    until(lambda: collector.refused == 1, what="the refusal")
    wait_until_journaled(first, 5)
    first.kill()
    start()
    assert len(collector.wait_for_roots(5, 60)) == 5
    assert collector.span_copies() == len(collector.spans()), "a refused export was not taken"


def test_a_partial_success_is_counted_and_never_repeated(start, client_of, collector):
    collector.answer_partially(1)
    gateway = start()
    ask(client_of(f"{gateway.url}/v1"))
    until(lambda: gateway.metrics().total("pellucid_export_dropped_total", reason="rejected", **LABELS) == 1, what="the refused span in the counts")
    agrees(gateway)
    assert collector.span_copies() == len(collector.spans())


def test_an_orderly_end_leaves_the_rest_for_the_next_start(start, client_of, collector):
    collector.stop()
    first = start(telemetry_flush_seconds=0.2)
    ask(client_of(f"{first.url}/v1"), 4)
    assert first.stop() == 0
    assert "undelivered telemetry waits in the spool" in first.stderr
    collector.start()
    start()
    assert len(collector.wait_for_roots(4, 60)) == 4


def test_a_torn_end_of_the_spool_costs_only_the_torn_record(start, client_of, collector, tmp_path):
    collector.stop()
    first = start()
    ask(client_of(f"{first.url}/v1"), 4)
    wait_until_journaled(first, 4)
    first.kill()
    (segment,) = (tmp_path / "spool").glob("*/*.segment")
    with open(segment, "ab") as file:
        file.write(b"PLSP half a record")
    collector.start()
    second = start()
    assert len(collector.wait_for_roots(4, 60)) == 4
    assert second.metrics().total("pellucid_spool_damaged_bytes_total", **LABELS) == 18


def test_a_spool_that_cannot_be_written_degrades_to_memory_and_says_so(start, client_of, collector, tmp_path):
    (tmp_path / "spool").write_text("in the way")
    collector.stop()
    gateway = start()
    ask(client_of(f"{gateway.url}/v1"), 3)
    until(lambda: gateway.metrics().total("pellucid_spool_degraded", **LABELS) == 1, what="the gauge of the degraded spool")
    assert "kept in memory only" in gateway.stderr
    collector.start()
    assert len(collector.wait_for_roots(3, 60)) == 3
    agrees(gateway)


def test_a_spool_that_is_switched_off_writes_nothing(start, client_of, collector, tmp_path):
    collector.stop()
    gateway = start(spool={"enabled": False}, telemetry_flush_seconds=0.2)
    ask(client_of(f"{gateway.url}/v1"), 2)
    until(lambda: gateway.metrics().total("pellucid_telemetry_queued", consumer="otlp") == 2, what="two requests in memory")
    gateway.stop()
    assert not (tmp_path / "spool").exists()


def test_a_small_spool_gives_up_the_oldest_and_counts_it(start, client_of, collector):
    collector.stop()
    gateway = start(spool={"maximum_bytes": 1 << 20})
    client = client_of(f"{gateway.url}/v1", default_query={"x": "1"})
    import random

    until(lambda: fill(client, random) and gateway.metrics().total("pellucid_export_dropped_total", reason="spool_full", **LABELS) > 0, timeout=120, what="an eviction")
    assert gateway.metrics().total("pellucid_export_queue_size_bytes", place="disk", **LABELS) <= 1 << 20
    agrees(gateway)


def fill(client, random) -> bool:
    """Requests whose spans do not compress well."""
    for _ in range(50):
        client.chat.completions.create(model="gpt-fake", messages=HELLO, extra_headers={"user-agent": random.randbytes(3000).hex()})
    return True
