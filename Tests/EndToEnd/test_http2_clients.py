"""HTTP/2 with real clients: httpx, curl and h2load; many at once, large bodies, streams, and the end of a process."""

import asyncio
import hashlib
import pathlib
import re
import shutil
import ssl
import subprocess

import httpx
import pytest
import requests

from support import frames
from support.configuration import llm_service, plain_service
from support.frames import Client
from support.raw import Origin, respond
from support.waiting import until

from test_tls_http2 import certificates
from test_upstream_tls import authority  # noqa: F401  (a fixture)


def echo(connection, request):
    if request.target.endswith("/big"):
        return respond(connection, b"0123456789abcdef" * 262_144)
    return respond(connection, hashlib.sha256(request.body).hexdigest() if request.method == "POST" else b"hello")


@pytest.fixture(scope="module")
def origin():
    server = Origin(echo)
    yield server
    server.stop()


def start(gateways, services, authority, **options):  # noqa: F811
    gateway = gateways(
        {"services": services, **certificates(authority), **options},
        environment={"KONG_LOG_LEVEL": "debug"},
        arguments=["--proxy-listen", "127.0.0.1:0 ssl http2 reuseport", "--proxy-listen", "127.0.0.1:0 http2"],
    )
    gateway.tls_port, gateway.h2c_port = (
        int(re.search(rf"address=127\.0\.0\.1:(\d+) with={words}\s", gateway.stderr)[1]) for words in ('"ssl http2"', "http2")
    )
    return gateway


@pytest.fixture(scope="module")
def gateway(module_gateways, origin, authority):  # noqa: F811
    return start(module_gateways, [plain_service(origin.port)], authority)


@pytest.fixture
def client(gateway, authority):  # noqa: F811
    context = ssl.create_default_context(cafile=str(authority / "ca.pem"))
    with httpx.Client(http2=True, verify=context, base_url=f"https://localhost:{gateway.tls_port}", timeout=30) as made:
        yield made


def test_httpx_speaks_http2(client):
    for _ in range(3):
        answer = client.get("/plain")
        assert (answer.http_version, answer.status_code, answer.text) == ("HTTP/2", 200, "hello")


def test_large_bodies_pass_unchanged_in_both_directions(client):
    block = bytes(range(256)) * 16_384
    answer = client.post("/plain", content=block)
    assert answer.text == hashlib.sha256(block).hexdigest()
    assert client.get("/plain/big").content == b"0123456789abcdef" * 262_144


async def test_a_hundred_requests_at_once_on_one_connection(gateway, authority):  # noqa: F811
    context = ssl.create_default_context(cafile=str(authority / "ca.pem"))
    limits = httpx.Limits(max_connections=1)
    bodies = [bytes([n]) * 10_000 for n in range(100)]
    async with httpx.AsyncClient(http1=False, http2=True, verify=context, limits=limits, base_url=f"https://localhost:{gateway.tls_port}", timeout=30) as client:
        answers = await asyncio.gather(*(client.post("/plain", content=body) for body in bodies))
    assert {answer.http_version for answer in answers} == {"HTTP/2"}
    assert [answer.text for answer in answers] == [hashlib.sha256(body).hexdigest() for body in bodies]


@pytest.mark.skipif(shutil.which("h2load") is None, reason="h2load (nghttp2-client) is not installed")
@pytest.mark.parametrize("scheme", ["https", "http"])
def test_h2load_sees_every_request_answered_and_none_late(gateway, scheme):
    port = gateway.tls_port if scheme == "https" else gateway.h2c_port
    done = subprocess.run(
        ["h2load", "-n", "4000", "-c", "20", "-m", "10", f"{scheme}://127.0.0.1:{port}/plain"], capture_output=True, text=True, timeout=100
    )
    assert "4000 succeeded, 0 failed, 0 errored, 0 timeout" in done.stdout, done.stdout + done.stderr
    slowest = re.search(r"time for request:\s+\S+\s+(\S+?)(us|ms|s)\s", done.stdout)
    assert float(slowest[1]) * {"us": 1e-6, "ms": 1e-3, "s": 1}[slowest[2]] < 5, done.stdout


def test_the_end_of_the_process_lets_streams_finish(module_gateways, provider, authority):  # noqa: F811
    """GOAWAY in two steps: the announcement, then, when the client has answered the ping, the last stream that was taken."""
    gateway = start(module_gateways, [llm_service(provider.base)], authority)
    body = b'{"model": "gate", "stream": true, "messages": [{"role": "user", "content": "hi"}]}'
    with Client(gateway.h2c_port) as client:
        client.request(1, "/v1/chat/completions", "POST", ("content-type", "application/json"), end=False)
        client.send(frames.frame(frames.DATA, frames.END_STREAM, 1, body))
        while client.next().kind != frames.DATA:
            pass
        gateway.terminate()
        goaway = None
        while goaway is None or goaway.last_stream > 1:
            got = client.next()
            if got.kind == frames.GOAWAY:
                assert got.error == frames.NO_ERROR
                goaway = got
            if got.kind == frames.PING:
                client.send(frames.frame(frames.PING, frames.ACK, 0, got.payload))
        assert gateway.process.poll() is None, "it waits for the stream"
        provider.release()
        _, rest = client.answer(1)
        assert b"[DONE]" in rest
        client.end()
    assert gateway.process.wait(10) == 0
    assert len(gateway.audit.requests()) == 1


def test_every_loop_listens_on_its_own_with_reuseport(gateway):
    """Two loops, two sockets on one address: both accept."""
    sockets = [line.split() for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]]
    # 0A: listening (include/net/tcp_states.h).
    listening = [line for line in sockets if line[1] == f"0100007F:{gateway.tls_port:04X}" and line[3] == "0A"]
    assert len(listening) >= 2, listening


def test_an_http1_client_on_the_same_listener(gateway, authority):  # noqa: F811
    answer = requests.get(f"https://localhost:{gateway.tls_port}/plain", verify=str(authority / "ca.pem"), timeout=10)
    assert answer.text == "hello"
    until(lambda: gateway.metrics().total("pellucid_connections_open", side="client") < 50, what="connections to close")
