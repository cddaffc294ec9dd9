"""HTTP/2 to the letter (RFC 9113, RFC 7541): what a client must not send, one breach at a time, and what it may."""

import socket
import struct

import hpack
import pytest

from support import frames
from support.configuration import plain_service
from support.frames import ACK, END_HEADERS, END_STREAM, NO_ERROR, PREFACE, PROTOCOL_ERROR, Client, Closed, frame
from support.raw import Origin, hello, respond

from test_http2_clients import start
from test_upstream_tls import authority  # noqa: F401  (a fixture)

FLOW_CONTROL_ERROR, STREAM_CLOSED, FRAME_SIZE_ERROR, COMPRESSION_ERROR = 0x3, 0x5, 0x6, 0x9
PUSH_PROMISE, PADDED, PRIORITIZED = 0x5, 0x8, 0x20
LARGE = b"0123456789abcdef" * 16_384


def script(connection, request):
    if request.target.endswith("/large"):
        return respond(connection, LARGE)
    if request.target.endswith("/many-fields"):
        fields = "".join(f"x-field-{n}: {'v' * 900}\r\n" for n in range(40))
        return connection.send(f"HTTP/1.1 200 OK\r\n{fields}content-length: 2\r\n\r\nok")
    if request.method == "POST":
        return respond(connection, str(len(request.body)))
    return hello(connection, request)


@pytest.fixture(scope="module")
def gateway(module_gateways, authority):  # noqa: F811
    origin = Origin(script)
    yield start(module_gateways, [plain_service(origin.port)], authority)
    origin.stop()


@pytest.fixture
def client(gateway):
    with Client(gateway.h2c_port) as made:
        yield made


def headers(stream: int, section: bytes, flags: int = END_HEADERS | END_STREAM) -> bytes:
    return frame(frames.HEADERS, flags, stream, section)


def window_update(stream: int, increment: int) -> bytes:
    return frame(frames.WINDOW_UPDATE, 0, stream, struct.pack(">I", increment))


def setting(name: int, value: int) -> bytes:
    return frame(frames.SETTINGS, 0, 0, struct.pack(">HI", name, value))


