"""Sessions of Gemini's Live API through the official client: the gateway's key upstream, the configured model only, usage from the messages."""

import asyncio

import pytest
from google import genai
from google.genai import errors, types

from support.configuration import plugin
from support.live import LiveServer

KEY = "live-upstream-key"
MODEL = "gemini-live-2.5-flash"
PATH = "/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent"


@pytest.fixture(scope="module")
def server():
    return LiveServer(KEY)


@pytest.fixture(autouse=True)
def without_tls(monkeypatch):
    """The client insists on TLS, which is tested elsewhere."""
    connect = genai.live.ws_connect
    monkeypatch.setattr(genai.live, "ws_connect", lambda uri, additional_headers, **_: connect(uri.replace("wss://", "ws://"), additional_headers=additional_headers))


def configured(server, **model) -> dict:
    config = {
        "route_type": "realtime/v1/realtime", "llm_format": "gemini", "auth": {"header_name": "x-goog-api-key", "header_value": KEY}, "logging": {"log_statistics": True},
        "model": {"provider": "gemini", "options": {"upstream_url": f"ws://127.0.0.1:{server.port}", "input_cost": 1, "output_cost": 10}, **model},
    }  # fmt: skip
    routes = [{"name": "live", "paths": ["/ws"], "protocols": ["ws", "wss"], "plugins": [plugin("ai-proxy", **config)]}]
    return {"services": [{"name": "live", "url": f"ws://127.0.0.1:{server.port}", "routes": routes}]}


def client(gateway) -> genai.Client:
    return genai.Client(api_key="client-secret", http_options=types.HttpOptions(base_url=gateway.url, api_version="v1beta"))


async def ask(session) -> str:
    await session.send_client_content(turns={"role": "user", "parts": [{"text": "say-hi-privately"}]}, turn_complete=True)
    return "".join([message.text or "" async for message in session.receive()])


@pytest.mark.parametrize("model", [{"name": MODEL}, {}], ids=["configured", "the client's"])
async def test_a_session_through_the_official_client(gateways, server, model):
    gateway = gateways(configured(server, **model))
    async with client(gateway).aio.live.connect(model=MODEL, config={"response_modalities": ["TEXT"]}) as session:
        assert await ask(session) == "Hello"
        assert await ask(session) == "Hello"
    assert server.setups[-1]["model"] == f"models/{MODEL}"
    assert server.requests[-1].path == PATH and "client-secret" not in str(server.requests[-1].headers)
    line = (await asyncio.to_thread(gateway.audit.wait_for_requests, 1))[0]
    assert line["response"]["status"] == 101
    assert (line["usage"]["input_tokens"], line["usage"]["output_tokens"], line["usage"]["source"]) == (200, 40, "provider_reported")
    assert line["cost"] == pytest.approx((200 * 1 + 40 * 10) / 1e6)
    assert "say-hi-privately" not in str(line)


async def test_another_model_than_the_configured_reaches_nobody(gateways, server):
    gateway = gateways(configured(server, name=MODEL))
    before = len(server.setups)
    with pytest.raises(errors.APIError) as refused:
        async with client(gateway).aio.live.connect(model="gemini-other", config={"response_modalities": ["TEXT"]}):
            pass
    assert refused.value.code == 1008 and len(server.setups) == before
    line = (await asyncio.to_thread(gateway.audit.wait_for_requests, 1))[0]
    assert "model_not_allowed" in str(line)


async def test_a_path_of_another_api_is_none_of_the_route(gateways, server):
    import websockets

    gateway = gateways(configured(server))
    before = len(server.requests)
    with pytest.raises(websockets.InvalidStatus) as refused:
        async with websockets.connect(gateway.url.replace("http", "ws") + "/ws/google.ai.generativelanguage.v1beta.Other.Method"):
            pass
    assert refused.value.response.status_code == 404 and len(server.requests) == before
