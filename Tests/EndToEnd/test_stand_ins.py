"""The tests' own servers, without a gateway: a failure here is a failure of the tests, not of the product."""

import openai
import pytest
import requests
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from support.prometheus import promtool_problems
from support.provider import ANSWER
from support.raw import Connection, Origin
from support.waiting import until

HELLO = [{"role": "user", "content": "hi"}]


@pytest.fixture
def client(provider, client_of):
    return client_of(f"{provider.base}/v1")


def test_the_provider_satisfies_the_official_client(client, provider):
    assert client.chat.completions.create(model="gpt-fake", messages=HELLO).choices[0].message.content == ANSWER
    chunks = list(client.chat.completions.create(model="tokens-3", messages=HELLO, stream=True, stream_options={"include_usage": True}))
    assert chunks[-1].usage.completion_tokens == 3
    assert client.embeddings.create(model="embed-fake", input="x").data[0].embedding == [0.25, -0.5, 0.75]
    assert client.completions.create(model="gpt-fake", prompt="x").choices[0].text == ANSWER
    assert [model.id for model in client.models.list()] == ["gpt-fake"]
    with pytest.raises(openai.RateLimitError):
        client.chat.completions.create(model="status-429", messages=HELLO)
    with pytest.raises(openai.APIError):
        list(client.chat.completions.create(model="cut-2", messages=HELLO, stream=True))
    assert len(provider.requests) == 7


def test_the_provider_notices_a_client_that_leaves(client, provider):
    stream = client.chat.completions.create(model="gate", messages=HELLO, stream=True)
    next(stream)
    record = provider.last()
    stream.close()
    until(lambda: record.cancelled, timeout=3, what="the cancellation")


def test_the_collector_decodes_refuses_and_comes_back(collector):
    export = ExportTraceServiceRequest()
    span = export.resource_spans.add().scope_spans.add().spans.add()
    span.name, span.trace_id, span.span_id, span.kind = "POST /", b"t" * 16, b"s" * 8, 2
    send = lambda: requests.post(f"{collector.endpoint}/v1/traces", data=export.SerializeToString(), timeout=5)  # noqa: E731
    collector.answer_with(429, headers={"Retry-After": "1"})
    assert send().status_code == 429 and not collector.spans()
    assert send().status_code == 200 and send().status_code == 200
    assert len(collector.roots()) == 1 and collector.span_copies() == 2
    collector.stop()
    with pytest.raises(requests.ConnectionError):
        send()
    collector.start()
    assert send().status_code == 200


def test_a_real_prometheus_scrapes_and_promtool_checks(prometheus):
    page = "# HELP a_total A.\n# TYPE a_total counter\na_total 3\n"
    origin = Origin(lambda c, r: c.send(f"HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\nContent-Length: {len(page)}\r\n\r\n{page}"))
    server = prometheus(origin.port)
    assert server.wait_for("a_total")[0]["value"][1] == "3"
    assert promtool_problems(page) == "" and promtool_problems("# TYPE b counter\nb 1\n")
    origin.stop()


def test_the_origin_and_the_raw_client_agree(origin):
    with Connection.open(origin.port) as connection:
        connection.send("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-T: 1\r\n\r\n")
        assert connection.response().body == b"hello"
    assert origin.requests[0].body == b"abc" and origin.requests[0].trailers == [("X-T", "1")]
