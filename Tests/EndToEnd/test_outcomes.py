"""One request of each kind, and the three views of it side by side: span, metric, audit line, against what client and provider saw."""

import socket
import threading

import openai
import pytest
import requests

from support import names
from support.configuration import CLIENT_KEY, ROUTE_TYPES, everything, llm_service, plain_service, plugin, telemetry_environment
from support.ports import free_port
from support.provider import PROMPT_TOKENS
from support.waiting import until

HELLO = [{"role": "user", "content": "hi"}]


def failing_over(provider) -> dict:
    """ai-proxy-advanced with a target that is gone before the one that answers."""
    bases = {"gone": f"http://127.0.0.1:{free_port()}", "gpt-fake": provider.base}
    targets = [
        {"route_type": "llm/v1/chat", "model": {"provider": "openai", "name": name, "model_alias": "chat", "options": {"upstream_url": base + ROUTE_TYPES["chat"]}}}
        for name, base in bases.items()
    ]
    return plugin("ai-proxy-advanced", targets=targets, balancer={"algorithm": "round-robin", "failover_criteria": ["error", "timeout"]})


@pytest.fixture
def gateway(gateways, provider, origin, collector):
    settings = everything(provider, origin)
    guard = plugin("ai-prompt-guard", deny_patterns=["forbidden"])
    settings["services"] += [
        llm_service(provider.base, name="guarded", prefix="/guarded", plugins=[guard]),
        {"name": "balanced", "url": provider.base, "routes": [{"name": "balanced", "paths": ["/balanced/v1/chat/completions"], "plugins": [failing_over(provider)]}]},
        plain_service(provider.port, name="hasty", path="/hasty", read_timeout=200, retries=0),
    ]
    return gateways(settings, environment=telemetry_environment(collector))


def views(gateway, collector):
    """The audit line, the root span and the attempts' spans of the only request, and the page once it counts it."""
    line = gateway.audit.wait_for_requests(1)[0]
    spans = collector.wait_for_trace(line["trace_id"])
    root = next(span for span in spans if span.is_root)
    until(lambda: gateway.metrics().total(names.UNACCOUNTED) == 0, what="the conservation gauge at 0")
    return line, root, [span for span in spans if span.kind == names.CLIENT], gateway.metrics()


def agree(gateway, collector, *, status: int, outcome: str, error: str | None, attempts: int):
    """Asserts that the three views say this of the request."""
    line, root, clients, page = views(gateway, collector)
    assert (line["response"]["status"], root.attributes[names.STATUS_CODE]) == (status, status)
    assert page.by_label(f"{names.HTTP_SERVER_DURATION}_count", names.LABEL_STATUS) == {str(status): 1}
    assert line["outcome"] == outcome == root.attributes["pellucid.outcome"]
    assert page.by_label(names.FINISHED, "outcome") == {outcome: 1}
    assert line.get("error_type") == error
    if error is not None:
        assert root.attributes["error.type"] == error
        assert page.by_label(f"{names.HTTP_SERVER_DURATION}_count", "error_type") == {error: 1}
    assert len(line["tries"]) == len(clients) == attempts
    seconds = (root.end - root.start) / 1e9
    assert page.total(f"{names.HTTP_SERVER_DURATION}_sum") == pytest.approx(seconds, abs=1e-6)
    assert line["latencies"]["pellucid"]["request_us"] == pytest.approx(seconds * 1e6, abs=1)
    stages = {(stage["plugin"], stage["phase"], stage["outcome"]) for stage in line["stages"]}
    assert stages == {(s.labels["plugin"], s.labels["phase"], s.labels["outcome"]) for s in page.samples if s.name == f"{names.STAGE_DURATION}_count" and s.value}
    return line, root, clients, page


def tokens(line, clients, page, *, sent: int, received: int, source: str):
    """Asserts that the three views count these tokens."""
    assert (line["usage"]["input_tokens"], line["usage"]["output_tokens"], line["usage"]["source"]) == (sent, received, source)
    assert (clients[0].attributes["gen_ai.usage.input_tokens"], clients[0].attributes["gen_ai.usage.output_tokens"]) == (sent, received)
    assert page.by_label(f"{names.TOKEN_USAGE}_sum", names.LABEL_TOKEN_TYPE) == {kind: count for kind, count in (("input", sent), ("output", received)) if count}
    assert page.by_label(f"{names.TOKEN_USAGE}_count", "pellucid_usage_source") == {source: 2}


def test_served(gateway, collector, client_of):
    answer = client_of(f"{gateway.url}/v1").chat.completions.create(model="tokens-9", messages=HELLO)
    line, _, clients, page = agree(gateway, collector, status=200, outcome="passed", error=None, attempts=1)
    tokens(line, clients, page, sent=answer.usage.prompt_tokens, received=answer.usage.completion_tokens, source="provider_reported")


def test_streamed(gateway, collector, client_of):
    chunks = list(client_of(f"{gateway.url}/v1").chat.completions.create(model="tokens-9", messages=HELLO, stream=True, stream_options={"include_usage": True}))
    line, root, clients, page = agree(gateway, collector, status=200, outcome="passed", error=None, attempts=1)
    tokens(line, clients, page, sent=PROMPT_TOKENS, received=chunks[-1].usage.completion_tokens, source="provider_reported")
    assert page.total("gen_ai_server_time_to_first_token_seconds_count") == 1
    assert clients[0].attributes["gen_ai.response.time_to_first_chunk"] > 0


