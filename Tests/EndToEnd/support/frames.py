"""HTTP/2 by hand (RFC 9113), for what no client library would send: frames are made and read one by one, HPACK is the `hpack` package's."""

import dataclasses
import socket
import ssl
import struct

import hpack

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = 0, 1, 2, 3, 4, 6, 7, 8, 9
END_STREAM, ACK, END_HEADERS = 0x1, 0x1, 0x4
MAX_CONCURRENT_STREAMS, INITIAL_WINDOW_SIZE = 0x3, 0x4
NO_ERROR, PROTOCOL_ERROR, CANCEL, ENHANCE_YOUR_CALM = 0x0, 0x1, 0x8, 0xB
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


@dataclasses.dataclass
class Frame:
    kind: int
    flags: int
    stream: int
    payload: bytes
    # Of a HEADERS frame that is whole: its fields, decoded in the order of the connection.
    fields: dict = dataclasses.field(default_factory=dict)

    @property
    def error(self) -> int:
        """The code of a RST_STREAM or GOAWAY."""
        return struct.unpack(">I", self.payload[:4] if self.kind == RST_STREAM else self.payload[4:8])[0]

    @property
    def last_stream(self) -> int:
        return struct.unpack(">I", self.payload[:4])[0]


def frame(kind: int, flags: int = 0, stream: int = 0, payload: bytes = b"") -> bytes:
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def settings(**values) -> bytes:
    codes = {"initial_window_size": INITIAL_WINDOW_SIZE, "max_concurrent_streams": MAX_CONCURRENT_STREAMS, "enable_push": 0x2}
    return frame(SETTINGS, payload=b"".join(struct.pack(">HI", codes[name], value) for name, value in values.items()))


class Closed(Exception):
    """The gateway ended the connection."""


class Client:
    """One HTTP/2 connection in plaintext, with blocking reads under a deadline."""

    def __init__(self, port: int, *, timeout: float = 15, receive_buffer: int | None = None, **values):
        self.socket = socket.socket()
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(timeout)
        self.socket.connect(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""
        self.encoder = hpack.Encoder()
        self.decoder = hpack.Decoder()
        self.is_settled = False
        # What the gateway announced.
        self.peer_settings: dict = {}
        self.send(PREFACE + settings(**values))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data: bytes) -> None:
        try:
            self.socket.sendall(data)
        except (ConnectionError, ssl.SSLError) as problem:
            raise Closed(str(problem)) from problem

    def head(self, path: str, method: str = "GET", *more) -> bytes:
        """A request's field section."""
        fields = [(":method", method), (":scheme", "http"), (":authority", "localhost"), (":path", path), *more]
        return self.encoder.encode(fields)

    def request(self, stream: int, path: str, method: str = "GET", *more, end: bool = True) -> None:
        self.send(frame(HEADERS, END_HEADERS | (END_STREAM if end else 0), stream, self.head(path, method, *more)))

    def settle(self) -> "Client":
        """Waits until both sides have acknowledged their settings: before, a server may hold a client to less than it announces."""
        self.send(frame(PING, 0, 0, b"settled?"))
        while self.next().kind != PING:
            pass
        return self

    def next(self, is_decoded: bool = True) -> Frame:
        """The next frame; settings are acknowledged on the way. A section in several frames cannot be decoded from the first."""
        while True:
            while len(self.buffer) < 9:
                self._more()
            length = int.from_bytes(self.buffer[:3], "big")
            while len(self.buffer) < 9 + length:
                self._more()
            kind, flags, stream = struct.unpack(">BBI", self.buffer[3:9])
            got = Frame(kind, flags, stream & 0x7FFFFFFF, self.buffer[9 : 9 + length])
            self.buffer = self.buffer[9 + length :]
            if kind == SETTINGS and not flags & ACK:
                self.peer_settings |= dict(struct.iter_unpack(">HI", got.payload))
                self.send(frame(SETTINGS, ACK))
                continue
            if kind == SETTINGS:
                self.is_settled = True
                continue
            if kind == HEADERS and is_decoded:
                got.fields = dict(self.decoder.decode(got.payload))
            return got

    def next_of(self, stream: int) -> Frame:
        """The next frame of a stream that says something: window updates and frames of others are passed over."""
        while (got := self.next()).stream != stream or got.kind == WINDOW_UPDATE:
            pass
        return got

    def next_of_raw(self, stream: int) -> Frame:
        """The same, without decoding."""
        while (got := self.next(is_decoded=False)).stream != stream or got.kind == WINDOW_UPDATE:
            pass
        return got

    def _more(self) -> None:
        try:
            data = self.socket.recv(65536)
        except ConnectionError as problem:
            raise Closed(str(problem)) from problem
        if not data:
            raise Closed("end of stream")
        self.buffer += data

    def answer(self, stream: int) -> tuple[int, bytes]:
        """Status and content of a stream that ends well; frames of others are passed over."""
        status, body = 0, b""
        while True:
            got = self.next()
            if got.kind == GOAWAY and got.error != NO_ERROR:
                raise Closed(f"GOAWAY {got.error}")
            if got.kind == HEADERS:
                if got.stream == stream:
                    status = int(got.fields.get(":status", status))
            if got.stream != stream:
                continue
            if got.kind == DATA:
                body += got.payload
            if got.kind == RST_STREAM:
                raise Closed(f"RST_STREAM {got.error}")
            if got.kind in (HEADERS, DATA) and got.flags & END_STREAM:
                return status, body

    def end(self) -> Frame | None:
        """The GOAWAY with which the gateway ends the connection; None: it closed without one."""
        last = None
        try:
            while True:
                got = self.next()
                if got.kind == GOAWAY:
                    last = got
        except Closed:
            return last
