"""HTTP/2 clients that mean harm: each flood ends its connection at a limit, with bounded memory, while honest clients are served."""

import contextlib
import re
import struct
import threading
import time

import httpx
import pytest

from support import frames
from support.configuration import plain_service, plugin
from support.frames import Client, Closed, frame
from support.raw import Origin, hello, respond
from support.waiting import until

MEBIBYTE = 1 << 20


def script(connection, request):
    if request.target.endswith("/large"):
        return respond(connection, b"x" * 4 * MEBIBYTE)
    if request.target.endswith("/many-fields"):
        return connection.send("HTTP/1.1 200 OK\r\n" + "".join(f"x-field-{n}: {'v' * 900}\r\n" for n in range(40)) + "content-length: 2\r\n\r\n")
    return hello(connection, request)


@pytest.fixture(scope="module")
def origin():
    server = Origin(script)
    yield server
    server.stop()


@pytest.fixture(scope="module")
def gateway(module_gateways, origin):
    # Honest clients are answered by the gateway itself: the scripted origin is slow with a hundred large responses under way.
    honest = plain_service(origin.port, name="honest", path="/honest", plugins=[plugin("request-termination", status_code=200, body="hello", content_type="text/plain")])
    configuration = {"services": [plain_service(origin.port), honest], "_pellucid": {"timeouts": {"write_seconds": 1, "body_seconds": 1}}}
    started = module_gateways(configuration, arguments=["--proxy-listen", "127.0.0.1:0 http2"])
    started.h2c_port = int(re.search(r"address=127\.0\.0\.1:(\d+) with=http2\s", started.stderr)[1])
    return started


@contextlib.contextmanager
def honest_clients(gateway, seconds: float = 2):
    """Serves honest clients of both versions for as long as the attack lasts; none may wait `seconds`."""
    problems, served, over = [], [], threading.Event()

    def run(client, base):
        with client:
            while not over.is_set():
                begin = time.monotonic()
                try:
                    answer = client.get(f"{base}/honest", timeout=10)
                    assert (answer.status_code, answer.text) == (200, "hello")
                    assert time.monotonic() - begin < seconds, "an honest client waited"
                    served.append(1)
                except Exception as problem:  # noqa: BLE001  (whatever it is, the test reports it)
                    return problems.append(repr(problem))

    threads = [
        threading.Thread(target=run, args=(httpx.Client(http1=False, http2=True), f"http://127.0.0.1:{gateway.h2c_port}")),
        threading.Thread(target=run, args=(httpx.Client(), gateway.url)),
    ]
    for thread in threads:
        thread.start()
    before = gateway.resident_bytes()
    try:
        yield
        until(lambda: len(served) > 10 or problems, what="honest requests")
    finally:
        over.set()
        for thread in threads:
            thread.join()
    assert not problems, problems
    assert gateway.resident_bytes() - before < 64 * MEBIBYTE, "memory grew with the attack"


def flood(gateway, pieces, *, begin=b"", limit: int) -> tuple[int, frames.Frame | None]:
    """Sends pieces until the gateway ends the connection; their number, and the GOAWAY."""
    with Client(gateway.h2c_port) as client:
        sent = 0
        try:
            client.send(begin)
            for piece in pieces(client):
                client.send(piece)
                sent += 1
                assert sent < limit, "the flood is taken for ever"
        except Closed:
            pass
        return sent, client.end()


def errors(gateway, code: str) -> float:
    return gateway.metrics().total("pellucid_protocol_errors_total", code=code)


def test_rapid_reset_ends_the_connection(gateway):
    """CVE-2023-44487: requests that are reset as soon as they are sent."""

    def pieces(client):
        stream = 1
        while True:
            head = client.head("/plain")
            yield frame(frames.HEADERS, frames.END_HEADERS | frames.END_STREAM, stream, head) + frame(
                frames.RST_STREAM, 0, stream, struct.pack(">I", frames.CANCEL)
            )
            stream += 2

    with honest_clients(gateway):
        for _ in range(5):
            _, goaway = flood(gateway, pieces, limit=100_000)
            assert goaway is None or goaway.error == frames.ENHANCE_YOUR_CALM
    until(lambda: errors(gateway, "http2_rapid_reset") >= 5, what="the counter")


