"""TLS towards upstreams: what is trusted, what is refused, and which name the server is asked for."""

import http.server
import socket
import ssl
import subprocess
import threading

import pytest
import requests

from support import configuration, names
from support.raw import Closed, Connection
from support.waiting import until


def openssl(directory, *arguments) -> None:
    done = subprocess.run(["openssl", *arguments], cwd=directory, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    """A folder with an authority nobody else knows (ca.pem) and its certificate for localhost (server.pem, server.key)."""
    directory = tmp_path_factory.mktemp("authority")
    (directory / "server.ext").write_text("subjectAltName=DNS:localhost\nbasicConstraints=CA:FALSE\n")
    openssl(directory, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", "/CN=Test Authority", "-keyout", "ca.key", "-out", "ca.pem")
    openssl(directory, "req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-keyout", "server.key", "-out", "server.csr")
    openssl(
        directory,
        *("x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-set_serial", "2", "-days", "30"),
        *("-extfile", "server.ext", "-out", "server.pem"),
    )
    return directory


class SecureOrigin:
    """An https server that says `secret` and remembers the names it was asked for."""

    def __init__(self, authority):
        self.names = []

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                self.send_response(200)
                self.send_header("Content-Length", "6")
                self.end_headers()
                self.wfile.write(b"secret")

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_):
                """A client that refuses the certificate ends the handshake; that is what some tests are about."""

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(authority / "server.pem", authority / "server.key")
        context.sni_callback = lambda connection, name, _: self.names.append(name)
        self._server = Server(("127.0.0.1", 0), Handler)
        # The handshake belongs to the connection's thread, so that one that fails does not stop the server.
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self):
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def secure(authority):
    server = SecureOrigin(authority)
    yield server
    server.stop()


def service(secure, host: str = "localhost", **more) -> dict:
    return {"services": [{"name": "secure", "url": f"https://{host}:{secure.port}", "retries": 0, "routes": [{"name": "all", "paths": ["/secure"]}], **more}]}


def trusting(authority) -> dict:
    return {"KONG_LUA_SSL_TRUSTED_CERTIFICATE": str(authority / "ca.pem")}


def test_an_authority_named_in_the_environment_is_trusted(gateways, secure, authority):
    gateway = gateways(service(secure), environment=trusting(authority))
    # One client connection stays on one event loop, and so on one upstream connection.
    with requests.Session() as client:
        for _ in range(2):
            answer = client.get(f"{gateway.url}/secure", timeout=10)
            assert (answer.status_code, answer.text) == (200, "secret")
    assert secure.names == ["localhost"], "one handshake, with the name of the service"


@pytest.mark.parametrize("is_clean", [True, False])
def test_an_end_without_a_closure_alert_completes_no_answer_that_only_the_end_delimits(gateways, authority, is_clean):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority / "server.pem", authority / "server.key")
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve():
            plain, _ = listener.accept()
            secured = context.wrap_socket(plain, server_side=True)
            secured.recv(65536)
            secured.sendall(b"HTTP/1.1 200 OK\r\n\r\nno length")
            if is_clean:
                secured.unwrap().close()
            else:
                # Python sends no alert unless it is told to.
                secured.close()

        threading.Thread(target=serve, daemon=True).start()
        port = listener.getsockname()[1]
        route = {"name": "all", "paths": ["/secure"]}
        gateway = gateways({"services": [{"name": "secure", "url": f"https://localhost:{port}", "retries": 0, "routes": [route]}]}, environment=trusting(authority))
        with Connection.open(gateway.proxy_port) as client:
            client.send("GET /secure HTTP/1.1\r\nHost: a\r\n\r\n")
            message = client.head()
            if is_clean:
                assert client.body(message, is_response=True).body == b"no length"
            else:
                with pytest.raises(Closed):
                    client.body(message, is_response=True)


def test_an_unknown_authority_is_refused_and_every_view_says_why(gateways, secure, collector):
    gateway = gateways(service(secure), environment=configuration.telemetry_environment(collector))
    answer = requests.get(f"{gateway.url}/secure", timeout=10)
    assert answer.status_code == 502 and "secret" not in answer.text
    root = collector.wait_for_roots(1)[0]
    attempts = [span for span in collector.trace(root.trace_id) if span.kind == names.CLIENT]
    assert [span.attributes["error.type"] for span in attempts] == ["tls_failed"]
    assert attempts[0].status == names.STATUS_ERROR
    assert root.attributes["error.type"] == "tls_failed"
    line = gateway.audit.wait_for_requests(1)[0]
    assert line["response"]["status"] == 502
    assert "tls_failed" in gateway.audit.raw_lines()[-1].decode()
    until(lambda: "TLS handshake with upstream failed" in gateway.stderr, what="the diagnostic line")


