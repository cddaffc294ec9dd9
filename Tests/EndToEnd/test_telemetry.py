"""Three views of the same evidence: traces at a collector, metrics at a Prometheus, lines in the audit log."""

import collections
import json
import re

import pytest
import requests
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics

from support import names
from support.configuration import CLIENT_KEY, UPSTREAM_KEY, consumer, key_auth, llm_service, plain_service, plugin, telemetry_environment
from support.mixed import Mixed
from support.prometheus import promtool_problems
from support.provider import PROMPT_TOKENS
from support.waiting import until

HELLO = [{"role": "user", "content": "the-secret-prompt"}]
TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


def full(provider, origin=None, **extra) -> dict:
    services = [llm_service(provider.base)]
    if origin is not None:
        services.append(plain_service(origin.port))
    services.append(plain_service(9, name="down", path="/down", retries=0))
    return {"services": services, "consumers": [consumer()], "plugins": [key_auth()], **extra}


@pytest.fixture
def gateway(gateways, provider, origin, collector):
    return gateways(full(provider, origin), environment=telemetry_environment(collector))


@pytest.fixture
def client(gateway, client_of):
    return client_of(f"{gateway.url}/v1")


def traceparent(sampled: bool = True) -> dict:
    return {"traceparent": f"00-{TRACE}-{PARENT}-{'01' if sampled else '00'}", "tracestate": "vendor=value"}


def only(spans, **wanted):
    found = [span for span in spans if all(getattr(span, key) == value for key, value in wanted.items())]
    assert len(found) == 1, f"{len(found)} spans with {wanted} among {[(s.name, s.kind) for s in spans]}"
    return found[0]


class TestTrace:
    """One connected trace per request: the root, a span per stage, a span per attempt."""

    def trace_of(self, client, collector, **request):
        request = {"model": "gpt-fake", "messages": HELLO, **request}
        answer = client.chat.completions.create(**request)
        if request.get("stream"):
            list(answer)
        root = collector.wait_for_roots(1)[0]
        return collector.wait_for_trace(root.trace_id)

    @pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
    def test_the_trace_is_connected(self, client, collector, gateway, stream):
        spans = self.trace_of(client, collector, stream=stream)
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

    def test_the_root_describes_the_http_request(self, client, collector, gateway):
        root = only(self.trace_of(client, collector), kind=names.SERVER)
        expected = {
            "http.request.method": "POST",
            names.STATUS_CODE: 200,
            "url.path": "/v1/chat/completions",
            "url.scheme": "http",
            "server.port": gateway.proxy_port,
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

    def test_the_attempt_describes_the_model_call(self, client, collector, provider):
        attempt = only(self.trace_of(client, collector, temperature=0.5, max_tokens=64), kind=names.CLIENT)
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
        }
        assert expected.items() <= attempt.attributes.items(), attempt.attributes

    def test_a_stream_has_its_time_to_first_chunk_and_usage(self, client, collector):
        attempt = only(self.trace_of(client, collector, model="slow-5-20", stream=True), kind=names.CLIENT)
        assert attempt.attributes["gen_ai.usage.output_tokens"] == 5
        assert 0 < attempt.attributes["gen_ai.response.time_to_first_chunk"] < 5
        assert attempt.end - attempt.start >= 60_000_000, "the attempt ends with the last byte, not with the head"

    def test_a_provider_error_marks_the_attempt_and_the_root(self, client, collector):
        with pytest.raises(Exception, match="refused with 500"):
            client.chat.completions.create(model="status-500", messages=HELLO)
        root = collector.wait_for_roots(1)[0]
        attempt = only(collector.trace(root.trace_id), kind=names.CLIENT)
        assert attempt.status == names.STATUS_ERROR and attempt.attributes["error.type"]
        assert root.status == names.STATUS_ERROR and root.attributes[names.STATUS_CODE] == 500

    def test_a_blocked_request_is_recorded_as_completely_as_a_served_one(self, gateway, collector):
        answer = requests.post(f"{gateway.url}/v1/chat/completions", json={"model": "gpt-fake", "messages": HELLO}, timeout=10)
        assert answer.status_code == 401
        root = collector.wait_for_roots(1)[0]
        spans = collector.trace(root.trace_id)
        assert root.attributes[names.STATUS_CODE] == 401
        assert [span.attributes[names.STAGE_PLUGIN] for span in spans if span.kind == names.INTERNAL] == ["key-auth"]
        assert not [span for span in spans if span.kind == names.CLIENT], "no model was asked"

    def test_the_request_id_is_the_same_everywhere(self, client, collector, gateway):
        raw = client.chat.completions.with_raw_response.create(model="gpt-fake", messages=HELLO)
        root = collector.wait_for_roots(1)[0]
        line = gateway.audit.wait_for_requests(1)[0]
        assert raw.headers["x-kong-request-id"] == root.attributes[names.REQUEST_ID] == line["request"]["id"]
        assert line["trace_id"] == root.trace_id
        assert line["config_hash"] == root.attributes[names.CONFIG_HASH]