def test_a_continuation_flood_ends_the_connection(gateway):
    """CVE-2024-27983 and its kin: a field section that never ends."""

    def pieces(client):
        yield frame(frames.HEADERS, frames.END_STREAM, 1, client.head("/plain"))
        while True:
            yield frame(frames.CONTINUATION, 0, 1, client.encoder.encode([("x-more", "y" * 100)]))

    with honest_clients(gateway):
        for _ in range(5):
            sent, goaway = flood(gateway, pieces, limit=100_000)
            assert goaway is None or goaway.error != frames.NO_ERROR


def test_a_header_bomb_is_not_unpacked(gateway):
    """A field of 4,000 bytes that is put into the dynamic table once and then referred to by one byte each: 60,000 of them would be 240 MB."""

    def pieces(client):
        stream = 1
        first = client.head("/plain", "GET", ("x-bomb", "b" * 3_900))
        yield frame(frames.HEADERS, frames.END_HEADERS | frames.END_STREAM, stream, first)
        while True:
            stream += 2
            # The newest entry of the dynamic table has index 62.
            bomb = client.head("/plain") + bytes([0x80 | 62]) * 16_000
            yield frame(frames.HEADERS, frames.END_HEADERS | frames.END_STREAM, stream, bomb)

    with honest_clients(gateway):
        for _ in range(5):
            sent, goaway = flood(gateway, pieces, limit=1_000)
            assert goaway is None or goaway.error != frames.NO_ERROR


@pytest.mark.parametrize(
    "piece",
    [
        pytest.param(frames.settings(initial_window_size=70_000), id="settings"),
        pytest.param(frame(frames.PING, 0, 0, b"12345678"), id="ping"),
        pytest.param(frame(frames.PRIORITY, 0, 1, struct.pack(">IB", 0, 1)), id="priority"),
        pytest.param(frame(frames.SETTINGS, 0, 0, b""), id="empty settings"),
    ],
)
def test_ten_thousand_control_frames_are_too_many(gateway, piece):
    def pieces(_):
        while True:
            yield piece * 10

    with honest_clients(gateway):
        sent, goaway = flood(gateway, pieces, limit=100_000)
        assert goaway is None or goaway.error != frames.NO_ERROR
    until(lambda: errors(gateway, "http2_control_flood") >= 1, what="the counter")


def test_a_client_that_sends_ten_thousand_settings_and_reads_nothing(gateway):
    with honest_clients(gateway), Client(gateway.h2c_port, receive_buffer=4096) as client:
        with contextlib.suppress(Closed):
            client.send(frames.settings(initial_window_size=70_000) * 10_000)
        client.end()


def test_empty_data_frames_are_too_many(gateway):
    def pieces(client):
        yield frame(frames.HEADERS, frames.END_HEADERS, 1, client.head("/plain", "POST"))
        while True:
            yield frame(frames.DATA, 0, 1, b"") * 10

    with honest_clients(gateway):
        flood(gateway, pieces, limit=100_000)


def test_a_client_that_gives_no_window_is_let_go(gateway, origin):
    """128 responses of 4 MiB that nobody takes: the upstream is not read ahead, and each stream ends after the time a write may take."""
    with honest_clients(gateway), Client(gateway.h2c_port, initial_window_size=0) as client:
        client.settle()
        streams = range(1, 257, 2)
        for stream in streams:
            client.request(stream, "/plain/large")
        ended = set()
        while len(ended) < len(streams):
            got = client.next()
            if got.kind == frames.RST_STREAM:
                ended.add(got.stream)
            assert got.kind != frames.DATA


def test_a_small_response_that_nobody_takes_is_let_go_too(gateway):
    """The response is complete on the gateway's side, so that no exchange waits any more; its stream must end all the same."""
    with Client(gateway.h2c_port, initial_window_size=0) as client:
        client.request(1, "/plain")
        while (got := client.next()).kind != frames.RST_STREAM:
            assert got.kind != frames.DATA
        assert got.stream == 1
        # The connection is as good as before.
        client.send(frames.settings(initial_window_size=65_535, max_concurrent_streams=100))
        client.request(3, "/plain")
        assert client.answer(3) == (200, b"hello")


