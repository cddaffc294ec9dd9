"""One connected trace per request: the root, a span per stage, a span per attempt; and the trace context in and out."""

import pytest
import requests

from support import configuration, names
from support.provider import PROMPT_TOKENS

HELLO = [{"role": "user", "content": "hi"}]
TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


def traceparent(sampled: bool = True) -> dict:
    return {"traceparent": f"00-{TRACE}-{PARENT}-{'01' if sampled else '00'}", "tracestate": "vendor=value"}


def only(spans, **wanted):
    found = [span for span in spans if all(getattr(span, key) == value for key, value in wanted.items())]
    assert len(found) == 1, f"{len(found)} spans with {wanted} among {[(s.name, s.kind) for s in spans]}"
    return found[0]


def trace_of(client, collector, **request):
    request = {"model": "gpt-fake", "messages": HELLO, **request}
    answer = client.chat.completions.create(**request)
    if request.get("stream"):
        list(answer)
    root = collector.wait_for_roots(1)[0]
    return collector.wait_for_trace(root.trace_id)


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
def test_the_trace_is_connected(client, collector, observed, stream):
    spans = trace_of(client, collector, stream=stream)
    root = only(spans, kind=names.SERVER)
    assert root.parent_id == "" and root.status != names.STATUS_ERROR
    attempt = only(spans, kind=names.CLIENT)
    stages = [span for span in spans if span.kind == names.INTERNAL]
    by_id = {span.span_id: span for span in spans}
    for span in spans:
        assert span is root or span.parent_id in by_id, f"{span.name} hangs in the air"
        assert span.start <= span.end
        assert span is root or (span.start >= root.start and span.end <= root.end), f"{span.name} outside its root"
    assert {"key-auth", "ai-proxy"} <= {span.attributes[names.STAGE_PLUGIN] for span in stages}
    for stage in stages:
        assert stage.name == f"{stage.attributes[names.STAGE_PLUGIN]} {stage.attributes[names.STAGE_PHASE]}"
        assert stage.attributes[names.STAGE_VERDICT]
    assert attempt.name == "chat gpt-fake"


def test_the_root_describes_the_http_request(client, collector, observed):
    root = only(trace_of(client, collector), kind=names.SERVER)
    expected = {
        "http.request.method": "POST",
        names.STATUS_CODE: 200,
        "url.path": "/v1/chat/completions",
        "url.scheme": "http",
        "server.port": observed.proxy_port,
        "client.address": "127.0.0.1",
        names.ROUTE: "llm-chat",
        names.SERVICE: "llm",
        names.CONSUMER: "alice",
        names.USAGE_SOURCE: "provider_reported",
    }
    assert expected.items() <= root.attributes.items(), root.attributes
    assert root.attributes[names.REQUEST_ID] and root.attributes[names.CONFIG_HASH]
    assert root.name.startswith("POST ")
    assert root.resource["service.name"] == "pellucid"


def test_the_attempt_describes_the_model_call(client, collector, provider):
    attempt = only(trace_of(client, collector, temperature=0.5, max_tokens=64), kind=names.CLIENT)
    expected = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-fake",
        "gen_ai.request.temperature": 0.5,
        "gen_ai.request.max_tokens": 64,
        "gen_ai.response.model": "gpt-fake",
        "gen_ai.response.id": "chatcmpl-fake",
        "gen_ai.response.finish_reasons": ["stop"],
        "gen_ai.usage.input_tokens": PROMPT_TOKENS,
        "gen_ai.usage.output_tokens": 5,
        "server.address": "127.0.0.1",
        "server.port": provider.port,
        names.STATUS_CODE: 200,
        "pellucid.provider.ratelimit.remaining.requests": 99,
        "pellucid.provider.ratelimit.remaining.tokens": 9999,
    }
    assert expected.items() <= attempt.attributes.items(), attempt.attributes


def test_a_stream_has_its_time_to_first_chunk_and_usage(client, collector):
    attempt = only(trace_of(client, collector, model="slow-5-20", stream=True), kind=names.CLIENT)
    assert attempt.attributes["gen_ai.usage.output_tokens"] == 5
    assert 0 < attempt.attributes["gen_ai.response.time_to_first_chunk"] < 5
    assert attempt.end - attempt.start >= 60_000_000, "the attempt ends with the last byte, not with the head"


def test_a_provider_error_marks_the_attempt_and_the_root(client, collector):
    with pytest.raises(Exception, match="refused with 500"):
        client.chat.completions.create(model="status-500", messages=HELLO)
    root = collector.wait_for_roots(1)[0]
    attempt = only(collector.trace(root.trace_id), kind=names.CLIENT)
    assert attempt.status == names.STATUS_ERROR and attempt.attributes["error.type"]
    assert root.status == names.STATUS_ERROR and root.attributes[names.STATUS_CODE] == 500


