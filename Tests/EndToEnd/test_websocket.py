"""WebSocket pass-through (RFC 6455) with the `websockets` package on both sides, and with frames by hand where no client would send them."""

import asyncio
import base64
import contextlib
import os
import re
import ssl
import threading

import pytest
import websockets
from websockets.asyncio.client import connect
from websockets.asyncio.server import serve

from support import configuration, frames
from support.configuration import plain_service
from support.raw import Closed, Connection
from support.waiting import until

from test_tls_http2 import certificates
from test_upstream_tls import authority  # noqa: F401  (a fixture)


def choose(_, offered):
    """A server that requires none."""
    return "realtime" if "realtime" in offered else None


class Echo:
    """An upstream that sends back what it gets, and does what some messages say."""

    def __init__(self):
        self.port = None
        self.requests = []
        self.closed = []
        self.connections = set()
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        threading.Thread(target=self._run, daemon=True).start()
        assert self._ready.wait(10)

    def _run(self):
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._serve())

    async def _serve(self):
        async with serve(self._handle, "127.0.0.1", 0, max_size=None, select_subprotocol=choose, ping_interval=None) as server:
            self.port = server.sockets[0].getsockname()[1]
            self._ready.set()
            await asyncio.get_running_loop().create_future()

    async def _handle(self, connection):
        self.requests.append(connection.request)
        self.connections.add(connection)
        try:
            async for message in connection:
                if message == "close me":
                    await connection.close(4321, "as asked")
                elif message == "cut me":
                    connection.transport.abort()
                elif isinstance(message, str) and message.startswith("large "):
                    await connection.send("x" * int(message.split()[1]))
                else:
                    await connection.send(message)
        finally:
            self.connections.discard(connection)
            self.closed.append(connection.close_code)


@pytest.fixture(scope="module")
def echo():
    return Echo()


def service(echo, **more):
    return plain_service(echo.port, path="/socket", name="socket", retries=0, **more)


@pytest.fixture(scope="module")
def gateway(module_gateways, echo, authority):  # noqa: F811
    started = module_gateways(
        {"services": [service(echo, read_timeout=1500)], **certificates(authority), "_pellucid": {"limits": {"websocket_message_bytes": 100_000}}},
        arguments=["--proxy-listen", "127.0.0.1:0 ssl http2", "--proxy-listen", "127.0.0.1:0 http2"],
    )
    started.h2c_port = int(re.search(r"address=127\.0\.0\.1:(\d+) with=http2\s", started.stderr)[1])
    started.tls_port = int(re.search(r'address=127\.0\.0\.1:(\d+) with="ssl http2"\s', started.stderr)[1])
    return started


def url(gateway) -> str:
    return f"ws://127.0.0.1:{gateway.proxy_port}/socket/path?query=1"


async def test_messages_of_both_kinds_and_all_sizes_pass_unchanged(gateway, echo):
    async with connect(url(gateway), subprotocols=["realtime"], compression=None) as socket:
        assert socket.subprotocol == "realtime"
        for message in ["", "hello", "é" * 1000, b"", os.urandom(126), os.urandom(70_000)]:
            await socket.send(message)
            assert await socket.recv() == message
    assert echo.requests[-1].path == "/path?query=1"
    headers = echo.requests[-1].headers
    assert headers["X-Forwarded-Path"] == "/socket/path" and headers["X-Real-IP"] == "127.0.0.1"


async def test_compressed_messages_pass_where_both_sides_agree(gateway):
    async with connect(url(gateway), compression="deflate") as socket:
        assert [extension.name for extension in socket.protocol.extensions] == ["permessage-deflate"]
        await socket.send("compress me " * 1000)
        assert await socket.recv() == "compress me " * 1000


async def test_over_tls(gateway, authority):  # noqa: F811
    context = ssl.create_default_context(cafile=str(authority / "ca.pem"))
    async with connect(f"wss://localhost:{gateway.tls_port}/socket", ssl=context) as socket:
        await socket.send("secret")
        assert await socket.recv() == "secret"


