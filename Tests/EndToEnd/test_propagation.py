"""Trace context in every format: what is read, what is written, what is cleared; Zipkin spans that say the same as OTLP spans."""

import pytest
import requests

from support import names
from support.configuration import everything, plain_service, plugin, telemetry_environment
from support.raw import Message
from support.receivers import JSONReceiver
from support.waiting import until

TRACE = "463ac35c9f6413ad48485a3953bb6124"
SPAN = "a2fb4a1d1a96d312"
INCOMING = {
    "w3c": {"traceparent": f"00-{TRACE}-{SPAN}-01"},
    "b3": {"X-B3-TraceId": TRACE, "X-B3-SpanId": SPAN, "X-B3-Sampled": "1"},
    "b3-single": {"b3": f"{TRACE}-{SPAN}-1"},
    "jaeger": {"uber-trace-id": f"{TRACE}:{SPAN}:0:1"},
    "ot": {"ot-tracer-traceid": TRACE, "ot-tracer-spanid": SPAN, "ot-tracer-sampled": "1"},
    "aws": {"X-Amzn-Trace-Id": f"Root=1-{TRACE[:8]}-{TRACE[8:]};Parent={SPAN};Sampled=1"},
    "gcp": {"X-Cloud-Trace-Context": f"{TRACE}/{int(SPAN, 16)};o=1"},
    "datadog": {"x-datadog-trace-id": str(int(TRACE[16:], 16)), "x-datadog-parent-id": str(int(SPAN, 16)), "x-datadog-sampling-priority": "1"},
    "instana": {"X-INSTANA-T": TRACE, "X-INSTANA-S": SPAN, "X-INSTANA-L": "1"},
}


def written(message: Message, format: str) -> tuple[str, str]:
    """Trace and span id in the upstream's request, as this format has them."""
    header = message.header
    match format:
        case "w3c":
            return tuple(header("traceparent").split("-")[1:3])
        case "b3":
            return header("x-b3-traceid"), header("x-b3-spanid")
        case "b3-single":
            return tuple(header("b3").split("-")[:2])
        case "jaeger":
            return tuple(header("uber-trace-id").split(":")[:2])
        case "ot":
            return header("ot-tracer-traceid"), header("ot-tracer-spanid")
        case "aws":
            fields = dict(part.split("=") for part in header("x-amzn-trace-id").split(";"))
            return fields["Root"].replace("-", "")[1:], fields["Parent"]
        case "gcp":
            trace, rest = header("x-cloud-trace-context").split("/")
            return trace, f"{int(rest.split(';')[0]):016x}"
        case "datadog":
            return f"{int(header('x-datadog-trace-id')):016x}", f"{int(header('x-datadog-parent-id')):016x}"
        case "instana":
            return header("x-instana-t"), header("x-instana-s")
    raise AssertionError(format)


@pytest.fixture
def start(gateways, origin, collector):
    """A function that starts a gateway whose route has the opentelemetry plugin with these options."""

    def begin(**options):
        otel = plugin("opentelemetry", traces_endpoint=f"{collector.endpoint}/v1/traces", queue={"max_coalescing_delay": 0.05}, **options)
        return gateways({"services": [plain_service(origin.port, plugins=[otel])]})

    return begin


def root_of(collector, count: int = 1):
    return collector.wait_for_roots(count)[-1]


@pytest.mark.parametrize("format", INCOMING)
def test_a_format_is_read_and_kept(start, origin, collector, format):
    reads = "b3" if format == "b3-single" else format
    gateway = start(propagation={"extract": [reads], "inject": ["preserve"]})
    requests.get(f"{gateway.url}/plain", headers=INCOMING[format], timeout=5)
    root = root_of(collector)
    expected = TRACE if format != "datadog" else "0" * 16 + TRACE[16:]
    assert (root.trace_id, root.parent_id) == (expected, SPAN)
    trace, span = written(origin.requests[-1], format)
    attempt = next(span for span in collector.spans() if span.kind == names.CLIENT)
    assert trace.rjust(32, "0") == expected and span == attempt.span_id
    name = next(iter(INCOMING[format]))
    assert len(origin.requests[-1].all(name)) == 1, "the client's header is replaced, not joined"


@pytest.mark.parametrize("format", [name for name in INCOMING if name != "w3c"])
def test_a_format_is_written_besides_another(start, origin, collector, format):
    gateway = start(propagation={"extract": ["w3c"], "inject": ["w3c", format]})
    requests.get(f"{gateway.url}/plain", headers=INCOMING["w3c"], timeout=5)
    root_of(collector)
    own = written(origin.requests[-1], "w3c")
    trace, span = written(origin.requests[-1], format)
    assert TRACE.endswith(trace) and span == own[1]


