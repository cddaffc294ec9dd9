"""Ways to upstreams: client certificates, authorities of a service, accepted names, forward proxies, limits of connections, kept connections."""

import socket
import ssl
import threading

import pytest
import requests

from support.configuration import plain_service, plugin
from support.raw import Connection, Origin, hello, respond
from support.receivers import JSONReceiver
from support.waiting import until

from test_upstream_tls import SecureOrigin, authority, openssl, secure  # noqa: F401  (fixtures)

AUTHORITY_ID, CERTIFICATE_ID = "0b6b5d0e-9c8e-4a53-8b83-6a0c3a0a5b11", "8e4f7d8a-3f2f-4c4b-9a1d-0a9f1f0c2b22"


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """A certificate of the gateway itself, and its key."""
    directory = tmp_path_factory.mktemp("client")
    openssl(directory, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", "/CN=gateway", "-keyout", "client.key", "-out", "client.pem")
    return directory


class MutualOrigin(SecureOrigin):
    """The same server, which asks for the gateway's certificate."""

    def __init__(self, authority, trusted):  # noqa: F811
        super().__init__(authority)
        context = self._server.socket.context
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(trusted / "client.pem")


def service(port, host="localhost", **more) -> dict:
    return {"name": "secure", "url": f"https://{host}:{port}", "retries": 0, "routes": [{"name": "all", "paths": ["/secure"]}], **more}


def authorities(authority) -> dict:  # noqa: F811
    return {"ca_certificates": [{"id": AUTHORITY_ID, "cert": (authority / "ca.pem").read_text()}]}


def certificates(pair) -> dict:
    return {"certificates": [{"id": CERTIFICATE_ID, "cert": (pair / "client.pem").read_text(), "key": (pair / "client.key").read_text()}]}


@pytest.mark.parametrize("shown", [True, False])
def test_a_service_shows_its_client_certificate(gateways, authority, pair, shown):  # noqa: F811
    origin = MutualOrigin(authority, pair)
    try:
        more = {"client_certificate": {"id": CERTIFICATE_ID}} if shown else {}
        gateway = gateways({"services": [service(origin.port, ca_certificates=[AUTHORITY_ID], **more)], **authorities(authority), **certificates(pair)})
        answer = requests.get(f"{gateway.url}/secure", timeout=10)
        assert (answer.status_code, answer.text if shown else "") == ((200, "secret") if shown else (502, ""))
    finally:
        origin.stop()


def test_kongs_default_client_certificate(gateways, authority, pair):  # noqa: F811
    origin = MutualOrigin(authority, pair)
    try:
        environment = {"KONG_CLIENT_SSL": "on", "KONG_CLIENT_SSL_CERT": str(pair / "client.pem"), "KONG_CLIENT_SSL_CERT_KEY": str(pair / "client.key")}
        gateway = gateways({"services": [service(origin.port, ca_certificates=[AUTHORITY_ID])], **authorities(authority)}, environment=environment)
        assert requests.get(f"{gateway.url}/secure", timeout=10).text == "secret"
    finally:
        origin.stop()


def test_http_log_shows_its_client_certificate(gateways, origin, authority, pair):  # noqa: F811
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority / "server.pem", authority / "server.key")
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(pair / "client.pem")
    receiver = JSONReceiver(context)
    try:
        log = plugin("http-log", http_endpoint=receiver.url, ssl_verify=False, client_certificate={"id": CERTIFICATE_ID})
        gateway = gateways({"services": [plain_service(origin.port)], "plugins": [log], **certificates(pair)})
        requests.get(f"{gateway.url}/plain", timeout=10)
        assert receiver.wait_for(1)[0]["request"]["uri"] == "/plain"
    finally:
        receiver.stop()


def test_a_services_own_authorities_are_the_only_ones(gateways, secure, authority, pair):  # noqa: F811
    stranger = {"ca_certificates": [{"id": AUTHORITY_ID, "cert": (pair / "client.pem").read_text()}]}
    environment = {"KONG_LUA_SSL_TRUSTED_CERTIFICATE": str(authority / "ca.pem")}
    gateway = gateways({"services": [service(secure.port, ca_certificates=[AUTHORITY_ID])], **stranger}, environment=environment)
    assert requests.get(f"{gateway.url}/secure", timeout=10).status_code == 502
    gateway = gateways({"services": [service(secure.port, ca_certificates=[AUTHORITY_ID])], **authorities(authority)})
    assert requests.get(f"{gateway.url}/secure", timeout=10).text == "secret"


@pytest.mark.parametrize("names, status", [(["localhost"], 200), (["*.example", "other.example"], 502)])
def test_names_a_service_accepts_instead_of_its_host(gateways, secure, authority, names, status):  # noqa: F811
    gateway = gateways({"services": [service(secure.port, host="127.0.0.1", ca_certificates=[AUTHORITY_ID], tls_sans={"dnsnames": names})], **authorities(authority)})
    assert requests.get(f"{gateway.url}/secure", timeout=10).status_code == status


