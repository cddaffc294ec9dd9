"""TLS and HTTP/2 towards clients, with curl and openssl: protocols, certificates by name, HTTP/2 with and without TLS, reloads."""

import re
import signal
import subprocess

import pytest

from support.configuration import llm_service
from support.waiting import until

from test_upstream_tls import authority, openssl  # noqa: F401  (a fixture, and how certificates are made)

BODY = '{"model": "m", "messages": [{"role": "user", "content": "hello"}]}'


@pytest.fixture
def listening(gateways, provider, authority):  # noqa: F811
    """A gateway with a TLS listener that speaks HTTP/2, and a plaintext one that does so by prior knowledge."""
    configuration = {"services": [llm_service(provider.base)], **certificates(authority)}
    gateway = gateways(configuration, arguments=["--proxy-listen", "127.0.0.1:0 ssl http2", "--proxy-listen", "127.0.0.1:0 http2"])
    # The system chose the ports; the diagnostic log tells them.
    gateway.tls_port, gateway.h2c_port = (
        int(re.search(rf"address=127\.0\.0\.1:(\d+) with={words}\s", gateway.stderr)[1]) for words in ('"ssl http2"', "http2")
    )
    gateway.configuration = configuration
    return gateway


def certificates(authority) -> dict:  # noqa: F811
    pair = {"cert": (authority / "server.pem").read_text(), "key": (authority / "server.key").read_text()}
    return {"certificates": [{**pair, "snis": [{"name": "localhost"}]}]}


def curl(gateway, authority, *arguments, scheme="https", port=None, body=BODY) -> subprocess.CompletedProcess:  # noqa: F811
    target = f"{scheme}://localhost:{port or gateway.tls_port}/v1/chat/completions"
    command = [
        "curl", "-s", "--max-time", "20", "--noproxy", "*", "--resolve", f"localhost:{port or gateway.tls_port}:127.0.0.1", "--cacert", str(authority / "ca.pem"),
        "-H", "Content-Type: application/json", "-d", body, "-w", "\n%{http_version} %{response_code}", *arguments, target,
    ]  # fmt: skip
    return subprocess.run(command, capture_output=True, text=True, timeout=30)


@pytest.mark.parametrize("option, version", [("--http1.1", "1.1"), ("--http2", "2")])
def test_a_chat_over_tls_in_either_version(listening, authority, option, version):  # noqa: F811
    done = curl(listening, authority, option)
    assert done.returncode == 0, done.stderr
    body, _, summary = done.stdout.rpartition("\n")
    assert summary == f"{version} 200"
    assert '"choices"' in body
    line = listening.audit.wait_for_requests(1)[0]
    assert line["response"]["status"] == 200 and line["request"]["url"].startswith("https://localhost")


def test_http2_without_tls_by_prior_knowledge(listening, authority):  # noqa: F811
    done = curl(listening, authority, "--http2-prior-knowledge", scheme="http", port=listening.h2c_port)
    assert done.stdout.rpartition("\n")[2] == "2 200", done.stderr


def test_a_stream_over_http2_arrives_whole(listening, authority):  # noqa: F811
    done = curl(listening, authority, "--http2", "-N", body=BODY.replace('"messages"', '"stream": true, "messages"'))
    assert done.returncode == 0, done.stderr
    assert "data: [DONE]" in done.stdout and done.stdout.endswith("2 200")


@pytest.mark.parametrize("version, accepted", [("-tls1_1", False), ("-tls1_2", True), ("-tls1_3", True)])
def test_only_current_versions_of_tls_are_spoken(listening, authority, version, accepted):  # noqa: F811
    done = subprocess.run(
        ["openssl", "s_client", "-connect", f"127.0.0.1:{listening.tls_port}", "-servername", "localhost", "-CAfile", str(authority / "ca.pem"), "-verify_return_error", version],
        input="", capture_output=True, text=True, timeout=30,
    )  # fmt: skip
    assert (done.returncode == 0) == accepted, done.stdout + done.stderr


def test_a_reload_swaps_the_certificate(listening, authority, tmp_path):  # noqa: F811
    openssl(tmp_path, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", "k", "-out", "c")
    assert curl(listening, authority, "--http2").returncode == 0
    pair = {"cert": (tmp_path / "c").read_text(), "key": (tmp_path / "k").read_text()}
    listening.write({**listening.configuration, "certificates": [{**pair, "snis": [{"name": "localhost"}]}]})
    listening.process.send_signal(signal.SIGHUP)
    until(lambda: curl(listening, authority, "--cacert", str(tmp_path / "c")).returncode == 0, what="the new certificate")
    # 60: the old authority does not vouch for it.
    assert curl(listening, authority).returncode == 60