def test_by_default_what_comes_goes_on_and_w3c_begins(start, origin, collector):
    gateway = start()
    requests.get(f"{gateway.url}/plain", headers=INCOMING["jaeger"], timeout=5)
    assert root_of(collector).trace_id == TRACE
    assert origin.requests[-1].header("traceparent") is None and written(origin.requests[-1], "jaeger")[0] == TRACE
    requests.get(f"{gateway.url}/plain", timeout=5)
    root_of(collector, 2)
    assert written(origin.requests[-1], "w3c")[0] != TRACE


def test_nothing_is_read_or_written_where_nothing_is_named_and_headers_are_cleared(start, origin, collector):
    gateway = start(propagation={"clear": ["uber-trace-id", "X-Extra"]})
    requests.get(f"{gateway.url}/plain", headers={**INCOMING["jaeger"], **INCOMING["b3"], "x-extra": "1"}, timeout=5)
    root = root_of(collector)
    assert root.trace_id != TRACE and root.parent_id == ""
    message = origin.requests[-1]
    assert message.header("uber-trace-id") is None and message.header("x-extra") is None
    assert message.header("x-b3-traceid") == TRACE, "what is not cleared passes"
    assert message.header("traceparent") is None


def test_a_callers_no_is_kept_in_any_format(start, origin, collector):
    gateway = start(propagation={"extract": ["b3", "w3c"], "inject": ["w3c"]})
    requests.get(f"{gateway.url}/plain", headers={"b3": "0"}, timeout=5)
    requests.get(f"{gateway.url}/plain", headers=INCOMING["w3c"], timeout=5)
    assert root_of(collector).trace_id == TRACE
    assert origin.requests[0].header("traceparent").endswith("-00")
    assert len(collector.roots()) == 1


def test_the_trace_id_is_told_to_the_client(start, collector):
    gateway = start(http_response_header_for_traceid="X-Trace")
    answer = requests.get(f"{gateway.url}/plain", timeout=5)
    assert answer.headers["X-Trace"] == root_of(collector).trace_id


def test_zipkin_spans_say_what_otlp_spans_say(gateways, provider, origin, collector, client_of):
    receiver = JSONReceiver()
    zipkin = plugin(
        "zipkin", http_endpoint=receiver.url, sample_ratio=1, local_service_name="edge", http_span_name="method_path", static_tags=[{"name": "env", "value": "test"}],
        propagation={"extract": ["w3c", "b3"], "inject": ["b3", "w3c"], "default_format": "b3"},
    )  # fmt: skip
    settings = everything(provider, origin)
    settings["plugins"].append(zipkin)
    gateway = gateways(settings, environment=telemetry_environment(collector))
    client_of(f"{gateway.url}/v1").chat.completions.create(model="gpt-fake", messages=[{"role": "user", "content": "hi"}])
    requests.get(f"{gateway.url}/plain", timeout=5)
    collector.wait_for_roots(2)
    spans = receiver.wait_for(len(collector.spans()))
    otlp = {span.span_id: span for span in collector.spans()}
    assert {span["id"] for span in spans} == set(otlp)
    for span in spans:
        twin = otlp[span["id"]]
        assert span["traceId"] == twin.trace_id and span.get("parentId", "") == twin.parent_id
        assert span["timestamp"] == twin.start // 1000 and span["duration"] == max(1, (twin.end - twin.start) // 1000)
        assert span["localEndpoint"] == {"serviceName": "edge"}
    served = next(span for span in spans if span.get("kind") == "SERVER" and span["tags"]["http.status_code"] == "200")
    assert served["name"] == "POST /v1/chat/completions" and served["tags"]["env"] == "test" and served["tags"]["kong.route_name"] == "llm-chat"
    attempt = next(span for span in spans if span.get("kind") == "CLIENT")
    assert attempt["tags"]["gen_ai.usage.input_tokens"] == "11" and attempt["remoteEndpoint"]["port"] == provider.port
    assert provider.last().header("x-b3-traceid") == served["traceId"]
    until(lambda: gateway.metrics().total(names.UNACCOUNTED) == 0, what="the conservation gauge at 0")
    receiver.stop()


def test_opentelemetry_sends_log_records_and_chosen_metrics(gateways, origin, collector):
    otel = plugin(
        "opentelemetry", access_logs={"endpoint": f"{collector.endpoint}/v1/logs"}, metrics={"endpoint": f"{collector.endpoint}/v1/metrics", "push_interval": 0.2, "enable_request_metrics": True},
        queue={"max_coalescing_delay": 0.05},
    )  # fmt: skip
    gateway = gateways({"services": [plain_service(origin.port, plugins=[otel])]})
    requests.get(f"{gateway.url}/plain", timeout=5)
    records = until(lambda: [record for record in collector.log_records() if record.event_name == "pellucid.request"], what="the log record")
    line = gateway.audit.wait_for_requests(1)[0]
    assert records[0].trace_id.hex() == line["trace_id"]
    pushed = until(lambda: (found := collector.metric_names()) and "pellucid.requests.finished" in found and found, what="pushed metrics")
    assert "http.server.request.duration" not in pushed, "latency metrics were not asked for"