class TestPropagation:
    def test_an_incoming_trace_is_continued_and_passed_on(self, client, collector, provider):
        client.chat.completions.create(model="gpt-fake", messages=HELLO, extra_headers=traceparent())
        root = collector.wait_for_roots(1)[0]
        assert (root.trace_id, root.parent_id) == (TRACE, PARENT)
        attempt = only(collector.trace(TRACE), kind=names.CLIENT)
        version, trace, span, flags = provider.last().header("traceparent").split("-")
        assert (version, trace, span, flags) == ("00", TRACE, attempt.span_id, "01")
        assert provider.last().header("tracestate") == "vendor=value"

    def test_a_new_trace_is_begun_where_there_is_none(self, client, collector, provider):
        client.chat.completions.create(model="gpt-fake", messages=HELLO)
        root = collector.wait_for_roots(1)[0]
        assert provider.last().header("traceparent").split("-")[1] == root.trace_id

    @pytest.mark.parametrize("value", ["00-xyz-1-01", "00-" + "0" * 32 + "-b7ad6b7169203331-01", "ff-" + TRACE + "-" + PARENT + "-01", ""])
    def test_a_broken_parent_is_ignored(self, client, collector, value):
        client.chat.completions.create(model="gpt-fake", messages=HELLO, extra_headers={"traceparent": value})
        root = collector.wait_for_roots(1)[0]
        assert root.parent_id == "" and root.trace_id != TRACE

    def test_an_unsampled_parent_is_honoured(self, client, collector, provider, gateway):
        client.chat.completions.create(model="gpt-fake", messages=HELLO, extra_headers=traceparent(sampled=False))
        assert provider.last().header("traceparent").endswith("-00")
        # A sampled request after it proves that the exporter had its chance.
        client.chat.completions.create(model="gpt-fake", messages=HELLO)
        collector.wait_for_roots(1)
        assert not collector.trace(TRACE)
        # The other two views have it all the same.
        lines = gateway.audit.wait_for_requests(2)
        assert TRACE in {line["trace_id"] for line in lines}
        assert gateway.metrics().total(f"{names.HTTP_SERVER_DURATION}_count") == 2