# What ends the connection, with the code of the GOAWAY. `c` is the client, for its encoder; a request on stream 1 is open where the bytes begin with its head.
CONNECTION_ERRORS = {
    "DATA on the connection": (lambda c: frame(frames.DATA, 0, 0, b"x"), PROTOCOL_ERROR),
    "DATA on a stream never begun": (lambda c: frame(frames.DATA, 0, 1, b"x"), PROTOCOL_ERROR),
    "padding longer than the frame": (lambda c: headers(1, c.head("/plain", "POST"), END_HEADERS) + frame(frames.DATA, PADDED, 1, b"\x05abc"), PROTOCOL_ERROR),
    "HEADERS on the connection": (lambda c: headers(0, c.head("/plain")), PROTOCOL_ERROR),
    "HEADERS on a stream of the server": (lambda c: headers(2, c.head("/plain")), PROTOCOL_ERROR),
    "HEADERS with padding longer than the frame": (lambda c: headers(1, b"\xff" + c.head("/plain"), END_HEADERS | END_STREAM | PADDED), PROTOCOL_ERROR),
    "HEADERS too short for its priority": (lambda c: headers(1, b"\0\0", END_HEADERS | END_STREAM | PRIORITIZED), FRAME_SIZE_ERROR),
    "a frame between HEADERS and CONTINUATION": (lambda c: headers(1, c.head("/plain")[:3], END_STREAM) + frame(frames.PING, 0, 0, b"8 octets"), PROTOCOL_ERROR),
    "CONTINUATION of another stream": (lambda c: headers(1, c.head("/plain")[:3], END_STREAM) + frame(frames.CONTINUATION, END_HEADERS, 3, b""), PROTOCOL_ERROR),
    "CONTINUATION of nothing": (lambda c: frame(frames.CONTINUATION, END_HEADERS, 1, c.head("/plain")), PROTOCOL_ERROR),
    "a section that is no HPACK": (lambda c: headers(1, b"\x82\xff\xff\xff\xff\xff\xff"), COMPRESSION_ERROR),
    "an index that is in no table": (lambda c: headers(1, b"\xc6"), COMPRESSION_ERROR),
    "a table larger than allowed": (lambda c: headers(1, b"\x3f\xe2\x1f" + c.head("/plain")), COMPRESSION_ERROR),
    "PRIORITY on the connection": (lambda c: frame(frames.PRIORITY, 0, 0, b"\0\0\0\0\1"), PROTOCOL_ERROR),
    "RST_STREAM on the connection": (lambda c: frame(frames.RST_STREAM, 0, 0, b"\0\0\0\x08"), PROTOCOL_ERROR),
    "RST_STREAM on a stream never begun": (lambda c: frame(frames.RST_STREAM, 0, 1, b"\0\0\0\x08"), PROTOCOL_ERROR),
    "RST_STREAM of another length": (lambda c: headers(1, c.head("/plain", "POST"), END_HEADERS) + frame(frames.RST_STREAM, 0, 1, b"\0\0\0"), FRAME_SIZE_ERROR),
    "SETTINGS on a stream": (lambda c: frame(frames.SETTINGS, 0, 1, b""), PROTOCOL_ERROR),
    "SETTINGS of another length": (lambda c: frame(frames.SETTINGS, 0, 0, b"\0\1\0"), FRAME_SIZE_ERROR),
    "an acknowledgement with content": (lambda c: frame(frames.SETTINGS, ACK, 0, b"\0\4\0\0\0\0"), FRAME_SIZE_ERROR),
    "ENABLE_PUSH of 2": (lambda c: setting(0x2, 2), PROTOCOL_ERROR),
    "INITIAL_WINDOW_SIZE beyond 2^31 - 1": (lambda c: setting(0x4, 1 << 31), FLOW_CONTROL_ERROR),
    "MAX_FRAME_SIZE below 16,384": (lambda c: setting(0x5, 16_383), PROTOCOL_ERROR),
    "MAX_FRAME_SIZE beyond 2^24 - 1": (lambda c: setting(0x5, 1 << 24), PROTOCOL_ERROR),
    "PUSH_PROMISE of a client": (lambda c: frame(PUSH_PROMISE, END_HEADERS, 1, b"\0\0\0\2" + c.head("/plain")), PROTOCOL_ERROR),
    "PING on a stream": (lambda c: frame(frames.PING, 0, 1, b"8 octets"), PROTOCOL_ERROR),
    "PING of another length": (lambda c: frame(frames.PING, 0, 0, b"7 octet"), FRAME_SIZE_ERROR),
    "GOAWAY on a stream": (lambda c: frame(frames.GOAWAY, 0, 1, bytes(8)), PROTOCOL_ERROR),
    "GOAWAY too short": (lambda c: frame(frames.GOAWAY, 0, 0, bytes(7)), FRAME_SIZE_ERROR),
    "WINDOW_UPDATE of another length": (lambda c: frame(frames.WINDOW_UPDATE, 0, 0, b"\0\0\1"), FRAME_SIZE_ERROR),
    "WINDOW_UPDATE by 0": (lambda c: window_update(0, 0), PROTOCOL_ERROR),
    "WINDOW_UPDATE beyond 2^31 - 1": (lambda c: window_update(0, (1 << 31) - 1), FLOW_CONTROL_ERROR),
    "WINDOW_UPDATE of a stream never begun": (lambda c: window_update(5, 1), PROTOCOL_ERROR),
    "a frame beyond 16,384 bytes": (lambda c: headers(1, c.head("/plain", "POST"), END_HEADERS) + frame(frames.DATA, 0, 1, bytes(16_385)), FRAME_SIZE_ERROR),
}  # fmt: skip


@pytest.mark.parametrize("what", CONNECTION_ERRORS)
def test_a_breach_that_ends_the_connection(client, what):
    make, code = CONNECTION_ERRORS[what]
    client.settle()
    client.send(make(client))
    goaway = client.end()
    assert goaway is not None and goaway.error == code