async def test_fragments_and_pings_pass(gateway, echo):
    async with connect(url(gateway), compression=None) as socket:
        await socket.send(["frag", "men", "ted"])
        assert await socket.recv() == "fragmented"
        assert await asyncio.wait_for(await socket.ping(b"ping"), 5) >= 0


async def test_close_codes_of_either_side_arrive(gateway, echo):
    before = len(echo.closed)
    async with connect(url(gateway)) as socket:
        await socket.close(4000, "bye")
    until(lambda: len(echo.closed) > before, what="the close at the upstream")
    assert echo.closed[-1] == 4000
    async with connect(url(gateway)) as socket:
        await socket.send("close me")
        with pytest.raises(websockets.ConnectionClosed):
            await socket.recv()
        assert (socket.close_code, socket.close_reason) == (4321, "as asked")


async def test_an_upstream_that_breaks_off_is_told_to_the_client(gateway):
    async with connect(url(gateway)) as socket:
        await socket.send("cut me")
        with pytest.raises(websockets.ConnectionClosed):
            await socket.recv()
        # Bad gateway, in the registry of close codes.
        assert socket.close_code == 1014


async def test_a_client_that_breaks_off_is_told_to_the_upstream(gateway, echo):
    before = len(echo.closed)
    socket = await connect(url(gateway))
    await socket.send("hello")
    await socket.recv()
    socket.transport.abort()
    await asyncio.to_thread(until, lambda: len(echo.closed) > before, what="the end at the upstream")


@pytest.mark.parametrize("by", ["client", "upstream"])
async def test_a_message_over_the_limit_ends_the_session_with_1009(gateway, by):
    async with connect(url(gateway), compression=None, max_size=None) as socket:
        with contextlib.suppress(websockets.ConnectionClosed):
            await socket.send("y" * 100_001 if by == "client" else "large 100001")
        with pytest.raises(websockets.ConnectionClosed):
            await socket.recv()
        assert socket.close_code == 1009


async def test_a_silent_session_ends_after_the_read_timeout_and_a_living_one_does_not(gateway):
    async with connect(url(gateway), ping_interval=None) as socket:
        # Only the client speaks, twice as long as the upstream may be silent.
        for _ in range(6):
            await asyncio.sleep(0.5)
            await (await socket.ping())
        with pytest.raises(websockets.ConnectionClosed):
            await asyncio.wait_for(socket.recv(), 10)
        assert socket.close_code == 1001


KEY = base64.b64encode(b"0123456789abcdef").decode()


def handshake(version="13", key=KEY, more="") -> str:
    lines = f"GET /socket HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: {version}\r\n"
    return lines + (f"Sec-WebSocket-Key: {key}\r\n" if key else "") + more + "\r\n"


@pytest.mark.parametrize(
    "frame, code",
    [
        pytest.param(b"\x81\x02hi", 1002, id="no mask"),
        pytest.param(b"\xc1\x82\0\0\0\0hi", 1002, id="reserved bit"),
        pytest.param(b"\x83\x80\0\0\0\0", 1002, id="reserved opcode"),
        pytest.param(b"\x09\x80\0\0\0\0", 1002, id="fragmented ping"),
        pytest.param(b"\x80\x80\0\0\0\0", 1002, id="continuation of nothing"),
        pytest.param(b"\x81\xff\x7f\xff\xff\xff\xff\xff\xff\xff\0\0\0\0", 1009, id="a length beyond all memory"),
    ],
)
def test_a_client_that_breaks_the_protocol_is_closed_and_the_upstream_sees_nothing_of_it(gateway, echo, frame, code):
    before = len(echo.closed)
    with Connection.open(gateway.proxy_port) as raw:
        raw.send(handshake())
        assert raw.head().status == 101
        raw.send(frame)
        assert raw.exactly(4) == b"\x88\x02" + code.to_bytes(2, "big")
        with pytest.raises(Closed):
            raw.exactly(1)
    # Sessions of tests before this one may still be ending.
    until(lambda: code in echo.closed[before:], what="the close at the upstream")