def test_a_blocked_request_is_recorded_as_completely_as_a_served_one(observed, collector):
    answer = requests.post(f"{observed.url}/v1/chat/completions", json={"model": "gpt-fake", "messages": HELLO}, timeout=10)
    assert answer.status_code == 401
    root = collector.wait_for_roots(1)[0]
    spans = collector.trace(root.trace_id)
    assert root.attributes[names.STATUS_CODE] == 401
    assert [span.attributes[names.STAGE_PLUGIN] for span in spans if span.kind == names.INTERNAL] == ["key-auth"]
    assert not [span for span in spans if span.kind == names.CLIENT], "no model was asked"


def test_the_request_id_is_the_same_everywhere(client, collector, observed):
    raw = client.chat.completions.with_raw_response.create(model="gpt-fake", messages=HELLO)
    root = collector.wait_for_roots(1)[0]
    line = observed.audit.wait_for_requests(1)[0]
    assert raw.headers["x-kong-request-id"] == root.attributes[names.REQUEST_ID] == line["request"]["id"]
    assert line["trace_id"] == root.trace_id
    assert line["config_hash"] == root.attributes[names.CONFIG_HASH]


def test_an_incoming_trace_is_continued_and_passed_on(client, collector, provider):
    client.chat.completions.create(model="gpt-fake", messages=HELLO, extra_headers=traceparent())
    root = collector.wait_for_roots(1)[0]
    assert (root.trace_id, root.parent_id) == (TRACE, PARENT)
    attempt = only(collector.trace(TRACE), kind=names.CLIENT)
    version, trace, span, flags = provider.last().header("traceparent").split("-")
    assert (version, trace, span, flags) == ("00", TRACE, attempt.span_id, "01")
    assert provider.last().header("tracestate") == "vendor=value"


def test_a_new_trace_is_begun_where_there_is_none(client, collector, provider):
    client.chat.completions.create(model="gpt-fake", messages=HELLO)
    root = collector.wait_for_roots(1)[0]
    assert provider.last().header("traceparent").split("-")[1] == root.trace_id


@pytest.mark.parametrize("value", ["00-xyz-1-01", "00-" + "0" * 32 + "-b7ad6b7169203331-01", "ff-" + TRACE + "-" + PARENT + "-01", ""])
def test_a_broken_parent_is_ignored(client, collector, value):
    client.chat.completions.create(model="gpt-fake", messages=HELLO, extra_headers={"traceparent": value})
    root = collector.wait_for_roots(1)[0]
    assert root.parent_id == "" and root.trace_id != TRACE


def test_an_unsampled_parent_is_honoured(client, collector, provider, observed):
    client.chat.completions.create(model="gpt-fake", messages=HELLO, extra_headers=traceparent(sampled=False))
    assert provider.last().header("traceparent").endswith("-00")
    # A sampled request after it proves that the exporter had its chance.
    client.chat.completions.create(model="gpt-fake", messages=HELLO)
    collector.wait_for_roots(1)
    assert not collector.trace(TRACE)
    # The other two views have it all the same.
    lines = observed.audit.wait_for_requests(2)
    assert TRACE in {line["trace_id"] for line in lines}
    assert observed.metrics().total(f"{names.HTTP_SERVER_DURATION}_count") == 2


def test_former_names_of_the_http_conventions_on_demand(gateways, provider, origin, collector):
    environment = configuration.telemetry_environment(collector, OTEL_SEMCONV_STABILITY_OPT_IN="http/dup,gen_ai_latest_experimental,database")
    gateway = gateways(configuration.everything(provider, origin), environment=environment)
    assert requests.get(f"{gateway.url}/plain/a?secret=1", headers={"apikey": configuration.CLIENT_KEY}, timeout=5).status_code == 200
    root = collector.wait_for_roots(1)[0]
    former = {"http.method": "http.request.method", "http.status_code": "http.response.status_code", "http.target": "url.path", "net.host.name": "server.address"}
    for old, new in former.items():
        assert root.attributes[old] == root.attributes[new], old
    attempt = next(span for span in collector.trace(root.trace_id) if span.kind == names.CLIENT)
    assert attempt.attributes["net.peer.name"] == attempt.attributes["server.address"] == "127.0.0.1"
    page = gateway.metrics()
    assert page.total("http_server_duration_milliseconds_count", http_method="GET", http_status_code="200") == 1
    assert page.total("http_server_request_duration_seconds_count", http_request_method="GET") == 1
    assert "database has no effect" in gateway.stderr and "http/dup has no effect" not in gateway.stderr