def test_a_body_that_stalls_is_let_go(gateway):
    with honest_clients(gateway), Client(gateway.h2c_port) as client:
        streams = range(1, 201, 2)
        for stream in streams:
            client.request(stream, "/plain", "POST", ("content-length", "100"), end=False)
        ended = set()
        while len(ended) < len(streams):
            got = client.next()
            if got.kind in (frames.RST_STREAM, frames.HEADERS):
                ended.add(got.stream)


def test_more_streams_than_announced_are_refused(gateway):
    with Client(gateway.h2c_port) as client:
        with contextlib.suppress(Closed):
            for stream in range(1, 1_001, 2):
                client.request(stream, "/plain", "POST", end=False)
        refused = 0
        try:
            while (got := client.next()).kind != frames.GOAWAY:
                refused += got.kind == frames.RST_STREAM
        except Closed:
            return
        assert refused or got.error != frames.NO_ERROR


def test_trailers_that_are_none_are_counted_like_resets(gateway):
    """A client makes the gateway reset its streams (CVE-2025-8671): no more often than it may reset them itself."""
    with Client(gateway.h2c_port) as client, pytest.raises(Closed):
        for stream in range(1, 2001, 2):
            client.request(stream, "/plain", "POST", end=False)
            client.send(frame(frames.HEADERS, frames.END_HEADERS | frames.END_STREAM, stream, client.encoder.encode([("host", "x")])))
            while (got := client.next()).kind not in (frames.RST_STREAM, frames.GOAWAY):
                pass
            if got.kind == frames.GOAWAY:
                assert got.error == frames.ENHANCE_YOUR_CALM
                raise Closed


def test_answers_that_nobody_takes_stop_the_reading(gateway, origin):
    """HEAD has answers without content, which no window holds up: here 36 KB each, of which the client reads none."""
    before = gateway.resident_bytes()
    with Client(gateway.h2c_port, receive_buffer=4096, timeout=2) as client:
        # An upload keeps the connection busy.
        client.request(1, "/plain", "POST", ("content-length", "1000000"), end=False)
        begun = len(origin.requests)
        for batch in range(60):
            for stream in range(batch * 200 + 3, batch * 200 + 203, 2):
                client.send(frame(frames.HEADERS, frames.END_HEADERS | frames.END_STREAM, stream, client.head("/plain/many-fields", "HEAD")))
            try:
                until(lambda answered=(batch + 1) * 100: len(origin.requests) - begun >= answered, timeout=3, what="the answers")
            except AssertionError:
                break
        else:
            pytest.fail("the gateway went on reading")
        assert gateway.resident_bytes() - before < 64 << 20


def test_a_request_that_is_shorter_than_it_says_reaches_nobody(gateway, origin):
    """RFC 9113 section 8.1.1: also where a connection to the upstream is at hand."""
    with Client(gateway.h2c_port) as client:
        client.request(1, "/plain", "POST", ("content-length", "2"), end=False)
        client.send(frame(frames.DATA, frames.END_STREAM, 1, b"ok"))
        assert client.answer(1)[0] == 200
        seen = len(origin.requests)
        client.send(
            frame(frames.HEADERS, frames.END_HEADERS, 3, client.head("/plain", "POST", ("content-length", "10"))) + frame(frames.DATA, frames.END_STREAM, 3, b"short")
        )
        got = client.next_of(3)
        assert (got.kind, got.error) == (frames.RST_STREAM, frames.PROTOCOL_ERROR)
        # What comes behind it is served, and nothing came between.
        client.request(5, "/plain")
        assert client.answer(5)[0] == 200
        assert [r.method for r in origin.requests[seen:]] == ["GET"]


def test_an_early_answer_reaches_a_client_that_is_still_sending(gateway):
    """RFC 9113 section 8.1: the answer is whole before the stream is reset."""
    with Client(gateway.h2c_port) as client:
        client.request(1, "/nowhere", "POST", ("content-length", "100000"), end=False)
        status, body = client.answer(1)
        assert status == 404 and b"no Route matched" in body
        while (got := client.next()).kind == frames.WINDOW_UPDATE:
            pass
        assert (got.kind, got.stream, got.error) == (frames.RST_STREAM, 1, frames.NO_ERROR)