@pytest.mark.parametrize("request_text, status", [(handshake(version="8"), 426), (handshake(key=None), 400)])
def test_a_handshake_that_is_none_is_refused(gateway, echo, request_text, status):
    count = len(echo.requests)
    with Connection.open(gateway.proxy_port) as raw:
        raw.send(request_text)
        answer = raw.response()
        assert answer.status == status
        if status == 426:
            assert answer.header("Sec-WebSocket-Version") == "13"
            assert answer.header("Upgrade") == "websocket" and answer.header("Connection") == "Upgrade"
    assert len(echo.requests) == count


def test_an_upstream_that_refuses_the_handshake_answers_the_client(gateways, origin):
    gateway = gateways({"services": [plain_service(origin.port, path="/socket", retries=0)]})
    with Connection.open(gateway.proxy_port) as raw:
        raw.send(handshake())
        assert raw.response().body == b"hello"
    assert origin.requests[0].header("Upgrade") == "websocket"


async def test_every_session_leaves_its_evidence(gateways, echo, collector):
    gateway = gateways({"services": [service(echo)]}, environment=configuration.telemetry_environment(collector))
    async with connect(f"ws://127.0.0.1:{gateway.proxy_port}/socket", compression=None) as socket:
        for message in ["one", b"two", "three"]:
            await socket.send(message)
            await socket.recv()
        await socket.close(4007)
    root = (await asyncio.to_thread(collector.wait_for_roots, 1))[0]
    attempt = next(span for span in collector.trace(root.trace_id) if "pellucid.websocket.close.code" in span.attributes)
    attributes = {name.removeprefix("pellucid.websocket."): value for name, value in attempt.attributes.items() if name.startswith("pellucid.websocket.")}
    assert attributes == {
        "messages.sent": 3, "messages.received": 3, "bytes.sent": 11, "bytes.received": 11, "close.code": 4007, "close.initiator": "client",
    }  # fmt: skip
    line = gateway.audit.wait_for_requests(1)[0]
    assert line["response"]["status"] == 101


async def test_many_sessions_at_once(gateway):
    async def session(number):
        async with connect(url(gateway)) as socket:
            for index in range(20):
                await socket.send(f"{number}-{index}")
                assert await socket.recv() == f"{number}-{index}"

    await asyncio.gather(*(session(number) for number in range(50)))


async def test_a_stop_says_going_away_to_both_sides(gateways, echo, collector):
    gateway = gateways({"services": [service(echo)], "_pellucid": {"drain_seconds": 20}}, environment=configuration.telemetry_environment(collector))
    before = len(echo.closed)
    async with connect(url(gateway)) as socket:
        await socket.send("hello")
        assert await socket.recv() == "hello"
        gateway.terminate()
        with pytest.raises(websockets.ConnectionClosed):
            await asyncio.wait_for(socket.recv(), 10)
        assert socket.close_code == 1001
    await asyncio.to_thread(until, lambda: len(echo.closed) > before, what="the close at the upstream")
    assert 1001 in echo.closed[before:]
    # Nothing is left to wait for.
    assert await asyncio.to_thread(gateway.process.wait, 10) == 0
    root = (await asyncio.to_thread(collector.wait_for_roots, 1))[0]
    attempt = next(span for span in collector.trace(root.trace_id) if "pellucid.websocket.close.code" in span.attributes)
    assert (attempt.attributes["pellucid.websocket.close.code"], attempt.attributes["pellucid.websocket.close.initiator"]) == (1001, "gateway")
    assert root.attributes["pellucid.outcome"] == "passed"


async def test_pings_of_the_gateway_keep_a_silent_session(gateways, echo):
    """Three times the time to read passes in silence: the answers to pings of both sides are what keeps the session."""
    gateway = gateways({"services": [service(echo, read_timeout=1500)], "_pellucid": {"timeouts": {"websocket_ping_seconds": 1}}})
    async with connect(url(gateway), ping_interval=None) as socket:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(socket.recv(), 4.5)
        await socket.send("still here")
        assert await socket.recv() == "still here"