# What resets a stream, with the code; the connection goes on.
FIELDS = [(":method", "GET"), (":scheme", "http"), (":authority", "localhost"), (":path", "/plain")]
STREAM_ERRORS = {
    "WINDOW_UPDATE by 0": (lambda c: headers(1, c.head("/plain", "POST"), END_HEADERS) + window_update(1, 0), PROTOCOL_ERROR),
    "WINDOW_UPDATE beyond 2^31 - 1": (lambda c: headers(1, c.head("/plain", "POST"), END_HEADERS) + window_update(1, (1 << 31) - 1) + window_update(1, 1), FLOW_CONTROL_ERROR),
    "more content than announced": (lambda c: headers(1, c.head("/plain", "POST", ("content-length", "1")), END_HEADERS) + frame(frames.DATA, END_STREAM, 1, b"xx"), PROTOCOL_ERROR),
    "less content than announced": (lambda c: headers(1, c.head("/plain", "POST", ("content-length", "3")), END_HEADERS) + frame(frames.DATA, END_STREAM, 1, b"xx"), PROTOCOL_ERROR),
    "no content where some is announced": (lambda c: headers(1, c.head("/plain", "POST", ("content-length", "3"))), PROTOCOL_ERROR),
    "trailers that do not end the stream": (lambda c: headers(1, c.head("/plain", "POST"), END_HEADERS) + headers(1, c.encoder.encode([("x", "1")]), END_HEADERS), PROTOCOL_ERROR),
    "a pseudo-field in trailers": (lambda c: headers(1, c.head("/plain", "POST"), END_HEADERS) + headers(1, c.encoder.encode([(":path", "/")])), PROTOCOL_ERROR),
    "DATA after the end": (lambda c: headers(1, c.head("/plain/large")) + frame(frames.DATA, END_STREAM, 1, b"x"), STREAM_CLOSED),
    "HEADERS after the end": (lambda c: headers(1, c.head("/plain/large")) + headers(1, c.head("/plain")), STREAM_CLOSED),
    "PRIORITY of another length": (lambda c: headers(1, c.head("/plain", "POST"), END_HEADERS) + frame(frames.PRIORITY, 0, 1, b"\0\0\0\0"), FRAME_SIZE_ERROR),
    "a name in capitals": (lambda c: headers(1, c.encoder.encode([*FIELDS, ("X-Capital", "1")])), PROTOCOL_ERROR),
    "an unknown pseudo-field": (lambda c: headers(1, c.encoder.encode([*FIELDS, (":other", "1")])), PROTOCOL_ERROR),
    "a pseudo-field behind a field": (lambda c: headers(1, c.encoder.encode([*FIELDS[:3], ("x", "1"), FIELDS[3]])), PROTOCOL_ERROR),
    "a connection field": (lambda c: headers(1, c.encoder.encode([*FIELDS, ("connection", "keep-alive")])), PROTOCOL_ERROR),
    "te other than trailers": (lambda c: headers(1, c.encoder.encode([*FIELDS, ("te", "gzip")])), PROTOCOL_ERROR),
    "no method": (lambda c: headers(1, c.encoder.encode(FIELDS[1:])), PROTOCOL_ERROR),
    "no scheme": (lambda c: headers(1, c.encoder.encode([FIELDS[0], *FIELDS[2:]])), PROTOCOL_ERROR),
    "no path": (lambda c: headers(1, c.encoder.encode(FIELDS[:3])), PROTOCOL_ERROR),
    "an empty path": (lambda c: headers(1, c.encoder.encode([*FIELDS[:3], (":path", "")])), PROTOCOL_ERROR),
    "two paths": (lambda c: headers(1, c.encoder.encode([*FIELDS, FIELDS[3]])), PROTOCOL_ERROR),
}  # fmt: skip


@pytest.mark.parametrize("what", STREAM_ERRORS)
def test_a_breach_that_resets_the_stream(client, what):
    make, code = STREAM_ERRORS[what]
    # A window of none keeps the responses of requests that are whole under way.
    client.send(setting(0x4, 0))
    client.settle()
    client.send(make(client))
    while (got := client.next_of(1)).kind != frames.RST_STREAM:
        assert got.kind != frames.GOAWAY
    assert got.error == code
    client.send(setting(0x4, 65_535))
    client.request(3, "/plain")
    assert client.answer(3) == (200, b"hello")


