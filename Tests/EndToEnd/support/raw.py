"""HTTP/1.1 by hand, for what no client library would send, and an origin server scripted byte by byte."""

import contextlib
import dataclasses
import socket
import threading

from .ports import free_port
from .waiting import until


@dataclasses.dataclass
class Message:
    """A request or response as it was on the wire."""

    start: str
    headers: list
    body: bytes = b""
    trailers: list = dataclasses.field(default_factory=list)
    chunks: list = dataclasses.field(default_factory=list)

    @property
    def status(self) -> int:
        return int(self.start.split(" ")[1])

    @property
    def method(self) -> str:
        return self.start.split(" ")[0]

    @property
    def target(self) -> str:
        return self.start.split(" ")[1]

    def header(self, name: str) -> str | None:
        values = self.all(name)
        return values[0] if values else None

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def names(self) -> list[str]:
        return [key.lower() for key, _ in self.headers]


class Closed(Exception):
    """The peer closed (or reset) the connection."""


class Connection:
    """One TCP connection with blocking reads under a deadline."""

    def __init__(self, sock: socket.socket, timeout: float = 15):
        self.socket = sock
        self.socket.settimeout(timeout)
        self.buffer = b""

    @classmethod
    def open(cls, port: int, timeout: float = 15, receive_buffer: int | None = None) -> "Connection":
        sock = socket.socket()
        if receive_buffer:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        sock.settimeout(timeout)
        sock.connect(("127.0.0.1", port))
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return cls(sock, timeout)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self) -> None:
        self.socket.close()

    def reset(self) -> None:
        """Closes with RST instead of FIN."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
        self.socket.close()

    def send(self, data: bytes | str) -> None:
        self.socket.sendall(data.encode("latin-1") if isinstance(data, str) else data)

    def _more(self) -> None:
        try:
            data = self.socket.recv(65536)
        except ConnectionError as problem:
            raise Closed(str(problem)) from problem
        if not data:
            raise Closed("end of stream")
        self.buffer += data

    def line(self) -> str:
        while b"\r\n" not in self.buffer:
            self._more()
        line, self.buffer = self.buffer.split(b"\r\n", 1)
        return line.decode("latin-1")

    def exactly(self, count: int) -> bytes:
        while len(self.buffer) < count:
            self._more()
        data, self.buffer = self.buffer[:count], self.buffer[count:]
        return data

    def head(self) -> Message:
        message = Message(self.line(), [])
        while line := self.line():
            name, _, value = line.partition(":")
            message.headers.append((name, value.strip()))
        return message

    def chunk(self) -> bytes | None:
        """One chunk; None for the last. The trailers after it are the caller's."""
        size = int(self.line().split(";")[0], 16)
        if size == 0:
            return None
        data = self.exactly(size)
        assert self.line() == ""
        return data

    def body(self, message: Message, *, is_response: bool) -> Message:
        if (message.header("Transfer-Encoding") or "").lower() == "chunked":
            while (data := self.chunk()) is not None:
                message.chunks.append(data)
            message.body = b"".join(message.chunks)
            while line := self.line():
                name, _, value = line.partition(":")
                message.trailers.append((name, value.strip()))
        elif (length := message.header("Content-Length")) is not None:
            message.body = self.exactly(int(length))
        elif is_response:
            message.body = self.rest()
        return message

    def response(self, *, to_head: bool = False) -> Message:
        """The next final response; interim ones are skipped."""
        while True:
            message = self.head()
            if message.status >= 200:
                break
        if to_head or message.status in (204, 304):
            return message
        return self.body(message, is_response=True)

    def request(self) -> Message:
        return self.body(self.head(), is_response=False)

    def rest(self) -> bytes:
        """Everything up to the end of the connection."""
        try:
            while True:
                self._more()
        except Closed:
            pass
        data, self.buffer = self.buffer, b""
        return data

    def is_closed(self, timeout: float = 5) -> bool:
        """Whether the peer closes within `timeout` without sending more."""
        self.socket.settimeout(timeout)
        try:
            return self.socket.recv(1) == b""
        except ConnectionError:
            return True
        except TimeoutError:
            return False


class Origin:
    """An origin server: `script(connection, request)` answers each request; connections and requests are recorded.

    The script returns False to end the connection. `on_head(connection, head)` instead takes over before the body is read.
    """

    def __init__(self, script=None, on_head=None):
        self.port = free_port()
        self.script = script or hello
        self.on_head = on_head
        self.requests: list[Message] = []
        self.connections = 0
        self.closed = 0
        self._listener = socket.create_server(("127.0.0.1", self.port), backlog=256)
        self._open: set = set()
        threading.Thread(target=self._accept, daemon=True).start()

    def stop(self) -> None:
        # Closing alone does not wake the thread in accept, which would serve one connection more.
        with contextlib.suppress(OSError):  # Stopped before.
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in list(self._open):
            connection.close()

    def wait_for_requests(self, count: int, timeout: float = 10) -> list[Message]:
        return until(lambda: len(self.requests) >= count and self.requests, timeout=timeout, what=f"{count} requests at the origin")

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(Connection(sock, 60),), daemon=True).start()

    def _serve(self, connection: Connection) -> None:
        self._open.add(connection)
        try:
            while True:
                head = connection.head()
                if self.on_head is not None:
                    self.requests.append(head)
                    if self.on_head(connection, head) is False:
                        break
                    continue
                request = connection.body(head, is_response=False)
                self.requests.append(request)
                if self.script(connection, request) is False:
                    break
        except (Closed, OSError):
            pass
        finally:
            self.closed += 1
            self._open.discard(connection)
            connection.close()


def respond(connection: Connection, body: bytes | str = b"", *, status: str = "200 OK", headers: dict | None = None) -> None:
    """Sends a response with Content-Length."""
    body = body.encode() if isinstance(body, str) else body
    lines = "".join(f"{name}: {value}\r\n" for name, value in (headers or {}).items())
    connection.send(f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{lines}\r\n".encode() + body)


def hello(connection: Connection, request: Message) -> None:
    respond(connection, "hello", headers={"Content-Type": "text/plain", "X-Origin": "yes"})