def test_a_client_that_answers_no_ping_is_given_up(gateways, echo):
    gateway = gateways({"services": [service(echo)], "_pellucid": {"timeouts": {"websocket_ping_seconds": 1}}})
    before = len(echo.closed)
    with Connection.open(gateway.proxy_port) as raw:
        raw.send(handshake())
        assert raw.head().status == 101
        assert raw.exactly(2) == b"\x89\x02", "a ping"
        raw.exactly(2)
        # Silence instead of a pong. The upstream's own pong passes as an unsolicited one (RFC 6455 section 5.5.3).
        assert raw.exactly(4) == b"\x8a\x02pl"
        assert raw.exactly(4) == b"\x88\x02" + (1011).to_bytes(2, "big")
        with pytest.raises(Closed):
            raw.exactly(1)
    until(lambda: 1011 in echo.closed[before:], what="the close at the upstream")
    line = gateway.audit.wait_for_requests(1)[0]
    assert "websocket_ping_timeout" in str(line)


def masked(opcode: int, payload: bytes) -> bytes:
    return bytes([0x80 | opcode, 0x80 | len(payload)]) + b"\0\0\0\0" + payload


def extended_connect(client, path="/socket", protocol="websocket", *more) -> bytes:
    fields = [(":method", "CONNECT"), (":scheme", "http"), (":authority", "localhost"), (":path", path), (":protocol", protocol)]
    return client.encoder.encode(fields + [("sec-websocket-version", "13"), *more])


def test_a_websocket_on_an_http2_stream(gateway, echo):
    """RFC 8441: beside ordinary requests on the same connection."""
    with frames.Client(gateway.h2c_port).settle() as client:
        assert client.peer_settings[0x8] == 1, "SETTINGS_ENABLE_CONNECT_PROTOCOL"
        client.send(frames.frame(frames.HEADERS, frames.END_HEADERS, 1, extended_connect(client, "/socket", "websocket", ("sec-websocket-protocol", "realtime"))))
        head = client.next_of(1)
        assert head.kind == frames.HEADERS and head.fields[":status"] == "200" and head.fields["sec-websocket-protocol"] == "realtime"
        assert not {"connection", "upgrade", "sec-websocket-accept"} & head.fields.keys()
        assert not head.flags & frames.END_STREAM
        for message in (b"one", b"two"):
            client.send(frames.frame(frames.DATA, 0, 1, masked(1, message)))
            assert client.next_of(1).payload == bytes([0x81, 3]) + message
        client.request(3, "/socket")
        status, _ = client.answer(3)
        assert status == 426, "the upstream's answer to a request that is no handshake"
        before = len(echo.closed)
        client.send(frames.frame(frames.DATA, 0, 1, masked(8, (4001).to_bytes(2, "big"))))
        assert client.next_of(1).payload[:4] == b"\x88\x02" + (4001).to_bytes(2, "big")
        until(lambda: 4001 in echo.closed[before:], what="the close at the upstream")
        while not (last := client.next_of(1)).flags & frames.END_STREAM and last.kind != frames.RST_STREAM:
            pass


def test_an_extended_connect_for_something_else_is_refused(gateway):
    with frames.Client(gateway.h2c_port).settle() as client:
        client.send(frames.frame(frames.HEADERS, frames.END_HEADERS, 1, extended_connect(client, "/socket", "connect-udp")))
        assert client.next_of(1).fields[":status"] == "400"


def test_a_client_that_goes_on_sending_still_sees_why_it_ends(gateways, echo):
    """Bytes that arrive at a closed connection would reset it, and could take the close frame with them."""
    gateway = gateways({"services": [service(echo)]})
    with Connection.open(gateway.proxy_port) as raw:
        raw.send(handshake())
        assert raw.head().status == 101
        gateway.terminate()
        until(lambda: "stopping" in gateway.stderr, what="the stop")
        for _ in range(20):
            raw.send(masked(1, b"still talking"))
        seen = b""
        with contextlib.suppress(Closed):
            while True:
                seen += raw.exactly(1)
        # Answers to what came before the stop may stand in front.
        assert seen.endswith(b"\x88\x02" + (1001).to_bytes(2, "big"))
    assert gateway.process.wait(10) == 0
