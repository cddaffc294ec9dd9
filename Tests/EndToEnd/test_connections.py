"""Connections and flow: large bodies, slow readers, clients that leave, upstream connections kept and broken."""

import hashlib
import http.client
import os
import socket
import threading
import time

import pytest
import requests

from support import names
from support.configuration import plain_service
from support.raw import Closed, Connection, Origin, hello, respond
from support.waiting import until


@pytest.fixture(scope="module")
def shared_origin():
    server = Origin()
    yield server
    server.stop()


@pytest.fixture
def origin(shared_origin):

    shared_origin.script, shared_origin.on_head = hello, None
    shared_origin.requests.clear()
    return shared_origin


@pytest.fixture(scope="module")
def gateway(module_gateways, shared_origin):
    port = shared_origin.port
    return module_gateways(
        {
            "services": [
                plain_service(port),
                plain_service(port, name="kept", path="/kept", route={"strip_path": False, "preserve_host": True}),
                plain_service(port, name="impatient", path="/impatient", read_timeout=500, retries=0),
                plain_service(9, name="down", path="/down", retries=0),
            ]
        }
    )


@pytest.fixture
def connection(gateway, origin):
    with Connection.open(gateway.proxy_port) as raw:
        yield raw


def test_large_bodies_pass_unchanged_in_both_directions(gateway, origin):
    block, count = bytes(range(256)) * 4096, 48
    digest = hashlib.sha256()
    received = {}

    def on_head(c, head):
        left, check = int(head.header("Content-Length")), hashlib.sha256()
        while left:
            data = c.exactly(min(left, 1 << 20))
            check.update(data)
            left -= len(data)
        received["digest"] = check.hexdigest()
        c.send(f"HTTP/1.1 200 OK\r\nContent-Length: {count * len(block)}\r\n\r\n")
        for _ in range(count):
            c.send(block)

    origin.on_head = on_head
    for _ in range(count):
        digest.update(block)
    before = gateway.resident_bytes()
    client = http.client.HTTPConnection("127.0.0.1", gateway.proxy_port, timeout=60)
    client.request("POST", "/plain", body=(block for _ in range(count)), headers={"Content-Length": str(count * len(block))})
    answer = client.getresponse()
    check = hashlib.sha256()
    while piece := answer.read(1 << 20):
        check.update(piece)
    client.close()
    assert received["digest"] == check.hexdigest() == digest.hexdigest()
    assert gateway.resident_bytes() - before < 24 << 20, "48 MiB each way did not pass through memory as a whole"


def test_a_slow_reader_of_a_large_response_costs_bounded_memory(gateway, origin):
    total = 1 << 30
    sent = {"bytes": 0, "done": False}

    def on_head(c, head):
        c.socket.settimeout(60)
        c.send(f"HTTP/1.1 200 OK\r\nContent-Length: {total}\r\n\r\n")
        block = b"x" * (1 << 20)
        try:
            while sent["bytes"] < total:
                c.send(block)
                sent["bytes"] += len(block)
        finally:
            sent["done"] = True
        return False

    origin.on_head = on_head
    before = gateway.resident_bytes()
    with Connection.open(gateway.proxy_port, receive_buffer=64 << 10) as reader:
        reader.send("GET /plain HTTP/1.1\r\nHost: a\r\n\r\n")
        assert reader.head().status == 200
        stalled = {"bytes": -1, "rounds": 0}

        def is_stalled():
            stalled["rounds"] = stalled["rounds"] + 1 if stalled["bytes"] == sent["bytes"] else 0
            stalled["bytes"] = sent["bytes"]
            return stalled["rounds"] >= 10

        until(is_stalled, timeout=30, interval=0.05, what="the origin to be held back")
        assert sent["bytes"] < 64 << 20, "the gateway stopped reading"
        assert gateway.resident_bytes() - before < 16 << 20
        # And it flows again as soon as the client reads.
        position = sent["bytes"]
        reader.exactly(32 << 20)
        until(lambda: sent["bytes"] > position + (16 << 20), timeout=20, what="the origin to go on")
    until(lambda: sent["done"], timeout=5, what="the upstream to be cancelled")


