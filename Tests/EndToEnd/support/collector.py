"""An OTLP/HTTP receiver that decodes with the official protobuf classes and can refuse on demand."""

import dataclasses
import gzip
import http.server
import threading

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest, ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest, ExportMetricsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest, ExportTraceServiceResponse

from .ports import free_port
from .waiting import until

MESSAGES = {
    "/v1/traces": (ExportTraceServiceRequest, ExportTraceServiceResponse),
    "/v1/metrics": (ExportMetricsServiceRequest, ExportMetricsServiceResponse),
    "/v1/logs": (ExportLogsServiceRequest, ExportLogsServiceResponse),
}


def plain(value):
    """An OTLP AnyValue as a Python value."""
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [plain(item) for item in value.array_value.values]
    if kind == "kvlist_value":
        return {item.key: plain(item.value) for item in value.kvlist_value.values}
    return getattr(value, kind) if kind else None


def attributes_of(items) -> dict:
    result = {}
    for item in items:
        assert item.key not in result, f"attribute {item.key} occurs twice"
        result[item.key] = plain(item.value)
    return result


@dataclasses.dataclass(frozen=True)
class Span:
    """A received span with what the tests look at."""

    name: str
    trace_id: str
    span_id: str
    parent_id: str
    kind: int
    start: int
    end: int
    status: int
    attributes: dict
    resource: dict
    links: tuple
    flags: int

    @property
    def is_root(self) -> bool:
        from . import names

        return self.kind == names.SERVER


class Collector:
    """The receiver. `answer_with` scripts the next answers; `stop` and `start` take it down and back on the same port."""

    def __init__(self):
        self.port = free_port()
        self.endpoint = f"http://127.0.0.1:{self.port}"
        self.bodies: list[tuple[str, dict, bytes]] = []
        self.refused = 0
        # Exports that were read and not answered yet.
        self.pending = 0
        self._delay = 0.0
        self._hurry = threading.Event()
        self._exports = {path: [] for path in MESSAGES}
        self._script: list[tuple[int, dict, bytes | None]] = []
        self._lock = threading.Lock()
        self._server = None
        self._thread = None

    def start(self) -> "Collector":
        collector = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                collector._receive(self)

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            allow_reuse_address = True
            request_queue_size = 128

        self._connections = set()
        self._server = Server(("127.0.0.1", self.port), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()
        return self

    def stop(self) -> None:
        """Closes the listener and every connection."""
        if self._server is None:
            return
        self._server.shutdown()
        self._server.server_close()
        with self._lock:
            for connection in list(self._connections):
                try:
                    connection.shutdown(2)
                except OSError:
                    pass
        self._thread.join()
        self._server = None

    def answer_with(self, status: int, *, headers: dict | None = None, body: bytes | None = None, times: int = 1) -> None:
        """Answers the next `times` exports so; nothing of a refused export is kept."""
        with self._lock:
            self._script += [(status, headers or {}, body)] * times

    def delay(self, seconds: float) -> None:
        """Lets every answer wait; 0 ends the waiting of those that do. What waits is thrown away unread."""
        self._delay = seconds
        if seconds == 0:
            self._hurry.set()
            self._hurry = threading.Event()

    def answer_partially(self, rejected: int, message: str = "too old") -> None:
        """Accepts the next trace export with a partial success."""
        response = ExportTraceServiceResponse()
        response.partial_success.rejected_spans = rejected
        response.partial_success.error_message = message
        self.answer_with(200, body=response.SerializeToString())

    def _receive(self, handler) -> None:
        with self._lock:
            self._connections.add(handler.connection)
        length = int(handler.headers.get("Content-Length") or 0)
        body = handler.rfile.read(length)
        if handler.headers.get("Transfer-Encoding", "").lower() == "chunked":
            body = read_chunked(handler.rfile)
        if handler.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        if self._delay:
            hurry = self._hurry
            with self._lock:
                self.pending += 1
            hurry.wait(self._delay)
            handler.close_connection = True
            return
        message, response = MESSAGES.get(handler.path, (None, None))
        status, headers, answer = (404, {}, b"") if message is None else (200, {}, response().SerializeToString())
        with self._lock:
            if message is not None and self._script:
                status, headers, scripted = self._script.pop(0)
                answer = scripted if scripted is not None else answer
            if status == 200:
                self.bodies.append((handler.path, dict(handler.headers), body))
                export = message()
                export.ParseFromString(body)
                self._exports[handler.path].append(export)
            else:
                self.refused += 1
        try:
            handler.send_response(status)
            handler.send_header("Content-Type", "application/x-protobuf")
            handler.send_header("Content-Length", str(len(answer)))
            for name, value in headers.items():
                handler.send_header(name, value)
            handler.end_headers()
            handler.wfile.write(answer)
        except OSError:
            pass

    def spans(self) -> list[Span]:
        """Every span received, each id once (delivery is at least once)."""
        with self._lock:
            exports = list(self._exports["/v1/traces"])
        found = {}
        for export in exports:
            for resource in export.resource_spans:
                described = attributes_of(resource.resource.attributes)
                for scope in resource.scope_spans:
                    for span in scope.spans:
                        found[span.span_id] = Span(
                            span.name, span.trace_id.hex(), span.span_id.hex(), span.parent_span_id.hex(), span.kind, span.start_time_unix_nano,
                            span.end_time_unix_nano, span.status.code, attributes_of(span.attributes), described,
                            tuple((link.trace_id.hex(), link.span_id.hex()) for link in span.links), span.flags,
                        )  # fmt: skip
        return list(found.values())

    def span_copies(self) -> int:
        """How many spans arrived, repetitions counted."""
        with self._lock:
            exports = list(self._exports["/v1/traces"])
        return sum(len(scope.spans) for export in exports for resource in export.resource_spans for scope in resource.scope_spans)

    def roots(self) -> list[Span]:
        return [span for span in self.spans() if span.is_root]

    def trace(self, trace_id: str) -> list[Span]:
        return [span for span in self.spans() if span.trace_id == trace_id]

    def wait_for_roots(self, count: int, timeout: float = 15) -> list[Span]:
        """Waits for at least `count` root spans."""
        return until(lambda: (found := self.roots()) and len(found) >= count and found, timeout=timeout, what=f"{count} root spans", interval=0.05)

    def wait_for_trace(self, trace_id: str, timeout: float = 15) -> list[Span]:
        """The spans of a trace once its root has arrived (a root is exported with or after its children)."""
        until(lambda: any(span.is_root for span in self.trace(trace_id)), timeout=timeout, what=f"the root span of {trace_id}")
        return self.trace(trace_id)

    def log_records(self) -> list:
        """Every log record received, as protobuf messages."""
        with self._lock:
            exports = list(self._exports["/v1/logs"])
        return [record for export in exports for resource in export.resource_logs for scope in resource.scope_logs for record in scope.log_records]

    def metric_names(self) -> set[str]:
        with self._lock:
            exports = list(self._exports["/v1/metrics"])
        return {metric.name for export in exports for resource in export.resource_metrics for scope in resource.scope_metrics for metric in scope.metrics}

    def everything(self) -> bytes:
        """All bytes received, for searching what must not be in them."""
        with self._lock:
            return b"\n".join(body for _, _, body in self.bodies)


def read_chunked(stream) -> bytes:
    result = b""
    while size := int(stream.readline().split(b";")[0], 16):
        result += stream.read(size)
        stream.readline()
    while stream.readline().strip():
        pass
    return result
