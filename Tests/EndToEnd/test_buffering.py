"""`request_buffering` and `response_buffering` of routes: what they hold back, and how much at most."""

import socket
import threading

import pytest

from support.configuration import plain_service
from support.raw import Connection, respond
from support.waiting import until

MEBIBYTE = 1 << 20


@pytest.fixture
def gateway(gateways, origin):
    services = [
        plain_service(origin.port, path="/held", name="held", route={"request_buffering": True, "response_buffering": True}),
        plain_service(origin.port, path="/plain", name="plain", route={"request_buffering": False, "response_buffering": False}),
    ]
    return gateways({"services": services, "_pellucid": {"limits": {"request_buffer_bytes": MEBIBYTE, "response_buffer_bytes": 65536}}})


def test_the_upstream_is_asked_when_the_body_is_there(gateway, origin):
    with Connection.open(gateway.proxy_port) as slow, Connection.open(gateway.proxy_port) as plain:
        for connection, path in ((slow, "held"), (plain, "plain")):
            connection.send(f"POST /{path}/x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n")
        # The unbuffered one has a connection to the upstream while its body is still on its way.
        until(lambda: origin.connections == 1, what="the connection of the unbuffered request")
        for connection in (plain, slow):
            connection.send("3\r\ntwo\r\n0\r\n\r\n")
            assert connection.response().body == b"hello"
    held = next(request for request in origin.requests if request.header("X-Forwarded-Path") == "/held/x")
    assert held.body == b"onetwo" and held.header("Content-Length") == "6" and not held.header("Transfer-Encoding")
    assert origin.connections <= 2


def test_memory_is_bounded_whatever_is_sent(gateway, origin):
    """Twenty bodies of 32 MiB at once to an upstream that does not read."""
    stop = threading.Event()
    origin.on_head = lambda connection, head: stop.wait(30) and False
    before = gateway.resident_bytes()
    connections = [Connection.open(gateway.proxy_port) for _ in range(20)]
    sent = [0] * len(connections)
    for connection in connections:
        connection.send("POST /held HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
        connection.socket.setblocking(False)
    chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    rest = [b""] * len(connections)

    def push() -> bool:
        """Sends what is taken; true when nobody takes more."""
        progress = False
        for index, connection in enumerate(connections):
            if sent[index] > 32 * MEBIBYTE:
                continue
            data = rest[index] or chunk
            try:
                count = connection.socket.send(data)
            except BlockingIOError:
                continue
            rest[index] = data[count:]
            sent[index] += count
            progress = True
        return not progress

    quiet = [0]

    def still() -> bool:
        quiet[0] = quiet[0] + 1 if push() else 0
        return quiet[0] > 25

    until(still, timeout=30, what="back-pressure", interval=0.01)
    assert max(sent) < 32 * MEBIBYTE, "somebody took everything"
    assert gateway.resident_bytes() - before < 20 * 4 * MEBIBYTE
    stop.set()
    for connection in connections:
        connection.close()


def test_a_slow_client_does_not_keep_a_buffered_upstream(gateway, origin):
    """An answer that fits is taken from the upstream before the client has read any of it, and one that breaks off is no answer."""
    origin.script = lambda connection, request: respond(connection, b"y" * 60_000)
    with Connection.open(gateway.proxy_port, receive_buffer=4096) as client:
        client.send("GET /held HTTP/1.1\r\nHost: a\r\n\r\n")
        until(lambda: origin.requests, what="the request")
        assert client.response().body == b"y" * 60_000
    origin.script = lambda connection, request: connection.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf") or connection.socket.shutdown(socket.SHUT_RDWR) or False
    with Connection.open(gateway.proxy_port) as client:
        client.send("GET /held HTTP/1.1\r\nHost: a\r\n\r\n")
        answer = client.response()
        assert answer.status == 502 and b"half" not in answer.body