def test_verification_can_be_switched_off_for_a_service(gateways, secure):
    gateway = gateways(service(secure, tls_verify=False))
    assert requests.get(f"{gateway.url}/secure", timeout=10).text == "secret"
    assert secure.names == ["localhost"]


def test_a_certificate_for_another_name_is_refused(gateways, secure, authority):
    gateway = gateways(service(secure, host="127.0.0.1"), environment=trusting(authority))
    assert requests.get(f"{gateway.url}/secure", timeout=10).status_code == 502
    assert secure.names in ([], [None]), "an address is not sent as a server name"


def test_a_server_that_does_not_answer_the_handshake_is_a_timeout(gateways, origin):
    # The scripted origin waits for the end of an HTTP head, which a handshake never holds.
    gateway = gateways(service(origin, tls_verify=False, connect_timeout=300))
    assert requests.get(f"{gateway.url}/secure", timeout=10).status_code == 504


@pytest.fixture(scope="module")
def long_chain(authority, tmp_path_factory):
    """The same authority's certificate for localhost, by way of an intermediate one that the server sends along."""
    directory = tmp_path_factory.mktemp("chain")
    (directory / "middle.ext").write_text("basicConstraints=critical,CA:TRUE\nkeyUsage=keyCertSign\n")
    for name in ("ca.pem", "ca.key", "server.ext"):
        (directory / name).write_bytes((authority / name).read_bytes())
    for name, subject, signer, extensions in (("middle", "/CN=Test Intermediate", "ca", "middle.ext"), ("leaf", "/CN=localhost", "middle", "server.ext")):
        openssl(directory, "req", "-newkey", "rsa:2048", "-nodes", "-subj", subject, "-keyout", f"{name}.key", "-out", f"{name}.csr")
        openssl(
            directory,
            *("x509", "-req", "-in", f"{name}.csr", "-CA", f"{signer}.pem", "-CAkey", f"{signer}.key", "-set_serial", "7", "-days", "30"),
            *("-extfile", extensions, "-out", f"{name}.pem"),
        )
    (directory / "server.pem").write_bytes((directory / "leaf.pem").read_bytes() + (directory / "middle.pem").read_bytes())
    (directory / "leaf.key").rename(directory / "server.key")
    return directory


@pytest.mark.parametrize("depth, status", [(None, 200), (1, 200), (0, 502)])
@pytest.mark.parametrize("is_listed", [False, True], ids=["by the environment", "by the service"])
def test_the_depth_of_a_chain_is_limited(gateways, long_chain, authority, depth, status, is_listed):
    server = SecureOrigin(long_chain)
    try:
        more = {} if depth is None else {"tls_verify_depth": depth}
        document = service(server, **more)
        if is_listed:
            identifier = "5f6fa6d4-71a1-4bd3-9b0e-3fb26a4b38c4"
            document["services"][0]["ca_certificates"] = [identifier]
            document["ca_certificates"] = [{"id": identifier, "cert": (authority / "ca.pem").read_text()}]
        gateway = gateways(document, environment={} if is_listed else trusting(authority))
        answer = requests.get(f"{gateway.url}/secure", timeout=10)
        assert answer.status_code == status, answer.text
        if status == 502:
            until(lambda: "chain too long" in gateway.stderr, what="the reason")
    finally:
        server.stop()


@pytest.mark.parametrize("host, status", [("localhost", 200), ("127.0.0.1", 502)])
def test_a_limited_chain_must_still_name_its_host(gateways, secure, authority, host, status):
    gateway = gateways(service(secure, host=host, tls_verify_depth=0), environment=trusting(authority))
    assert requests.get(f"{gateway.url}/secure", timeout=10).status_code == status


def test_a_limited_chain_of_an_unknown_authority_is_refused(gateways, secure):
    assert requests.get(f"{gateways(service(secure, tls_verify_depth=5)).url}/secure", timeout=10).status_code == 502
