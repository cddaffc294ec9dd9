"""Usage that no provider tells, and counts of tokens that none makes: estimates, marked as such wherever they show."""

import anthropic
import pytest
import requests
from google import genai

from support import names
from support.configuration import plugin
from support.waiting import until

HELLO = [{"role": "user", "content": "Please say hello to everybody in the room."}]


def service(base: str) -> dict:
    options = {"upstream_url": f"{base}/v1/chat/completions", "input_cost": 1_000_000, "output_cost": 1_000_000}
    routes = []
    for name in ("openai", "anthropic", "gemini"):
        model = {"provider": "openai", "options": options}
        routes.append({"name": name, "paths": [f"/{name}"], "plugins": [plugin("ai-proxy", route_type="llm/v1/chat", llm_format=name, model=model)]})
    return {"services": [{"name": "llm", "url": base, "routes": routes}]}


@pytest.fixture
def gateway(gateways, provider):
    return gateways(service(provider.base))


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("client", ["openai", "anthropic"])
def test_usage_that_is_not_told_is_estimated(gateway, client_of, client, stream):
    if client == "openai":
        answer = client_of(f"{gateway.url}/openai", key=None).chat.completions.create(model="mute-60", messages=HELLO, stream=stream)
    else:
        answer = anthropic.Anthropic(base_url=f"{gateway.url}/anthropic", api_key="k").messages.create(model="mute-60", max_tokens=100, messages=HELLO, stream=stream)
    if stream:
        assert len(list(answer)) >= 60
    line = gateway.audit.wait_for_requests(1)[0]
    usage = line["usage"]
    assert usage["source"] == "estimated"
    # "t1 " is two tokens for most models; the estimate may be a quarter off.
    assert 90 <= usage["output_tokens"] <= 150 and 9 <= usage["input_tokens"] <= 17
    assert line["cost"] == pytest.approx(usage["input_tokens"] + usage["output_tokens"])
    page = until(lambda: (page := gateway.metrics()).names() >= {f"{names.TOKEN_USAGE}_sum"} and page, what="the metric")
    estimated = [page.total(f"{names.TOKEN_USAGE}_sum", **{names.LABEL_TOKEN_TYPE: kind, "pellucid_usage_source": "estimated"}) for kind in ("input", "output")]
    assert estimated == [usage["input_tokens"], usage["output_tokens"]]


def test_counts_for_clients_of_other_formats(gateway, provider):
    count = anthropic.Anthropic(base_url=f"{gateway.url}/anthropic", api_key="k").messages.count_tokens(model="claude-x", messages=HELLO)
    assert 9 <= count.input_tokens <= 17
    client = genai.Client(api_key="k", http_options={"base_url": f"{gateway.url}/gemini"})
    assert abs(client.models.count_tokens(model="gemini-x", contents=HELLO[0]["content"]).total_tokens - count.input_tokens) <= 1
    raw = requests.post(f"{gateway.url}/anthropic/v1/messages/count_tokens", json={"model": "m", "messages": HELLO}, timeout=5)
    assert raw.headers["x-pellucid-usage-source"] == "estimated"
    assert not provider.requests
