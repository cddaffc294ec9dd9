"""What the exporter does when the collector is slow, refuses or is gone, and what configures it."""

import time

import pytest

from support import names
from support.configuration import everything, key_auth, plugin, telemetry_environment
from support.waiting import until

HELLO = [{"role": "user", "content": "hi"}]


def ask(client, times: int = 1):
    for _ in range(times):
        client.chat.completions.create(model="gpt-fake", messages=HELLO)


def test_a_collector_that_was_down_gets_everything_when_it_is_back(client, collector, observed):
    ask(client)
    collector.wait_for_roots(1)
    collector.stop()
    ask(client, 20)
    observed.audit.wait_for_requests(21)
    collector.start()
    assert len(collector.wait_for_roots(21, 60)) == 21
    until(lambda: observed.metrics().total(names.UNACCOUNTED) == 0, timeout=15, what="the conservation gauge at 0")


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_retryable_refusal_loses_nothing(client, collector, status):
    collector.answer_with(status, times=2)
    ask(client)
    collector.wait_for_roots(1, 30)
    assert collector.refused == 2


def test_retry_after_is_honoured(client, collector):
    collector.answer_with(429, headers={"Retry-After": "2"})
    ask(client)
    until(lambda: collector.refused == 1, what="the refusal")
    refused = time.monotonic()
    collector.wait_for_roots(1, 30)
    assert time.monotonic() - refused >= 1.8


def test_a_refusal_that_no_retry_helps_is_counted_as_dropped(client, collector, observed):
    collector.answer_with(400)
    ask(client)
    until(lambda: collector.refused == 1, what="the refusal")
    ask(client)
    assert len(collector.wait_for_roots(1)) == 1, "the refused batch is not sent again"
    until(lambda: observed.metrics().total(names.UNACCOUNTED) == 0, timeout=15, what="the conservation gauge at 0")


def test_a_partial_success_is_not_sent_again(client, collector, observed):
    collector.answer_partially(1)
    ask(client)
    collector.wait_for_roots(1)
    copies = collector.span_copies()
    ask(client)
    collector.wait_for_roots(2)
    assert collector.span_copies() == 2 * copies


def test_a_request_does_not_wait_for_a_dead_collector(client, collector):
    collector.stop()
    begin = time.monotonic()
    ask(client, 20)
    assert time.monotonic() - begin < 5


def test_headers_and_resource_come_from_the_standard_variables(gateways, provider, collector, client_of):
    environment = telemetry_environment(
        collector,
        OTEL_EXPORTER_OTLP_HEADERS="x-token=abc,x-other=d%20e",
        OTEL_SERVICE_NAME="my-gateway",
        OTEL_RESOURCE_ATTRIBUTES="deployment.environment.name=test",
    )
    gateway = gateways(everything(provider), environment=environment)
    ask(client_of(f"{gateway.url}/v1"))
    root = collector.wait_for_roots(1)[0]
    assert root.resource["service.name"] == "my-gateway" and root.resource["deployment.environment.name"] == "test"
    headers = {key.lower(): value for key, value in collector.bodies[0][1].items()}
    assert headers["x-token"] == "abc" and headers["x-other"] == "d e"
    assert headers["content-type"] == "application/x-protobuf"


def test_kongs_plugin_configures_it_too(gateways, provider, collector, client_of):
    otel = plugin("opentelemetry", traces_endpoint=f"{collector.endpoint}/v1/traces", resource_attributes={"service.name": "by-plugin"}, sampling_rate=1)
    gateway = gateways(everything(provider, plugins=[key_auth(), otel]), environment={"OTEL_BSP_SCHEDULE_DELAY": "100"})
    ask(client_of(f"{gateway.url}/v1"))
    assert collector.wait_for_roots(1)[0].resource["service.name"] == "by-plugin"