class TestMetrics:
    def traffic(self, client, gateway):
        client.chat.completions.create(model="gpt-fake", messages=HELLO)
        list(client.chat.completions.create(model="tokens-7", messages=HELLO, stream=True))
        client.embeddings.create(model="embed-fake", input="x")
        with pytest.raises(Exception, match="429"):
            client.chat.completions.create(model="status-429", messages=HELLO)
        assert requests.get(f"{gateway.url}/nowhere", timeout=5).status_code in (401, 404)
        gateway.audit.wait_for_requests(5)

    def test_promtool_has_nothing_to_say(self, client, gateway):
        self.traffic(client, gateway)
        page = gateway.metrics_text()
        kept = "\n".join(line for line in page.splitlines() if not re.match(rf"(# (HELP|TYPE) )?({'|'.join(names.KONG_PREFIXES)})", line)) + "\n"
        assert promtool_problems(kept) == ""

    def test_the_instruments_count_what_happened(self, client, gateway):
        self.traffic(client, gateway)
        page = gateway.metrics()
        statuses = page.by_label(f"{names.HTTP_SERVER_DURATION}_count", names.LABEL_STATUS)
        assert statuses["200"] == 3 and statuses["429"] == 1 and sum(statuses.values()) == 5
        assert page.total(f"{names.OPERATION_DURATION}_count") == 4
        # A successful chat, a stream and embeddings report usage.
        assert page.total(f"{names.TOKEN_USAGE}_sum", **{names.LABEL_TOKEN_TYPE: "input"}) == 2 * PROMPT_TOKENS + 5
        assert page.total(f"{names.TOKEN_USAGE}_sum", **{names.LABEL_TOKEN_TYPE: "output"}) == 5 + 7
        assert page.total(f"{names.TIME_TO_FIRST_CHUNK}_count") == 1
        assert page.total(f"{names.STAGE_DURATION}_count", **{names.LABEL_PLUGIN: "ai-proxy"}) >= 4
        assert page.total(f"{names.OVERHEAD}_count") == 5
        assert page.total(names.FINISHED) == 5
        assert any(name.startswith(names.SELF_METRICS_PREFIX) for name in page.names())

    def test_overhead_is_what_the_upstream_did_not_take(self, client, gateway):
        client.chat.completions.create(model="slow-10-20", messages=HELLO)
        gateway.audit.wait_for_requests(1)
        page = gateway.metrics()
        assert page.total(f"{names.HTTP_SERVER_DURATION}_sum") >= 0.2
        assert page.total(f"{names.OVERHEAD}_sum") < 0.1

    def test_openmetrics_with_exemplars(self, client, gateway, collector):
        client.chat.completions.create(model="gpt-fake", messages=HELLO)
        root = collector.wait_for_roots(1)[0]
        gateway.audit.wait_for_requests(1)
        text = gateway.metrics_text("application/openmetrics-text; version=1.0.0")
        families = list(parse_openmetrics(text))
        assert text.endswith("# EOF\n")
        traces = {sample.exemplar.labels.get("trace_id") for family in families for sample in family.samples if sample.exemplar}
        assert root.trace_id in traces

    def test_the_format_is_negotiated(self, gateway):
        def kind(accept):
            return requests.get(f"{gateway.status_url}/metrics", headers={"Accept": accept}, timeout=5).headers["Content-Type"]

        assert kind("text/plain").startswith("text/plain; version=0.0.4")
        assert kind("application/openmetrics-text; version=1.0.0").startswith("application/openmetrics-text; version=1.0.0")
        assert kind("application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5").startswith("application/openmetrics-text")

    def test_a_model_the_client_made_up_does_not_become_a_series(self, client, gateway):
        """Label values come from the roster; the rest is bounded."""
        for number in range(400):
            client.chat.completions.create(model=f"made-up-{number}", messages=HELLO)
        gateway.audit.wait_for_requests(400)
        page = gateway.metrics()
        models = {sample.labels.get(names.LABEL_MODEL) for sample in page.samples if sample.name == f"{names.OPERATION_DURATION}_count"}
        assert len(models) < 250
        assert page.total(f"{names.OPERATION_DURATION}_count") == 400

    def test_kongs_own_names_appear_with_its_plugin(self, gateways, provider, client_of):
        metrics_plugin = plugin("prometheus", status_code_metrics=True, latency_metrics=True, bandwidth_metrics=True, ai_metrics=True)
        gateway = gateways({"services": [llm_service(provider.base)], "plugins": [metrics_plugin]})
        client_of(f"{gateway.url}/v1", key=None).chat.completions.create(model="gpt-fake", messages=HELLO)
        gateway.audit.wait_for_requests(1)
        page = gateway.metrics()
        assert page.total("kong_http_requests_total", code="200", service="llm", route="llm-chat") == 1
        assert page.total("kong_ai_llm_requests_total") + page.total("ai_llm_requests_total") == 1
        assert page.total("kong_request_latency_ms_count") == 1

    def test_a_real_prometheus_scrapes_it(self, client, gateway, prometheus):
        server = prometheus(gateway.status_port)
        server.wait_for("up", lambda r: r and r[0]["value"][1] == "1")
        self.traffic(client, gateway)
        total = server.wait_for(f"sum({names.HTTP_SERVER_DURATION}_count)", lambda r: r and float(r[0]["value"][1]) == 5)
        assert total
        tokens = server.wait_for(f"sum by ({names.LABEL_TOKEN_TYPE}) ({names.TOKEN_USAGE}_sum)", lambda r: len(r) == 2)
        assert {t["metric"][names.LABEL_TOKEN_TYPE]: float(t["value"][1]) for t in tokens}["output"] == 12
        quantile = server.wait_for(f"histogram_quantile(0.99, sum by (le) ({names.HTTP_SERVER_DURATION}_bucket))", bool)
        assert float(quantile[0]["value"][1]) > 0
        assert not [target["lastError"] for target in server.targets() if target["lastError"]]
        gauge = server.wait_for(f"max({names.UNACCOUNTED})", lambda r: r and float(r[0]["value"][1]) == 0)
        assert gauge


