"""Realtime sessions through the official client: the gateway's key upstream, usage from the events, evidence of the whole session."""

import asyncio
import pathlib
import subprocess

import openai
import pytest
import websockets

from support import configuration
from support.configuration import plugin
from support.gateway import binary
from support.metrics import Snapshot
from support.realtime import SESSION, RealtimeServer
from support.waiting import until

KEY = configuration.UPSTREAM_KEY


@pytest.fixture(scope="module")
def server():
    return RealtimeServer(KEY)


@pytest.fixture(scope="module")
def other():
    """A server that wants another key than the gateway has."""
    return RealtimeServer("another")


def target(server, path="/v1/realtime", name="gpt-realtime", **model) -> dict:
    return {
        "route_type": "realtime/v1/realtime", "auth": {"header_name": "Authorization", "header_value": f"Bearer {KEY}"}, "logging": {"log_statistics": True},
        "model": {"provider": "openai", "name": name, "options": {"upstream_url": server.base.replace("http", "ws") + path, "input_cost": 4, "output_cost": 16}, **model},
    }  # fmt: skip


def service(server, *plugins) -> dict:
    """As Kong wants it: protocols of WebSockets on service and route."""
    return {
        "name": "live", "url": f"ws://127.0.0.1:{server.port}",
        "routes": [{"name": "realtime", "paths": ["/v1/realtime"], "protocols": ["ws", "wss"], "plugins": list(plugins)}],
    }  # fmt: skip


def client(gateway, key="client") -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(base_url=f"{gateway.url}/v1", api_key=key, max_retries=0, timeout=30)


