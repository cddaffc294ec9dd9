"""Receivers of log lines and of Zipkin spans: HTTP, TCP, UDP, a syslog socket."""

import http.server
import json
import socket
import ssl
import threading

from .ports import free_port
from .waiting import until


class JSONReceiver:
    """An HTTP server, with TLS where a context is given, that keeps what is sent to it; `script` holds the statuses of the next answers, then 200."""

    def __init__(self, tls: ssl.SSLContext | None = None):
        self.port = free_port()
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}/take?it=all"
        # (method, path, headers, decoded body)
        self.taken: list[tuple] = []
        self.script: list[int] = []
        self._lock = threading.Lock()
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                with receiver._lock:
                    status = receiver.script.pop(0) if receiver.script else 200
                    if status < 300:
                        receiver.taken.append((self.command, self.path, dict(self.headers.items()), json.loads(body)))
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            do_POST = do_PUT = do_PATCH = handle_any

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self._server.daemon_threads = True
        if tls:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    @property
    def entries(self) -> list[dict]:
        """Everything that was taken, lists taken apart."""
        with self._lock:
            return [entry for *_, body in self.taken for entry in (body if isinstance(body, list) else [body])]

    def wait_for(self, count: int, timeout: float = 15) -> list[dict]:
        return until(lambda: len(self.entries) >= count and self.entries, timeout=timeout, what=f"{count} entries at {self.url} (there are {len(self.entries)})")

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class LineServer:
    """A TCP server, with TLS where a certificate is given, that keeps the lines it gets."""

    def __init__(self, certificate=None, port: int | None = None):
        self.port = port or free_port()
        self.lines: list[dict] = []
        self.connections = 0
        self._open: list[socket.socket] = []
        self._context = None
        if certificate is not None:
            self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._context.load_cert_chain(*map(str, certificate))
        self._listener = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._read, args=(connection,), daemon=True).start()

    def _read(self, connection):
        try:
            if self._context is not None:
                connection = self._context.wrap_socket(connection, server_side=True)
            self.connections += 1
            self._open.append(connection)
            with connection.makefile("rb") as file:
                for line in file:
                    self.lines.append(json.loads(line))
        except (OSError, ValueError):
            pass

    def wait_for(self, count: int, timeout: float = 15) -> list[dict]:
        return until(lambda: len(self.lines) >= count and self.lines, timeout=timeout, what=f"{count} lines over TCP (there are {len(self.lines)})")

    def stop(self) -> None:
        # Closing alone would leave the thread that waits in accept, and with it the port.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self._open:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


class Datagrams:
    """A datagram socket: UDP on the loopback, or a path as syslog has it."""

    def __init__(self, path=None):
        if path is None:
            self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self.socket.bind(("127.0.0.1", 0))
            self.port = self.socket.getsockname()[1]
        else:
            self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            self.socket.bind(str(path))
        self.socket.settimeout(10)

    def next(self) -> bytes:
        return self.socket.recv(1 << 20)

    def stop(self) -> None:
        self.socket.close()
