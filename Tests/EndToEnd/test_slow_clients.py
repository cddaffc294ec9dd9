"""Slow clients (slowhttptest): slow heads, slow bodies, slow readers. Each is let go in its time, and honest clients are served meanwhile."""

import contextlib
import shutil
import subprocess
import time

import pytest
import requests

from support.configuration import plain_service, plugin
from support.raw import Connection, Origin, respond
from support.waiting import until

pytestmark = pytest.mark.skipif(shutil.which("slowhttptest") is None, reason="slowhttptest is not installed")
CONNECTIONS = 200


def script(connection, request):
    respond(connection, b"x" * (8 << 20) if request.target.endswith("/large") else b"hello")


@pytest.fixture(scope="module")
def gateway(module_gateways):
    origin = Origin(script)
    timeouts = {"header_seconds": 2, "body_seconds": 2, "write_seconds": 2, "idle_keepalive_seconds": 5}
    # Honest clients are answered by the gateway itself: the scripted origin is slow with 200 large responses under way.
    honest = plain_service(origin.port, name="honest", path="/honest", plugins=[plugin("request-termination", status_code=200, body="hello", content_type="text/plain")])
    yield module_gateways({"services": [plain_service(origin.port), honest], "_pellucid": {"timeouts": timeouts}})
    origin.stop()


@pytest.mark.parametrize(
    "kind, path",
    [
        pytest.param(["-H", "-i", "1"], "/plain", id="heads that never end (slowloris)"),
        pytest.param(["-B", "-i", "1", "-s", "100000", "-t", "POST"], "/plain", id="bodies that never end"),
        pytest.param(["-X", "-n", "1", "-w", "10", "-y", "20", "-z", "8", "-k", "1"], "/plain/large", id="readers that hardly read"),
    ],
)
def test_slow_clients_are_let_go_and_others_are_served(gateway, kind, path):
    before = gateway.resident_bytes()
    attack = subprocess.Popen(
        ["slowhttptest", *kind, "-c", str(CONNECTIONS), "-r", "200", "-l", "8", "-u", f"{gateway.url}{path}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        until(lambda: open_connections(gateway) > CONNECTIONS / 4, what="the slow clients")
        for _ in range(20):
            assert requests.get(f"{gateway.url}/honest", timeout=2).text == "hello"
        # Each holds at most what the sockets and one response's window hold.
        assert gateway.resident_bytes() - before < 128 << 20
        assert attack.wait(60) is not None
    finally:
        attack.kill()
        attack.wait()
    until(lambda: open_connections(gateway) <= 2, timeout=15, what="the end of their connections")


def test_a_head_has_its_time_from_its_first_byte_on(gateway):
    """A byte now and then must not renew it."""
    with Connection.open(gateway.proxy_port) as client:
        begin = time.monotonic()
        client.send("GET /plain HTTP/1.1\r\nX-Slow: ")
        answer = b""
        with contextlib.suppress(ConnectionError):
            while not answer and time.monotonic() - begin < 15:
                client.socket.settimeout(0.3)
                try:
                    answer = client.socket.recv(4096)
                except TimeoutError:
                    client.send("x")
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert 1.9 < time.monotonic() - begin < 6


def open_connections(gateway) -> float:
    return gateway.metrics().total("pellucid_connections_open", side="client")