def test_a_client_that_leaves_cancels_the_upstream_at_once(gateway, origin):
    gone = threading.Event()

    def on_head(c, head):
        c.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n")
        c.socket.settimeout(10)
        try:
            if c.socket.recv(1) == b"":
                gone.set()
        except ConnectionError:
            gone.set()
        return False

    origin.on_head = on_head
    client = Connection.open(gateway.proxy_port)
    client.send("GET /plain HTTP/1.1\r\nHost: a\r\n\r\n")
    client.head()
    assert client.chunk() == b"first"
    client.reset()
    assert gone.wait(3)


def test_a_client_that_leaves_before_the_answer_cancels_the_upstream(gateway, origin):
    gone = threading.Event()

    def on_head(c, head):
        c.socket.settimeout(10)
        try:
            if c.socket.recv(1) == b"":
                gone.set()
        except ConnectionError:
            gone.set()
        return False

    origin.on_head = on_head
    client = Connection.open(gateway.proxy_port)
    client.send("GET /plain HTTP/1.1\r\nHost: a\r\n\r\n")
    origin.wait_for_requests(1)
    client.close()
    assert gone.wait(3)


def test_an_upstream_that_breaks_off_is_seen_by_the_client(connection, origin):
    def script(c, r):
        c.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this")
        return False

    origin.script = script
    connection.send("GET /plain HTTP/1.1\r\nHost: a\r\n\r\n")
    with pytest.raises(Closed):
        connection.response()


def test_an_answer_without_a_length_that_a_reset_cuts_off_is_seen_by_the_client(connection, origin):
    def script(c, r):
        c.send("HTTP/1.1 200 OK\r\n\r\nonly this")
        # The first bytes are on their way before the reset, which may overtake what is not read yet.
        time.sleep(0.3)
        c.reset()
        return False

    origin.script = script
    connection.send("GET /plain HTTP/1.1\r\nHost: a\r\n\r\n")
    assert connection.head().status == 200
    assert connection.chunk() == b"only this"
    with pytest.raises(Closed):
        connection.chunk()


def test_an_answer_without_a_length_that_a_reset_cuts_off_during_an_upload_is_seen_by_the_client(gateway, origin):
    def on_head(c, head):
        c.send("HTTP/1.1 200 OK\r\n\r\nonly this")
        time.sleep(0.02)
        c.reset()
        return False

    origin.on_head = on_head
    # It is either a read or a write that finds the connection broken.
    for _ in range(20):
        with Connection.open(gateway.proxy_port) as client:
            client.send("POST /plain HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")

            def upload():
                try:
                    while True:
                        client.send(b"4000\r\n" + b"x" * 0x4000 + b"\r\n")
                except OSError:
                    pass

            uploading = threading.Thread(target=upload, daemon=True)
            uploading.start()
            with pytest.raises(Closed):
                client.response()
        uploading.join(5)


def test_upstream_connections_are_kept_alive(gateway, origin):
    session = requests.Session()
    session.get(f"{gateway.url}/plain", timeout=10)
    before = origin.connections
    for _ in range(20):
        session.get(f"{gateway.url}/plain", timeout=10)
    assert origin.connections == before


def test_a_get_on_a_stale_upstream_connection_is_retried(gateway, origin):
    """The origin closes a kept connection at the moment the next request arrives on it, without an answer."""
    session = requests.Session()
    assert session.get(f"{gateway.url}/plain", timeout=10).status_code == 200
    seen = {"count": 0}

    def script(c, r):
        seen["count"] += 1
        if seen["count"] == 1:
            return False
        respond(c, "second try")

    origin.script = script
    answer = session.get(f"{gateway.url}/plain", timeout=10)
    assert answer.status_code == 200 and answer.text == "second try"
    assert seen["count"] == 2


def test_a_post_that_may_have_been_processed_is_not_repeated(gateway, origin):
    session = requests.Session()
    assert session.get(f"{gateway.url}/plain", timeout=10).status_code == 200
    seen = {"count": 0}

    def script(c, r):
        seen["count"] += 1
        return False

    origin.script = script
    answer = session.post(f"{gateway.url}/plain", data=b"once", timeout=10)
    assert answer.status_code in names.BAD_GATEWAY
    assert seen["count"] == 1