def test_more_than_the_windows_allow_is_refused(client):
    client.settle()
    client.request(1, "/plain", "POST", end=False)
    # Nobody answers before the end of the body: it is kept, up to the stream's window.
    with_more = frame(frames.DATA, 0, 1, bytes(16_000)) * 200
    try:
        client.send(with_more)
        while (got := client.next()).kind in (frames.WINDOW_UPDATE, frames.HEADERS, frames.DATA):
            pass
    except Closed:
        return
    assert got.error == FLOW_CONTROL_ERROR


@pytest.mark.parametrize("begin", [b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", PREFACE[:-2] + b"xx", PREFACE + frame(frames.PING, 0, 0, b"8 octets")], ids=["http/1.1", "preface", "no settings"])
def test_what_does_not_begin_as_http2_is_not_taken_for_it(gateway, begin):
    with socket.create_connection(("127.0.0.1", gateway.h2c_port), 10) as connection:
        connection.sendall(begin)
        connection.shutdown(socket.SHUT_WR)
        received = b""
        while data := connection.recv(65_536):
            received += data
    # The listener speaks HTTP/1.1 too; what is neither is told so in the protocol it began with.
    assert received.startswith((b"HTTP/1.1 4", b"HTTP/1.1 505")) or b"\x00\x00\x08\x07\x00" in received


# MARK: What a client may do


def test_padding_and_priorities_change_nothing(client):
    section = b"\x03" + b"\0\0\0\0\x10" + client.head("/plain", "POST", ("content-length", "4")) + bytes(3)
    client.send(headers(1, section, END_HEADERS | PADDED | PRIORITIZED))
    client.send(frame(frames.DATA, PADDED, 1, b"\x0aab" + bytes(10)) + frame(frames.DATA, PADDED | END_STREAM, 1, b"\x00cd"))
    assert client.answer(1) == (200, b"4")


def test_a_section_in_many_frames_is_one(client):
    section = client.head("/plain", "GET", ("x-long", "v" * 3_000))
    pieces = [section[n : n + 1_000] for n in range(0, len(section), 1_000)]
    client.send(headers(1, pieces[0], END_STREAM))
    for piece in pieces[1:-1]:
        client.send(frame(frames.CONTINUATION, 0, 1, piece))
    client.send(frame(frames.CONTINUATION, END_HEADERS, 1, pieces[-1]))
    assert client.answer(1) == (200, b"hello")


def test_bytes_one_by_one_are_the_same_request(client):
    request = headers(1, client.head("/plain", "POST"), END_HEADERS) + frame(frames.DATA, END_STREAM, 1, b"body")
    for n in range(len(request)):
        client.send(request[n : n + 1])
    assert client.answer(1) == (200, b"4")


def test_unknown_frames_and_settings_are_passed_over(client):
    client.send(frame(0x42, 0xFF, 0, b"whatever") + frame(0x42, 0xFF, 7, b"") + setting(0xABCD, 1))
    client.request(1, "/plain")
    assert client.answer(1) == (200, b"hello")


def test_a_ping_is_answered_with_what_it_says(client):
    client.send(frame(frames.PING, 0, 0, b"12345678"))
    got = client.next()
    while got.kind != frames.PING:
        got = client.next()
    assert (got.flags, got.payload) == (ACK, b"12345678")


def test_trailers_end_a_request(client):
    client.send(headers(1, client.head("/plain", "POST"), END_HEADERS) + frame(frames.DATA, 0, 1, b"body") + headers(1, client.encoder.encode([("x-sum", "1")])))
    assert client.answer(1) == (200, b"4")


def test_the_client_decides_how_much_it_is_sent(client):
    """No byte more than both windows allow, and all of them in the end."""
    client.send(setting(0x4, 1_000))
    client.settle()
    client.request(1, "/plain/large")
    body = b""
    while len(body) < 1_000:
        got = client.next_of(1)
        body += got.payload if got.kind == frames.DATA else b""
    assert len(body) == 1_000
    # Nothing more comes before the window is wider: the answer to a ping is next.
    client.send(frame(frames.PING, 0, 0, b"any more"))
    assert client.next().kind == frames.PING
    # Wider by a setting, by an update of the stream, and narrower than nothing in between.
    client.send(setting(0x4, 500) + window_update(1, 499))
    client.send(frame(frames.PING, 0, 0, b"any more"))
    while (got := client.next()).kind != frames.PING:
        assert got.kind != frames.DATA
    client.send(setting(0x4, 1 << 20))
    left = 65_535 - len(body)
    while left > 0:
        got = client.next_of(1)
        if got.kind == frames.DATA:
            body += got.payload
            left -= len(got.payload)
    assert len(body) == 65_535, "the connection's window holds too"
    client.send(window_update(0, 1 << 20))
    while not got.flags & END_STREAM:
        got = client.next_of(1)
        body += got.payload if got.kind == frames.DATA else b""
    assert body == LARGE


def test_streams_share_the_connections_window(client):
    """Three large responses behind one narrow window: each gets its turn."""
    client.send(setting(0x4, 1 << 20))
    client.settle()
    for stream in (1, 3, 5):
        client.request(stream, "/plain/large")
    got = {1: 0, 3: 0, 5: 0}
    while sum(got.values()) < 65_535:
        piece = client.next()
        if piece.kind == frames.DATA:
            got[piece.stream] += len(piece.payload)
    before = dict(got)
    for _ in range(12):
        client.send(window_update(0, 16_384))
        total = sum(got.values()) + 16_384
        while sum(got.values()) < total:
            piece = client.next()
            if piece.kind == frames.DATA:
                got[piece.stream] += len(piece.payload)
    # A turn is a frame of at most 16,384 bytes, less where the upstream has not sent so many yet: not four each to the byte, but nobody is passed over.
    assert min(got[stream] - before[stream] for stream in got) >= 16_384, got


def test_a_response_with_more_fields_than_a_frame_holds(client):
    client.send(headers(1, client.head("/plain/many-fields")))
    got = client.next_of_raw(1)
    assert got.kind == frames.HEADERS and not got.flags & END_HEADERS
    section = got.payload
    while not got.flags & END_HEADERS:
        got = client.next_of_raw(1)
        assert got.kind == frames.CONTINUATION
        section += got.payload
    fields = dict(hpack.Decoder(max_header_list_size=1 << 20).decode(section))
    assert fields[":status"] == "200" and fields["x-field-39"] == "v" * 900
    assert client.next_of(1).payload == b"ok"


def test_a_table_size_of_the_clients_is_acknowledged(gateway):
    """RFC 7541 section 4.2: the hpack package refuses a section that comes after the change without an update of the size."""
    with Client(gateway.h2c_port) as client:
        client.decoder.max_allowed_table_size = 0
        client.send(setting(0x1, 0))
        client.settle()
        client.request(1, "/plain")
        assert client.answer(1) == (200, b"hello")


def test_what_was_on_its_way_for_a_stream_that_ended_is_no_error(client):
    client.request(1, "/nowhere", "POST", ("content-length", "30000"), end=False)
    while (got := client.next_of(1)).kind != frames.RST_STREAM:
        pass
    assert got.error == NO_ERROR
    client.send(frame(frames.DATA, 0, 1, bytes(10_000)) + headers(1, client.encoder.encode([("x-sum", "1")])) + window_update(1, 100))
    client.request(3, "/plain")
    assert client.answer(3) == (200, b"hello")


def test_a_hundred_thousand_bytes_each_way_on_many_streams(client):
    streams = range(1, 101, 2)
    for stream in streams:
        client.request(stream, "/plain", "POST", ("content-length", "4000"), end=False)
    for stream in streams:
        client.send(frame(frames.DATA, END_STREAM, stream, bytes(4_000)))
    answers = {}
    while len(answers) < len(streams):
        got = client.next()
        if got.kind == frames.DATA and got.payload:
            answers[got.stream] = got.payload
    assert set(answers.values()) == {b"4000"}
