"""Metrics: promtool is content, a real Prometheus scrapes them, and they count what happened."""

import re

import pytest
import requests
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics

from support import names
from support.configuration import everything, llm_service, plugin
from support.prometheus import promtool_problems
from support.provider import PROMPT_TOKENS

HELLO = [{"role": "user", "content": "hi"}]


def traffic(client, observed):
    client.chat.completions.create(model="gpt-fake", messages=HELLO)
    list(client.chat.completions.create(model="tokens-7", messages=HELLO, stream=True))
    client.embeddings.create(model="embed-fake", input="x")
    with pytest.raises(Exception, match="429"):
        client.chat.completions.create(model="status-429", messages=HELLO)
    assert requests.get(f"{observed.url}/nowhere", timeout=5).status_code in (401, 404)
    observed.audit.wait_for_requests(5)


def test_promtool_has_nothing_to_say(client, observed):
    traffic(client, observed)
    page = observed.metrics_text()
    kept = "\n".join(line for line in page.splitlines() if not re.match(rf"(# (HELP|TYPE) )?({'|'.join(names.KONG_PREFIXES)})", line)) + "\n"
    assert promtool_problems(kept) == ""


def test_the_instruments_count_what_happened(client, observed):
    traffic(client, observed)
    page = observed.metrics()
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
    for kind, left in (("requests", 99), ("tokens", 9999)):
        assert set(page.values(names.PROVIDER_REMAINING, **{names.LABEL_LIMIT_KIND: kind})) == {left}


def test_overhead_is_what_the_upstream_did_not_take(client, observed):
    client.chat.completions.create(model="slow-10-20", messages=HELLO)
    observed.audit.wait_for_requests(1)
    page = observed.metrics()
    assert page.total(f"{names.HTTP_SERVER_DURATION}_sum") >= 0.2
    assert page.total(f"{names.OVERHEAD}_sum") < 0.1


def test_openmetrics_with_exemplars(client, observed, collector):
    client.chat.completions.create(model="gpt-fake", messages=HELLO)
    root = collector.wait_for_roots(1)[0]
    observed.audit.wait_for_requests(1)
    text = observed.metrics_text("application/openmetrics-text; version=1.0.0")
    families = list(parse_openmetrics(text))
    assert text.endswith("# EOF\n")
    traces = {sample.exemplar.labels.get("trace_id") for family in families for sample in family.samples if sample.exemplar}
    assert root.trace_id in traces


def test_the_format_is_negotiated(observed):
    def kind(accept):
        return requests.get(f"{observed.status_url}/metrics", headers={"Accept": accept}, timeout=5).headers["Content-Type"]

    assert kind("text/plain").startswith("text/plain; version=0.0.4")
    assert kind("application/openmetrics-text; version=1.0.0").startswith("application/openmetrics-text; version=1.0.0")
    assert kind("application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5").startswith("application/openmetrics-text")


def test_a_model_the_client_made_up_does_not_become_a_series(client, observed):
    """Label values come from the roster; the rest is bounded."""
    for number in range(400):
        client.chat.completions.create(model=f"made-up-{number}", messages=HELLO)
    observed.audit.wait_for_requests(400)
    page = observed.metrics()
    models = {sample.labels.get(names.LABEL_MODEL) for sample in page.samples if sample.name == f"{names.OPERATION_DURATION}_count"}
    assert len(models) < 250
    assert page.total(f"{names.OPERATION_DURATION}_count") == 400


def test_kongs_own_names_appear_with_its_plugin(gateways, provider, client_of):
    metrics_plugin = plugin("prometheus", status_code_metrics=True, latency_metrics=True, bandwidth_metrics=True, ai_metrics=True)
    gateway = gateways({"services": [llm_service(provider.base)], "plugins": [metrics_plugin]})
    client_of(f"{gateway.url}/v1", key=None).chat.completions.create(model="gpt-fake", messages=HELLO)
    gateway.audit.wait_for_requests(1)
    page = gateway.metrics()
    assert page.total("kong_http_requests_total", code="200", service="llm", route="llm-chat") == 1
    assert page.total("kong_ai_llm_requests_total") + page.total("ai_llm_requests_total") == 1
    assert page.total("kong_request_latency_ms_count") == 1


