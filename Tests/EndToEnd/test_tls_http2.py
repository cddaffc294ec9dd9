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


def test_sessions_resume_in_both_versions_and_after_a_reload(listening, authority, tmp_path):  # noqa: F811
    def connect(*arguments) -> str:
        done = subprocess.run(
            ["openssl", "s_client", "-connect", f"127.0.0.1:{listening.tls_port}", "-servername", "localhost", "-CAfile", str(authority / "ca.pem"), *arguments],
            input="GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", capture_output=True, text=True, timeout=30,
        )  # fmt: skip
        return done.stdout

    for version in ("-tls1_2", "-tls1_3"):
        session = str(tmp_path / f"session{version}")
        # -ign_eof: the tickets of TLS 1.3 come after the handshake.
        assert "New, TLSv1" in connect(version, "-ign_eof", "-sess_out", session)
        assert "Reused, TLSv1" in connect(version, "-ign_eof", "-sess_in", session)
    hash_before = listening.metrics().by_label("pellucid_config_info", "hash")
    listening.write({**listening.configuration, "services": [llm_service("http://127.0.0.1:9")]})
    listening.reload()
    until(lambda: listening.metrics().by_label("pellucid_config_info", "hash") != hash_before, what="the reload")
    assert "Reused, TLSv1.3" in connect("-tls1_3", "-ign_eof", "-sess_in", str(tmp_path / "session-tls1_3"))


SETTINGS = [
    pytest.param({}, ["-tls1_2"], True, id="intermediate takes 1.2"),
    pytest.param({}, ["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"], False, id="intermediate refuses 1.1"),
    pytest.param({"KONG_SSL_CIPHER_SUITE": "modern"}, ["-tls1_2"], False, id="modern refuses 1.2"),
    pytest.param({"KONG_SSL_CIPHER_SUITE": "modern"}, ["-tls1_3"], True, id="modern takes 1.3"),
    pytest.param({"KONG_SSL_CIPHER_SUITE": "old"}, ["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"], True, id="old takes 1.1"),
    pytest.param({"KONG_SSL_CIPHER_SUITE": "custom", "KONG_SSL_PROTOCOLS": "TLSv1.2"}, ["-tls1_3"], False, id="custom versions"),
    pytest.param(
        {"KONG_SSL_CIPHER_SUITE": "custom", "KONG_SSL_PROTOCOLS": "TLSv1.2", "KONG_SSL_CIPHERS": "ECDHE-RSA-AES256-GCM-SHA384"},
        ["-cipher", "ECDHE-RSA-AES128-GCM-SHA256"], False, id="custom ciphers refuse others",
    ),
    pytest.param(
        {"KONG_SSL_CIPHER_SUITE": "custom", "KONG_SSL_PROTOCOLS": "TLSv1.2", "KONG_SSL_CIPHERS": "ECDHE-RSA-AES256-GCM-SHA384"},
        ["-cipher", "ECDHE-RSA-AES256-GCM-SHA384"], True, id="custom ciphers",
    ),
    pytest.param({}, ["-tls1_2", "-cipher", "AES128-SHA:@SECLEVEL=0"], False, id="no RSA key exchange"),
    pytest.param({}, ["-tls1_2", "-cipher", "NULL:aNULL:EXPORT:RC4:DES:@SECLEVEL=0"], False, id="no broken ciphers"),
]  # fmt: skip


@pytest.mark.parametrize("environment, arguments, accepted", SETTINGS)
def test_versions_and_ciphers_follow_kongs_settings(gateways, authority, environment, arguments, accepted):  # noqa: F811
    gateway = gateways({"services": [], **certificates(authority)}, arguments=["--proxy-listen", "127.0.0.1:0 ssl http2"], environment=environment)
    port = tls_port(gateway)
    done = subprocess.run(
        ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-servername", "localhost", *arguments], input="", capture_output=True, text=True, timeout=30
    )
    assert (done.returncode == 0) == accepted, done.stdout + done.stderr


def tls_port(gateway) -> int:
    return int(re.search(r'address=127\.0\.0\.1:(\d+) with="ssl http2"\s', gateway.stderr)[1])


@pytest.mark.parametrize(
    "name, value, message",
    [
        ("KONG_SSL_CIPHER_SUITE", "ancient", "KONG_SSL_CIPHER_SUITE"),
        ("KONG_SSL_PROTOCOLS", "SSLv3", "KONG_SSL_PROTOCOLS"),
    ],
)
def test_a_setting_that_is_none_ends_the_start(gateways, authority, name, value, message):  # noqa: F811
    gateway = gateways(
        {"services": [], **certificates(authority)}, arguments=["--proxy-listen", "127.0.0.1:0 ssl"],
        environment={"KONG_SSL_CIPHER_SUITE": "custom", name: value}, wait=False,
    )  # fmt: skip
    gateway.wait_for_failure()
    assert message in gateway.stderr


@pytest.fixture(scope="module")
def clients(tmp_path_factory):
    """Two authorities of clients: one that the gateway knows and a stranger."""
    directory = tmp_path_factory.mktemp("clients")
    for name in ("known", "stranger"):
        openssl(directory, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", f"/CN={name} CA", "-keyout", f"{name}-ca.key", "-out", f"{name}-ca.pem")
        openssl(directory, "req", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={name} client", "-keyout", f"{name}.key", "-out", f"{name}.csr")
        openssl(
            directory,
            *("x509", "-req", "-in", f"{name}.csr", "-CA", f"{name}-ca.pem", "-CAkey", f"{name}-ca.key", "-set_serial", "5", "-days", "30", "-out", f"{name}.pem"),
        )
    return directory


AUTHORITY_ID = "3f1a8ab4-6b1c-4f0e-9a3e-3c6a9f4f5d10"


@pytest.mark.parametrize(
    "mode, shown, accepted",
    [
        ("required", "known", True),
        ("required", None, False),
        ("required", "stranger", False),
        ("optional", "known", True),
        ("optional", None, True),
        ("optional", "stranger", False),
        ("none", "stranger", True),
    ],
)
@pytest.mark.parametrize("version", ["--http1.1", "--http2"])
def test_client_certificates(gateways, provider, authority, clients, mode, shown, accepted, version):  # noqa: F811
    configuration = {
        "services": [llm_service(provider.base)],
        **certificates(authority),
        "ca_certificates": [{"id": AUTHORITY_ID, "cert": (clients / "known-ca.pem").read_text()}],
        "_pellucid": {"tls": {"client_certificates": mode, **({"ca_certificates": [AUTHORITY_ID]} if mode != "none" else {})}},
    }
    gateway = gateways(configuration, arguments=["--proxy-listen", "127.0.0.1:0 ssl http2"])
    gateway.tls_port = tls_port(gateway)
    certificate = ["--cert", str(clients / f"{shown}.pem"), "--key", str(clients / f"{shown}.key")] if shown else []
    done = curl(gateway, authority, version, *certificate)
    if accepted:
        assert done.stdout.endswith(" 200"), done.stderr
    else:
        assert done.returncode != 0
        assert not gateway.audit_path.exists() or not gateway.audit.requests(), "no request got that far"
        until(lambda: gateway.metrics().total("pellucid_protocol_errors_total", code="tls_handshake_failed") >= 1, what="the counter")
