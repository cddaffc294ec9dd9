"""A graceful end: what runs finishes, what is new is refused, and the evidence gets out."""

import time

import openai
import pytest
import requests

from support.configuration import llm_service, plain_service, telemetry_environment
from support.raw import Connection
from support.waiting import until

HELLO = [{"role": "user", "content": "hi"}]


def test_a_running_stream_finishes_within_the_drain_time(gateways, provider, collector, client_of):
    gateway = gateways({"services": [llm_service(provider.base)]}, environment=telemetry_environment(collector))
    stream = client_of(f"{gateway.url}/v1").chat.completions.create(model="gate", messages=HELLO, stream=True)
    next(stream)
    gateway.terminate()
    until(lambda: not accepts(gateway.proxy_port), what="the listener to close")
    assert gateway.process.poll() is None, "it waits for the stream"
    provider.release()
    assert [chunk.choices[0].finish_reason for chunk in stream][-1] == "stop"
    assert gateway.process.wait(10) == 0
    assert len(gateway.audit.requests()) == 1
    assert len(collector.roots()) == 1, "telemetry is flushed before the end"
    gateway.audit.check_chain()


def accepts(port: int) -> bool:
    try:
        with Connection.open(port, 2):
            return True
    except OSError:
        return False


def test_a_stream_that_never_ends_is_cut_after_the_drain_time(gateways, provider, collector, client_of):
    configuration = {"services": [llm_service(provider.base)], "_pellucid": {"drain_seconds": 1}}
    gateway = gateways(configuration, environment=telemetry_environment(collector))
    stream = client_of(f"{gateway.url}/v1").chat.completions.create(model="gate", messages=HELLO, stream=True)
    next(stream)
    begin = time.monotonic()
    gateway.terminate()
    with pytest.raises(openai.APIError):
        list(stream)
    assert gateway.process.wait(10) == 0
    assert 0.8 < time.monotonic() - begin < 8
    assert len(gateway.audit.requests()) == len(collector.roots()) == 1, "the cut request left its evidence"


def test_everything_recorded_before_the_end_is_exported(gateways, origin, collector):
    """The batch delay is long: only the flush at the end can deliver in time."""
    environment = telemetry_environment(collector, OTEL_BSP_SCHEDULE_DELAY="60000")
    gateway = gateways({"services": [plain_service(origin.port)]}, environment=environment)
    with requests.Session() as session:
        for _ in range(100):
            session.get(f"{gateway.url}/plain", timeout=5)
    assert gateway.stop() == 0
    assert len(collector.roots()) == len(gateway.audit.requests()) == 100


def test_a_dead_collector_does_not_hold_the_end_back_for_long(gateways, origin, collector):
    gateway = gateways({"services": [plain_service(origin.port)]}, environment=telemetry_environment(collector))
    collector.stop()
    requests.get(f"{gateway.url}/plain", timeout=5)
    begin = time.monotonic()
    assert gateway.stop() == 0
    assert time.monotonic() - begin < 15


def test_a_kept_alive_connection_is_closed_after_its_answer(gateways, origin):
    gateway = gateways({"services": [plain_service(origin.port)]})
    with Connection.open(gateway.proxy_port) as connection:
        connection.send("GET /plain HTTP/1.1\r\nHost: a\r\n\r\n")
        assert connection.response().status == 200
        gateway.terminate()
        assert connection.is_closed(5), "an idle connection does not hold the end back"
    assert gateway.process.wait(10) == 0


def test_readiness_ends_with_the_drain(gateways, provider, client_of):
    gateway = gateways({"services": [llm_service(provider.base)]})
    stream = client_of(f"{gateway.url}/v1").chat.completions.create(model="gate", messages=HELLO, stream=True)
    next(stream)
    gateway.terminate()

    def not_ready():
        try:
            return requests.get(f"{gateway.status_url}/status/ready", timeout=2).status_code == 503
        except requests.ConnectionError:
            return True

    until(not_ready, what="readiness to end")
    provider.release()
    list(stream)
    assert gateway.process.wait(10) == 0


def test_a_second_start_on_the_same_port_says_what_is_wrong(gateways, origin):
    first = gateways({"services": [plain_service(origin.port)]})
    second = gateways({"services": []}, wait=False, arguments=["--proxy-listen", f"127.0.0.1:{first.proxy_port}"])
    second.wait_for_failure()
    assert str(first.proxy_port) in second.stderr


def test_a_low_descriptor_limit_is_warned_about(gateways, origin):
    gateway = gateways({"services": [plain_service(origin.port)]}, descriptors=256)
    warning = until(lambda: next((line for line in gateway.stderr.splitlines() if "256" in line), None), what="the warning")
    assert "descriptor" in warning.lower()