class TestAgreement:
    """Requests, spans, metrics and audit lines agree after mixed traffic."""

    def test_the_three_views_agree(self, request, gateways, provider, origin, collector):
        count = request.config.getoption("--mixed-requests")
        gateway = gateways(full(provider, origin), environment=telemetry_environment(collector, OTEL_BSP_MAX_QUEUE_SIZE="65536"))
        sent = Mixed(gateway).run(count)
        assert sent.total == count
        patience = 30 + count / 100
        lines = gateway.audit.wait_for_requests(count, patience)
        roots = collector.wait_for_roots(count, patience)
        until(lambda: gateway.metrics().total(names.UNACCOUNTED) == 0, timeout=patience, what="the conservation gauge at 0")
        page = gateway.metrics()

        # How many: one of each per request.
        assert len(lines) == len(roots) == count
        assert page.total(f"{names.HTTP_SERVER_DURATION}_count") == page.total(names.FINISHED) == count
        assert len({root.trace_id for root in roots}) == count

        # Which: the same requests in both.
        by_trace = {line["trace_id"]: line for line in lines}
        assert set(by_trace) == {root.trace_id for root in roots}
        for root in roots:
            line = by_trace[root.trace_id]
            assert line["request"]["id"] == root.attributes[names.REQUEST_ID]
            assert line["response"]["status"] == root.attributes.get(names.STATUS_CODE, line["response"]["status"])

        # What became of them: the same statuses in all three, and as the clients saw them.
        audited = collections.Counter(str(line["response"]["status"]) for line in lines)
        assert page.by_label(f"{names.HTTP_SERVER_DURATION}_count", names.LABEL_STATUS) == dict(audited)
        for status, number in sent.by_status.items():
            if status:
                assert audited[str(status)] >= number, f"status {status}: clients saw {number}, audited {audited}"

        # Attempts: a CLIENT span per try of the audit line.
        spans = collector.spans()
        attempts = collections.Counter(span.trace_id for span in spans if span.kind == names.CLIENT)
        for trace_id, line in by_trace.items():
            assert attempts[trace_id] == len(line.get("tries") or []), line
        llm_attempts = [span for span in spans if span.kind == names.CLIENT and "gen_ai.operation.name" in span.attributes]
        assert page.total(f"{names.OPERATION_DURATION}_count") == len(llm_attempts)

        # Stages: the span per stage, the audit entry per stage and the stage histogram count the same.
        stage_spans = collections.Counter(span.attributes[names.STAGE_PLUGIN] for span in spans if span.kind == names.INTERNAL)
        stage_entries = collections.Counter(stage["plugin"] for line in lines for stage in line["stages"])
        stage_series = {plugin: int(value) for plugin, value in page.by_label(f"{names.STAGE_DURATION}_count", names.LABEL_PLUGIN).items()}
        assert dict(stage_spans) == dict(stage_entries) == stage_series

        # Tokens: the spans' usage is the histogram's sum.
        for kind in ("input", "output"):
            reported = sum(span.attributes.get(f"gen_ai.usage.{kind}_tokens", 0) for span in llm_attempts)
            assert page.total(f"{names.TOKEN_USAGE}_sum", **{names.LABEL_TOKEN_TYPE: kind}) == reported

        # Nothing hangs in the air, and the chain holds.
        ids = {span.span_id for span in spans}
        assert all(span.is_root or span.parent_id in ids for span in spans)
        assert gateway.audit.check_chain() >= count