def test_a_real_prometheus_scrapes_it(client, observed, prometheus):
    server = prometheus(observed.status_port)
    server.wait_for("up", lambda r: r and r[0]["value"][1] == "1")
    traffic(client, observed)
    total = server.wait_for(f"sum({names.HTTP_SERVER_DURATION}_count)", lambda r: r and float(r[0]["value"][1]) == 5)
    assert total
    tokens = server.wait_for(f"sum by ({names.LABEL_TOKEN_TYPE}) ({names.TOKEN_USAGE}_sum)", lambda r: len(r) == 2)
    assert {t["metric"][names.LABEL_TOKEN_TYPE]: float(t["value"][1]) for t in tokens}["output"] == 12
    quantile = server.wait_for(f"histogram_quantile(0.99, sum by (le) ({names.HTTP_SERVER_DURATION}_bucket))", bool)
    assert float(quantile[0]["value"][1]) > 0
    assert not [target["lastError"] for target in server.targets() if target["lastError"]]
    gauge = server.wait_for(f"max({names.UNACCOUNTED})", lambda r: r and float(r[0]["value"][1]) == 0)
    assert gauge


def test_a_real_prometheus_reads_native_histograms(gateways, provider, origin, client_of, prometheus):
    gateway = gateways(everything(provider, origin, _pellucid={"native_histograms": True}))
    client = client_of(f"{gateway.url}/v1")
    for _ in range(20):
        client.chat.completions.create(model="gpt-fake", messages=HELLO)
    gateway.audit.wait_for_requests(20)
    server = prometheus(gateway.status_port, features="native-histograms")
    # A native histogram is one series without `le`, and its count and sum come from functions.
    counted = server.wait_for(f"histogram_count(sum({names.HTTP_SERVER_DURATION}))", lambda r: r and float(r[0]["value"][1]) == 20)
    assert counted
    tokens = server.wait_for(f"sum by ({names.LABEL_TOKEN_TYPE}) (histogram_sum({names.TOKEN_USAGE}))", lambda r: len(r) == 2)
    assert {t["metric"][names.LABEL_TOKEN_TYPE]: float(t["value"][1]) for t in tokens} == {"input": 220, "output": 100}
    # Every prompt has eleven tokens: the quantile is that, within the width of a bucket.
    quantile = server.wait_for(f'histogram_quantile(0.5, sum({names.TOKEN_USAGE}{{{names.LABEL_TOKEN_TYPE}="input"}}))', bool)
    assert 9.5 <= float(quantile[0]["value"][1]) <= 11.4
    assert not [target["lastError"] for target in server.targets() if target["lastError"]]


def test_the_protobuf_page_says_what_the_text_says(observed, client):
    traffic(client, observed)
    observed.audit.wait_for_requests(5)
    accept = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.7,text/plain;q=0.3"
    answer = requests.get(f"{observed.status_url}/metrics", headers={"Accept": accept}, timeout=5)
    assert answer.headers["Content-Type"].startswith("application/vnd.google.protobuf")
    counts = {}
    for name, message in protobuf_families(answer.content):
        counts[name] = len([field for field, _ in message if field == 4])
    text = {family: len({tuple(sorted((k, v) for k, v in s.labels.items() if k != "le")) for s in samples.samples}) for family, samples in observed.metrics().families.items()}
    assert counts["http_server_request_duration_seconds"] == text["http_server_request_duration_seconds"]
    assert counts["pellucid_requests_finished_total"] == text["pellucid_requests_finished"]


def protobuf_families(data: bytes):
    """Name and (field, value) pairs of each length-delimited message, by the wire format alone."""

    def varint(at):
        value = shift = 0
        while True:
            byte = data[at]
            value |= (byte & 0x7F) << shift
            at, shift = at + 1, shift + 7
            if byte < 0x80:
                return value, at

    at = 0
    while at < len(data):
        length, at = varint(at)
        end, fields = at + length, []
        while at < end:
            tag, at = varint(at)
            if tag & 7 == 2:
                size, at = varint(at)
                fields.append((tag >> 3, data[at : at + size]))
                at += size
            else:
                value, at = varint(at)
                fields.append((tag >> 3, value))
        assert at == end
        yield dict(fields[:1])[1].decode(), fields