async def ask(connection, text: str) -> list:
    """All events up to the end of the answer."""
    await connection.conversation.item.create(item={"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]})
    await connection.response.create()
    events = []
    async for event in connection:
        events.append(event)
        if event.type == "response.done":
            return events
    return events


def said(events) -> str:
    return "".join(event.delta for event in events if event.type == "response.output_text.delta")


async def test_a_session_through_the_official_client(gateways, server, collector):
    gateway = gateways({"services": [service(server, plugin("ai-proxy", **target(server)))]}, environment=configuration.telemetry_environment(collector))
    async with client(gateway).realtime.connect(model="gpt-realtime") as connection:
        assert (await connection.recv()).session.id == SESSION
        await connection.session.update(session={"type": "realtime", "instructions": "be brief"})
        assert (await connection.recv()).type == "session.updated"
        first = await ask(connection, "Say hello")
        assert said(first) == "Hello" and first[-1].response.usage.total_tokens == 275
        second = await ask(connection, "tool")
        assert second[-1].response.output[0].name == "weather"
    assert server.requests[-1].headers.get_all("Authorization") == [f"Bearer {KEY}"]
    assert server.query() == {"model": "gpt-realtime"}

    root = (await asyncio.to_thread(collector.wait_for_roots, 1))[0]
    span = next(span for span in collector.trace(root.trace_id) if "gen_ai.operation.name" in span.attributes)
    cost = (2 * 127 * 4 + 2 * 148 * 16) / 1e6
    expected = {
        "gen_ai.operation.name": "realtime", "gen_ai.request.model": "gpt-realtime", "gen_ai.response.model": "gpt-realtime", "gen_ai.response.id": SESSION,
        "gen_ai.usage.input_tokens": 254, "gen_ai.usage.output_tokens": 296, "gen_ai.usage.cache_read.input_tokens": 128, "pellucid.usage.source": "provider_reported",
        "pellucid.realtime.responses": 2, "pellucid.websocket.messages.sent": 5, "pellucid.websocket.close.code": 1000, "pellucid.websocket.close.initiator": "client",
    }  # fmt: skip
    assert {name: span.attributes.get(name) for name in expected} == expected
    assert span.attributes["pellucid.cost"] == pytest.approx(cost)
    assert "be brief" not in str(root.attributes) + str(span.attributes)
    line = (await asyncio.to_thread(gateway.audit.wait_for_requests, 1))[0]
    assert line["response"]["status"] == 101 and line["cost"] == pytest.approx(cost)
    assert line["usage"]["source"] == "provider_reported" and line["usage"]["input_tokens"] == 254 and line["usage"]["output_tokens"] == 296

    def tokens():
        metrics = Snapshot(gateway.metrics_text())
        return metrics.total("gen_ai_client_token_usage_sum", gen_ai_token_type="input"), metrics.total("gen_ai_client_token_usage_sum", gen_ai_token_type="output")

    until(lambda: tokens() == (254, 296), what="the session's tokens in the metrics")


async def test_an_answer_that_breaks_off_leaves_partial_usage(gateways, server):
    gateway = gateways({"services": [service(server, plugin("ai-proxy", **target(server)))]})
    async with client(gateway).realtime.connect(model="gpt-realtime") as connection:
        await ask(connection, "Say hello")
        with pytest.raises(websockets.ConnectionClosed):
            await connection.conversation.item.create(item={"type": "message", "role": "user", "content": [{"type": "input_text", "text": "cut"}]})
            await connection.response.create()
            while True:
                await connection.recv()
    line = (await asyncio.to_thread(gateway.audit.wait_for_requests, 1))[0]
    assert line["usage"]["source"] == "partial" and line["usage"]["input_tokens"] == 127


async def test_a_key_that_the_provider_refuses_is_the_clients_answer(gateways, other):
    gateway = gateways({"services": [service(other, plugin("ai-proxy", **target(other)))]})
    with pytest.raises(websockets.InvalidStatus) as refused:
        async with client(gateway).realtime.connect(model="gpt-realtime"):
            pass
    assert refused.value.response.status_code == 401 and b"invalid_api_key" in refused.value.response.body


async def test_the_gateways_own_authentication_and_a_model_of_ones_own(gateways, server):
    configured = {"services": [service(server, plugin("ai-proxy", **target(server)), plugin("key-auth", key_names=["apikey"]))], "consumers": [configuration.consumer()]}
    gateway = gateways(configured)
    before = len(server.requests)
    with pytest.raises(websockets.InvalidStatus) as refused:
        async with client(gateway).realtime.connect(model="gpt-realtime"):
            pass
    assert refused.value.response.status_code == 401
    with pytest.raises(websockets.InvalidStatus) as refused:
        async with client(gateway).realtime.connect(model="other", extra_headers={"apikey": configuration.CLIENT_KEY}):
            pass
    assert refused.value.response.status_code == 400 and b"cannot use own model" in refused.value.response.body
    assert len(server.requests) == before
    async with client(gateway).realtime.connect(model="gpt-realtime", extra_headers={"apikey": configuration.CLIENT_KEY}) as connection:
        assert said(await ask(connection, "Say hello")) == "Hello"
    line = (await asyncio.to_thread(gateway.audit.wait_for_requests, 3))[-1]
    assert "alice" in str(line)


async def test_sessions_fail_over_before_they_open(gateways, server):
    """The first target is busy: the second one gets the handshake, and the session stays there."""
    targets = [{**target(server, "/busy"), "weight": 100}, {**target(server), "weight": 50}]
    gateway = gateways({"services": [service(server, plugin("ai-proxy-advanced", targets=targets, balancer={"algorithm": "priority", "failover_criteria": ["http_429"]}))]})
    for _ in range(3):
        async with client(gateway).realtime.connect(model="gpt-realtime") as connection:
            assert said(await ask(connection, "Say hello")) == "Hello"
    line = (await asyncio.to_thread(gateway.audit.wait_for_requests, 3))[-1]
    assert line["usage"]["input_tokens"] == 127


async def test_a_browsers_key_goes_no_further(gateways, server):
    gateway = gateways({"services": [service(server, plugin("ai-proxy", **target(server)))]})
    url = f"ws://127.0.0.1:{gateway.proxy_port}/v1/realtime?model=gpt-realtime"
    async with websockets.connect(url, subprotocols=["realtime", "openai-insecure-api-key.client-secret"]) as socket:
        assert socket.subprotocol == "realtime" and not socket.protocol.extensions, "compressed events could not be read"
        assert SESSION in await socket.recv()
    assert "client-secret" not in str(server.requests[-1].headers)


@pytest.mark.parametrize(
    "stage",
    [
        plugin("ai-sanitizer", anonymize=["general"], sanitization_mode="OUTPUT"),
        plugin("ai-prompt-guard", deny_patterns=["secret"]),
        plugin("ai-prompt-decorator", prompts={"prepend": [{"role": "system", "content": "be brief"}]}),
    ],
    ids=lambda stage: stage["name"],
)
def test_stages_that_must_see_what_is_said_refuse_sessions(gateways, server, stage):
    gateway = gateways({"services": [service(server, plugin("ai-proxy", **target(server)), stage)]})
    opened = len(server.closed)

    async def connect():
        async with client(gateway).realtime.connect(model="gpt-realtime"):
            pass

    with pytest.raises(websockets.InvalidStatus) as refused:
        asyncio.run(connect())
    assert refused.value.response.status_code in (400, 502)
    assert all(code != 1000 for code in server.closed[opened:])


def test_the_documented_configuration_is_valid(tmp_path):
    text = (pathlib.Path(__file__).parents[2] / "docs" / "realtime.md").read_text()
    file = tmp_path / "gateway.yaml"
    file.write_text(text.split("```yaml\n")[1].split("```")[0])
    checked = subprocess.run([binary(), "validate", file], capture_output=True, text=True, env={"DECK_OPENAI_KEY": "sk-1"})
    assert checked.returncode == 0, checked.stdout + checked.stderr