class TestCollector:
    """What the exporter does when the collector is slow, refuses or is gone."""

    def ask(self, client, times: int = 1):
        for _ in range(times):
            client.chat.completions.create(model="gpt-fake", messages=HELLO)

    def test_a_collector_that_was_down_gets_everything_when_it_is_back(self, client, collector, gateway):
        self.ask(client)
        collector.wait_for_roots(1)
        collector.stop()
        self.ask(client, 20)
        gateway.audit.wait_for_requests(21)
        collector.start()
        assert len(collector.wait_for_roots(21, 60)) == 21
        until(lambda: gateway.metrics().total(names.UNACCOUNTED) == 0, timeout=15, what="the conservation gauge at 0")

    @pytest.mark.parametrize("status", [429, 502, 503, 504])
    def test_a_retryable_refusal_loses_nothing(self, client, collector, status):
        collector.answer_with(status, times=2)
        self.ask(client)
        collector.wait_for_roots(1, 30)
        assert collector.refused == 2

    def test_retry_after_is_honoured(self, client, collector):
        import time

        collector.answer_with(429, headers={"Retry-After": "2"})
        self.ask(client)
        until(lambda: collector.refused == 1, what="the refusal")
        refused = time.monotonic()
        collector.wait_for_roots(1, 30)
        assert time.monotonic() - refused >= 1.8

    def test_a_refusal_that_no_retry_helps_is_counted_as_dropped(self, client, collector, gateway):
        collector.answer_with(400)
        self.ask(client)
        until(lambda: collector.refused == 1, what="the refusal")
        self.ask(client)
        assert len(collector.wait_for_roots(1)) == 1, "the refused batch is not sent again"
        until(lambda: gateway.metrics().total(names.UNACCOUNTED) == 0, timeout=15, what="the conservation gauge at 0")

    def test_a_partial_success_is_not_sent_again(self, client, collector, gateway):
        collector.answer_partially(1)
        self.ask(client)
        collector.wait_for_roots(1)
        copies = collector.span_copies()
        self.ask(client)
        collector.wait_for_roots(2)
        assert collector.span_copies() == 2 * copies

    def test_a_request_does_not_wait_for_a_dead_collector(self, client, collector):
        import time

        collector.stop()
        begin = time.monotonic()
        self.ask(client, 20)
        assert time.monotonic() - begin < 5

    def test_headers_and_resource_come_from_the_standard_variables(self, gateways, provider, collector, client_of):
        environment = telemetry_environment(
            collector, OTEL_EXPORTER_OTLP_HEADERS="x-token=abc,x-other=d%20e", OTEL_SERVICE_NAME="my-gateway", OTEL_RESOURCE_ATTRIBUTES="deployment.environment.name=test"
        )
        gateway = gateways(full(provider), environment=environment)
        self.ask(client_of(f"{gateway.url}/v1"))
        root = collector.wait_for_roots(1)[0]
        assert root.resource["service.name"] == "my-gateway" and root.resource["deployment.environment.name"] == "test"
        headers = {key.lower(): value for key, value in collector.bodies[0][1].items()}
        assert headers["x-token"] == "abc" and headers["x-other"] == "d e"
        assert headers["content-type"] == "application/x-protobuf"

    def test_kongs_plugin_configures_it_too(self, gateways, provider, collector, client_of):
        otel = plugin("opentelemetry", traces_endpoint=f"{collector.endpoint}/v1/traces", resource_attributes={"service.name": "by-plugin"}, sampling_rate=1)
        gateway = gateways(full(provider, plugins=[key_auth(), otel]), environment={"OTEL_BSP_SCHEDULE_DELAY": "100"})
        self.ask(client_of(f"{gateway.url}/v1"))
        assert collector.wait_for_roots(1)[0].resource["service.name"] == "by-plugin"

    def test_metrics_are_pushed_as_otlp_too(self, client, collector):
        self.ask(client)
        until(lambda: "gen_ai.client.operation.duration" in collector.metric_names(), what="metrics at the collector")
        assert "http.server.request.duration" in collector.metric_names()