def test_an_idle_upstream_connection_that_was_closed_is_not_used(gateway, origin):
    """The origin answers and closes without announcing it; the next request, even a POST, goes out on a new connection."""

    def script(c, r):
        respond(c, "bye")
        return False

    origin.script = script
    session = requests.Session()
    for _ in range(5):
        closed = origin.closed
        assert session.post(f"{gateway.url}/plain", data=b"2", timeout=10).text == "bye"
        until(lambda closed=closed: origin.closed > closed, what="the origin's close")


def test_an_early_answer_to_an_unfinished_upload_reaches_the_client(gateway, origin):
    def on_head(c, head):
        respond(c, "too much", status="413 Content Too Large", headers={"Connection": "close"})
        return False

    origin.on_head = on_head
    with Connection.open(gateway.proxy_port) as client:
        client.send("POST /plain HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\nonly the start")
        assert client.response().status == 413


def test_uploads_that_an_answer_overtakes_leave_nothing_behind(gateway, origin):
    """Whoever passes the body on waits for the client when the upstream's answer ends the exchange."""

    def on_head(c, head):
        respond(c, "no", status="401 Unauthorized")
        return False

    def overtaken(count: int) -> int:
        for _ in range(count):
            with Connection.open(gateway.proxy_port) as client:
                client.send(b"POST /plain HTTP/1.1\r\nHost: a\r\nContent-Length: 60000\r\n\r\n" + b"x" * 30_000)
                assert client.response().status == 401
        until(lambda: gateway.metrics().total("pellucid_connections_open", side="client") <= 1, what="the clients' connections to be closed")
        return gateway.resident_bytes()

    origin.on_head = on_head
    before = overtaken(200)
    # Each that is left behind keeps its connections' objects and a buffer.
    assert overtaken(1500) - before < 12 << 20


def test_an_upload_may_take_longer_than_the_time_to_read(gateway, origin):
    origin.script = lambda c, request: respond(c, str(len(request.body)))
    with Connection.open(gateway.proxy_port) as client:
        client.send("POST /impatient HTTP/1.1\r\nHost: a\r\nContent-Length: 7\r\n\r\n")
        for _ in range(7):
            # The passing of time is what is tested: 1.4 s in all, of which no gap is as long as the 0.5 s to read.
            time.sleep(0.2)
            client.send("x")
        response = client.response()
    assert (response.status, response.body) == (200, b"7")


def test_the_time_to_read_begins_when_the_upload_ends(gateway, origin):
    origin.script = lambda c, request: c.rest()
    with Connection.open(gateway.proxy_port) as client:
        client.send("POST /impatient HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n")
        time.sleep(0.7)
        client.send("0\r\n\r\n")
        begin = time.monotonic()
        assert client.response().status == 504
    assert 0.4 < time.monotonic() - begin < 3


def test_a_refusal_reaches_a_client_that_sends_megabytes_first(gateway, origin):
    """RFC 9112 section 9.6: a connection closed with unread bytes is reset, and the answer in it lost."""
    with Connection.open(gateway.proxy_port) as client:
        client.send("POST /nowhere HTTP/1.1\r\nHost: a\r\nContent-Length: 4000000\r\n\r\n")
        for _ in range(40):
            client.send(b"x" * 100_000)
        response = client.response()
        assert (response.status, response.header("Connection")) == (404, "close")
        assert client.is_closed()


def test_a_client_that_waits_for_100_continue_is_told_that_the_connection_ends(gateway, origin):
    with Connection.open(gateway.proxy_port) as client:
        client.send("POST /nowhere HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\nExpect: 100-continue\r\n\r\n")
        response = client.response()
        assert (response.status, response.header("Connection")) == (404, "close")
        assert client.is_closed()


def test_thousands_of_short_connections_leave_nothing_behind(gateway, origin):
    def descriptors() -> int:
        return len(os.listdir(f"/proc/{gateway.pid}/fd"))

    requests.get(f"{gateway.url}/plain", timeout=10)
    before = descriptors()
    for _ in range(1000):
        with socket.create_connection(("127.0.0.1", gateway.proxy_port)) as sock:
            sock.sendall(b"GET /plain HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            while sock.recv(4096):
                pass
    until(lambda: descriptors() <= before + 8, what="the descriptors to be closed")