def test_blocked_by_a_guard(gateway, collector, client_of, provider):
    with pytest.raises(openai.BadRequestError):
        client_of(f"{gateway.url}/guarded/v1").chat.completions.create(model="gpt-fake", messages=[{"role": "user", "content": "a forbidden word"}])
    line, root, _, page = views(gateway, collector)
    agree(gateway, collector, status=400, outcome="rejected", error=line["error_type"], attempts=0)
    assert not provider.requests and line["usage"]["source"] == "none"
    assert page.total(f"{names.STAGE_DURATION}_count", plugin="ai-prompt-guard", outcome="rejected") == 1
    assert page.total(f"{names.TOKEN_USAGE}_count") == 0


def test_rejected_without_a_key(gateway, collector):
    requests.get(f"{gateway.url}/plain", timeout=5)
    line, *_ = views(gateway, collector)
    agree(gateway, collector, status=401, outcome="rejected", error=line["error_type"], attempts=0)


def test_upstream_refuses(gateway, collector, client_of):
    with pytest.raises(openai.InternalServerError):
        client_of(f"{gateway.url}/v1").chat.completions.create(model="status-500", messages=HELLO)
    line, _, clients, page = views(gateway, collector)
    assert (line["response"]["status"], line["tries"][0]["code"], clients[0].attributes[names.STATUS_CODE]) == (500, 500, 500)
    assert page.by_label(f"{names.OPERATION_DURATION}_count", "error_type") == {"500": 1} and clients[0].attributes["error.type"] == "500"


def test_upstream_down(gateway, collector):
    requests.get(f"{gateway.url}/down", headers={"apikey": CLIENT_KEY}, timeout=10)
    line, *_ = views(gateway, collector)
    agree(gateway, collector, status=502, outcome="failed", error=line["error_type"], attempts=1)


def test_failed_over(gateway, collector, client_of):
    answer = client_of(f"{gateway.url}/balanced/v1").chat.completions.create(model="chat", messages=HELLO)
    line, _, clients, page = agree(gateway, collector, status=200, outcome="passed", error=None, attempts=2)
    lost, served = sorted(clients, key=lambda span: span.start)
    assert (lost.attributes["error.type"], "error.type" in served.attributes) == ("connection_refused", False)
    assert [span.attributes["pellucid.balancer.target"] for span in (lost, served)] == ["openai/gone", "openai/gpt-fake"]
    assert page.by_label("pellucid_balancer_selections_total", "pellucid_balancer_target") == {"openai/gone": 1, "openai/gpt-fake": 1}
    assert page.by_label("pellucid_balancer_failures_total", "error_type") == {"connection_refused": 1}
    # What the provider reported is counted once, and the attempt that reached nobody is charged nothing.
    assert "gen_ai.usage.input_tokens" not in lost.attributes
    usage = (answer.usage.prompt_tokens, answer.usage.completion_tokens)
    assert (served.attributes["gen_ai.usage.input_tokens"], served.attributes["gen_ai.usage.output_tokens"]) == usage
    assert (line["usage"]["input_tokens"], line["usage"]["output_tokens"], line["usage"]["source"]) == (*usage, "provider_reported")
    assert tuple(page.total(f"{names.TOKEN_USAGE}_sum", **{names.LABEL_TOKEN_TYPE: kind}) for kind in ("input", "output")) == usage


def test_timed_out(gateway, collector, provider):
    answer = requests.post(f"{gateway.url}/hasty/v1/chat/completions", headers={"apikey": CLIENT_KEY}, json={"model": "hang", "messages": HELLO}, timeout=10)
    line, *_ = views(gateway, collector)
    agree(gateway, collector, status=answer.status_code, outcome="failed", error=line["error_type"], attempts=1)
    assert answer.status_code == 504 and "timeout" in line["error_type"]


def test_cancelled_by_the_client(gateway, collector, client_of, provider):
    stream = client_of(f"{gateway.url}/v1").chat.completions.create(model="gate", messages=HELLO, stream=True)
    next(stream)
    stream.close()
    line, root, clients, page = agree(gateway, collector, status=200, outcome="cancelled", error="client_closed", attempts=1)
    usage = line["usage"]
    assert usage["source"] == "partial" and usage["input_tokens"] > 0 and usage["output_tokens"] > 0
    tokens(line, clients, page, sent=usage["input_tokens"], received=usage["output_tokens"], source=usage["source"])


def test_cancelled_before_there_was_an_answer(gateway, collector, provider):
    body = b'{"model": "hang", "messages": [{"role": "user", "content": "hi"}]}'
    with socket.create_connection(("127.0.0.1", gateway.proxy_port), timeout=5) as connection:
        head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: g\r\napikey: {CLIENT_KEY}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        connection.sendall(head.encode() + body)
        provider.wait_for(lambda request: request.model == "hang")
    agree(gateway, collector, status=499, outcome="cancelled", error="client_closed", attempts=1)


def test_unrouted(gateway, collector):
    requests.get(f"{gateway.url}/nowhere", timeout=5)
    line, *_ = views(gateway, collector)
    agree(gateway, collector, status=404, outcome="rejected", error=line["error_type"], attempts=0)
    assert "route" not in line


def test_many_at_once_are_the_sum_of_one(gateway, collector, client_of):
    client = client_of(f"{gateway.url}/v1")
    threads = [threading.Thread(target=lambda n=n: client.chat.completions.create(model=f"tokens-{n}", messages=HELLO)) for n in range(1, 11)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lines = gateway.audit.wait_for_requests(10)
    collector.wait_for_roots(10)
    until(lambda: gateway.metrics().total(names.UNACCOUNTED) == 0, what="the conservation gauge at 0")
    assert sum(line["usage"]["output_tokens"] for line in lines) == sum(range(1, 11)) == gateway.metrics().total(f"{names.TOKEN_USAGE}_sum", **{names.LABEL_TOKEN_TYPE: "output"})