class TestSecrets:
    """Neither credentials nor content are recorded unless asked for."""

    def test_no_secret_and_no_prompt_is_in_any_output(self, gateways, provider, collector, client_of, tmp_path):
        log = tmp_path / "requests.log"
        gateway = gateways(full(provider, plugins=[key_auth(), plugin("file-log", path=str(log))]), environment=telemetry_environment(collector))
        client = client_of(f"{gateway.url}/v1")
        client.chat.completions.create(model="gpt-fake", messages=HELLO)
        list(client.chat.completions.create(model="tokens-3", messages=HELLO, stream=True))
        with pytest.raises(Exception, match="refused with 400"):
            client.chat.completions.create(model="status-400", messages=HELLO)
        requests.get(f"{gateway.url}/v1/chat/completions?apikey={CLIENT_KEY}", timeout=5)
        requests.post(f"{gateway.url}/v1/chat/completions", data=b'{"messages": "the-secret-prompt', headers={"apikey": CLIENT_KEY}, timeout=5)
        gateway.audit.wait_for_requests(5)
        collector.wait_for_roots(5)
        until(lambda: log.exists() and len(log.read_bytes().splitlines()) == 5, what="the lines of file-log")
        outputs = {
            "spans": collector.everything(),
            "audit": gateway.audit_path.read_bytes(),
            "file-log": log.read_bytes(),
            "diagnostics": gateway.stderr.encode(),
            "metrics": gateway.metrics_text().encode(),
        }
        for secret in (CLIENT_KEY, UPSTREAM_KEY, "client-side-key", "the-secret-prompt", "Hello from the fake provider", "t0 t1"):
            for name, content in outputs.items():
                assert secret.encode() not in content, f"{secret} is in {name}"

    def test_payloads_are_recorded_when_asked_for(self, gateways, provider, client_of, tmp_path):
        log = tmp_path / "requests.log"
        service = llm_service(provider.base, logging={"log_payloads": True, "log_statistics": True})
        gateway = gateways({"services": [service], "plugins": [plugin("file-log", path=str(log))]})
        client_of(f"{gateway.url}/v1", key=None).chat.completions.create(model="gpt-fake", messages=HELLO)
        until(lambda: log.exists() and log.read_bytes(), what="the line of file-log")
        line = json.loads(log.read_bytes())
        assert "the-secret-prompt" in json.dumps(line["ai"]["proxy"]["payload"]["request"])
        assert line["ai"]["proxy"]["usage"]["prompt_tokens"] == PROMPT_TOKENS
        assert UPSTREAM_KEY not in log.read_text()