def test_a_certificate_authority_that_is_none_is_refused_with_its_place(gateways):
    broken = {"ca_certificates": [{"id": AUTHORITY_ID, "cert": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"}]}
    gateway = gateways({"services": [], **broken}, wait=False)
    gateway.wait_for_failure()
    assert "ca_certificates[0].cert" in gateway.stderr


class ForwardProxy:
    """A proxy that opens tunnels and passes on requests in absolute form, all to one origin; refuses when told to."""

    def __init__(self, port):
        self.heads = []
        self.refusal = None
        self._target = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def stop(self):
        self._listener.close()

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(Connection(client, 30),), daemon=True).start()

    def _serve(self, client):
        head = client.head()
        self.heads.append(head)
        if self.refusal:
            respond(client, "no", status=self.refusal)
            return client.close()
        if head.method != "CONNECT":
            return respond(client, "by proxy")
        upstream = socket.create_connection(("127.0.0.1", self._target))
        client.send("HTTP/1.1 200 Connection established\r\n\r\n")
        for source, sink in ((client.socket, upstream), (upstream, client.socket)):
            threading.Thread(target=self._copy, args=(source, sink), daemon=True).start()

    @staticmethod
    def _copy(source, sink):
        try:
            source.settimeout(None)
            while data := source.recv(65536):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass


@pytest.fixture
def proxy(secure):  # noqa: F811
    made = ForwardProxy(secure.port)
    yield made
    made.stop()


def test_https_goes_through_a_tunnel_with_credentials(gateways, secure, authority, proxy):  # noqa: F811
    more = {"services": [service(443, host="localhost.example", ca_certificates=[AUTHORITY_ID], tls_sans={"dnsnames": ["localhost"]})], **authorities(authority)}
    gateway = gateways(more, environment={"HTTPS_PROXY": f"http://user:p%40ss@127.0.0.1:{proxy.port}"})
    answer = requests.get(f"{gateway.url}/secure", timeout=10)
    assert answer.text == "secret", gateway.stderr
    head = proxy.heads[0]
    assert (head.method, head.target, head.header("Host")) == ("CONNECT", "localhost.example:443", "localhost.example:443")
    assert head.header("Proxy-Authorization") == "Basic dXNlcjpwQHNz"
    assert secure.names == ["localhost.example"]


def test_a_tunnel_that_is_refused_is_a_failure_of_its_own(gateways, secure, proxy):  # noqa: F811
    proxy.refusal = "407 Proxy Authentication Required"
    gateway = gateways({"services": [service(443, host="far.example")]}, environment={"HTTPS_PROXY": f"http://127.0.0.1:{proxy.port}"})
    assert requests.get(f"{gateway.url}/secure", timeout=10).status_code == 502
    assert "proxy_refused" in str(gateway.audit.wait_for_requests(1)[0])
    until(lambda: "the proxy opened no tunnel" in gateway.stderr and "status=407" in gateway.stderr, what="the diagnostic line")


def test_http_goes_in_absolute_form_and_no_proxy_is_respected(gateways, origin, proxy):
    far = {"name": "far", "host": "far.example", "port": 8080, "path": "/base", "routes": [{"name": "far", "paths": ["/far"]}]}
    gateway = gateways({"services": [far, plain_service(origin.port)]}, environment={"http_proxy": f"http://127.0.0.1:{proxy.port}"})
    assert requests.get(f"{gateway.url}/far/x?y=1", timeout=10).text == "by proxy"
    assert proxy.heads[0].start == "GET http://far.example:8080/base/x?y=1 HTTP/1.1"
    assert requests.get(f"{gateway.url}/plain", timeout=10).text == "hello", "loopback is reached directly"
    assert len(proxy.heads) == 1


def test_as_many_connections_as_allowed_and_the_rest_waits(gateways):
    gate = threading.Event()
    origin = Origin(lambda connection, request: (gate.wait(20), hello(connection, request)) and None)
    try:
        gateway = gateways({"services": [plain_service(origin.port, connect_timeout=700)], "_pellucid": {"limits": {"upstream_connections": 2}}}, arguments=["--workers", "1"])
        results = []
        threads = [threading.Thread(target=lambda: results.append(requests.get(f"{gateway.url}/plain", timeout=30).status_code)) for _ in range(6)]
        for thread in threads:
            thread.start()
        # Those that cannot wait longer are answered; the two under way are not hurt.
        until(lambda: results.count(503) == 4, what="four refusals")
        assert origin.connections == 2
        assert "connection_limit" in str(gateway.audit.wait_for_requests(4)[0])
        gate.set()
        for thread in threads:
            thread.join()
        assert sorted(results) == [200, 200, 503, 503, 503, 503]
    finally:
        origin.stop()


@pytest.mark.parametrize(
    "environment, connections",
    [({}, 1), ({"KONG_UPSTREAM_KEEPALIVE_POOL_SIZE": "0"}, 6), ({"KONG_UPSTREAM_KEEPALIVE_MAX_REQUESTS": "2"}, 3)],
)
def test_kept_connections_follow_kongs_settings(gateways, origin, environment, connections):
    gateway = gateways({"services": [plain_service(origin.port)]}, environment=environment, arguments=["--workers", "1"])
    with requests.Session() as session:
        for _ in range(6):
            assert session.get(f"{gateway.url}/plain", timeout=10).ok
    assert origin.connections == connections


def test_an_idle_connection_is_closed_after_kongs_time(gateways, origin):
    gateway = gateways({"services": [plain_service(origin.port)]}, environment={"KONG_UPSTREAM_KEEPALIVE_IDLE_TIMEOUT": "1"})
    assert requests.get(f"{gateway.url}/plain", timeout=10).ok
    until(lambda: origin.closed == 1, what="the end of the kept connection")


@pytest.mark.parametrize("name, value", [("KONG_UPSTREAM_KEEPALIVE_POOL_SIZE", "many"), ("KONG_DNS_ERROR_TTL", "soon"), ("HTTPS_PROXY", "socks5://a:1"), ("KONG_CLIENT_SSL", "perhaps")])
def test_a_setting_that_is_none_ends_the_start_with_its_name(gateways, origin, name, value):
    gateway = gateways({"services": [plain_service(origin.port)]}, environment={name: value}, wait=False)
    gateway.wait_for_failure()
    assert name in gateway.stderr
