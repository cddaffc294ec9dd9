"""Any HTTP traffic, not only LLM routes: bytes, framing, headers, connections."""

import threading

import pytest
import requests

from support import names
from support.configuration import plain_service
from support.raw import Connection, Origin, respond


@pytest.fixture(scope="module")
def shared_origin():
    server = Origin()
    yield server
    server.stop()


@pytest.fixture
def origin(shared_origin):
    from support.raw import hello

    shared_origin.script, shared_origin.on_head = hello, None
    shared_origin.requests.clear()
    return shared_origin


@pytest.fixture(scope="module")
def gateway(module_gateways, shared_origin):
    port = shared_origin.port
    return module_gateways(
        {
            "services": [
                plain_service(port),
                plain_service(port, name="kept", path="/kept", route={"strip_path": False, "preserve_host": True}),
                plain_service(port, name="impatient", path="/impatient", read_timeout=500, retries=0),
                plain_service(9, name="down", path="/down", retries=0),
            ]
        }
    )


@pytest.fixture
def connection(gateway, origin):
    with Connection.open(gateway.proxy_port) as raw:
        yield raw


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_methods_pass(gateway, origin, method):
    body = b"some body" if method in ("POST", "PUT", "PATCH") else b""
    answer = requests.request(method, f"{gateway.url}/plain/a/b?x=1&y=%20", data=body or None, timeout=10)
    assert answer.status_code == 200 and answer.text == "hello"
    seen = origin.requests[-1]
    assert (seen.method, seen.target, seen.body) == (method, "/a/b?x=1&y=%20", body)


def test_head_has_a_length_and_no_body(connection, origin):
    origin.script = lambda c, r: c.send("HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n")
    connection.send("HEAD /plain HTTP/1.1\r\nHost: a\r\n\r\n")
    head = connection.response(to_head=True)
    assert head.status == 200 and head.header("Content-Length") == "1234"
    origin.script = lambda c, r: respond(c, "after")
    connection.send("GET /plain HTTP/1.1\r\nHost: a\r\n\r\n")
    assert connection.response().body == b"after"


@pytest.mark.parametrize("status", ["204 No Content", "304 Not Modified"])
def test_statuses_without_a_body(connection, origin, status):
    origin.script = lambda c, r: c.send(f"HTTP/1.1 {status}\r\nX-Answer: yes\r\n\r\n")
    for _ in range(2):
        connection.send("GET /plain HTTP/1.1\r\nHost: a\r\n\r\n")
        answer = connection.response()
        assert answer.status == int(status[:3]) and answer.header("X-Answer") == "yes"


def test_a_chunked_request_arrives_whole(connection, origin):
    connection.send("POST /plain HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
    for part in (b"one", b"two" * 1000, b"three"):
        connection.send(b"%x;ext=1\r\n%s\r\n" % (len(part), part))
    connection.send("0\r\n\r\n")
    assert connection.response().body == b"hello"
    assert origin.requests[-1].body == b"one" + b"two" * 1000 + b"three"


def test_a_chunked_response_streams(connection, origin):
    gate = threading.Event()

    def script(c, r):
        c.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n")
        gate.wait(10)
        c.send("6\r\nsecond\r\n0\r\n\r\n")

    origin.script = script
    connection.send("GET /plain HTTP/1.1\r\nHost: a\r\n\r\n")
    head = connection.head()
    assert head.status == 200 and head.header("Transfer-Encoding") == "chunked"
    assert connection.chunk() == b"first", "before the origin has sent the rest"
    gate.set()
    assert connection.chunk() == b"second" and connection.chunk() is None


def test_a_response_without_framing_ends_with_the_connection(connection, origin):
    def script(c, r):
        c.send("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\nuntil the end")
        return False

    origin.script = script
    connection.send("GET /plain HTTP/1.1\r\nHost: a\r\n\r\n")
    assert connection.response().body == b"until the end"


def test_trailers_pass_in_both_directions(connection, origin):
    origin.script = lambda c, r: c.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 42\r\n\r\n")
    connection.send(
        "POST /plain HTTP/1.1\r\nHost: a\r\nTE: trailers\r\nTrailer: X-Check\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nX-Check: 7\r\n\r\n"
    )
    answer = connection.response()
    assert answer.body == b"ok" and ("X-Sum", "42") in answer.trailers
    assert ("X-Check", "7") in origin.requests[-1].trailers


def test_expect_100_continue(connection, origin):
    connection.send("POST /plain HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n")
    interim = connection.head()
    assert interim.status == 100
    connection.send("body")
    assert connection.response().status == 200
    assert origin.requests[-1].body == b"body"


def test_pipelined_requests_are_answered_in_order(connection, origin):
    origin.script = lambda c, r: respond(c, r.target)
    connection.send("".join(f"GET /plain/{n} HTTP/1.1\r\nHost: a\r\n\r\n" for n in range(20)))
    assert [connection.response().body for _ in range(20)] == [f"/{n}".encode() for n in range(20)]


def test_a_request_may_arrive_byte_by_byte(connection, origin):
    for byte in b"POST /plain/slow HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc":
        connection.send(bytes([byte]))
    assert connection.response().body == b"hello"
    assert origin.requests[-1].body == b"abc"


def test_an_absolute_form_target_is_routed_by_its_path(connection, origin):
    connection.send("GET http://example.com/plain/absolute HTTP/1.1\r\nHost: example.com\r\n\r\n")
    assert connection.response().status == 200
    assert origin.requests[-1].target == "/absolute"


def test_http_1_0_gets_an_answer_and_a_closed_connection(connection, origin):
    connection.send("GET /plain HTTP/1.0\r\nHost: a\r\n\r\n")
    answer = connection.response()
    assert answer.status == 200 and answer.body == b"hello"
    assert connection.is_closed()


def test_connection_close_is_honoured(connection, origin):
    connection.send("GET /plain HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    assert connection.response().header("Connection").lower() == "close"
    assert connection.is_closed()


def test_forwarding_headers_follow_kong(connection, gateway, origin):
    connection.send(f"GET /plain HTTP/1.1\r\nHost: public.example:{gateway.proxy_port}\r\nUser-Agent: raw\r\n\r\n")
    connection.response()
    seen = origin.requests[-1]
    assert seen.header("Host") == f"127.0.0.1:{origin.port}"
    assert seen.header("X-Forwarded-For") == "127.0.0.1"
    assert seen.header("X-Forwarded-Proto") == "http"
    assert seen.header("X-Forwarded-Host") == "public.example"
    assert seen.header("X-Forwarded-Port") == str(gateway.proxy_port)
    assert seen.header("X-Forwarded-Path") == "/plain"
    assert seen.header("X-Forwarded-Prefix") == "/plain"
    assert seen.header("X-Real-IP") == "127.0.0.1"
    assert seen.header("X-Kong-Request-Id")
    assert seen.header("Via").startswith("1.1 ")


def test_an_untrusted_clients_forwarding_headers_are_not_believed(connection, origin):
    connection.send("GET /plain HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 6.6.6.6\r\nX-Forwarded-Proto: https\r\nX-Real-IP: 6.6.6.6\r\n\r\n")
    connection.response()
    seen = origin.requests[-1]
    assert seen.header("X-Forwarded-Proto") == "http" and seen.header("X-Real-IP") == "127.0.0.1"
    assert seen.all("X-Forwarded-For") in (["6.6.6.6, 127.0.0.1"], ["127.0.0.1"])


def test_all_lines_of_a_chain_of_addresses_are_passed_on(connection, origin):
    connection.send("GET /plain HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 6.6.6.6, 7.7.7.7\r\nX-Other: 1\r\nX-Forwarded-For: 8.8.8.8\r\n\r\n")
    connection.response()
    assert origin.requests[-1].all("X-Forwarded-For") == ["6.6.6.6, 7.7.7.7, 8.8.8.8, 127.0.0.1"]


def test_the_path_and_host_are_kept_where_the_route_says_so(connection, origin):
    connection.send("GET /kept/x HTTP/1.1\r\nHost: public.example\r\n\r\n")
    connection.response()
    assert origin.requests[-1].target == "/kept/x"
    assert origin.requests[-1].header("Host") == "public.example"


def test_hop_by_hop_headers_end_here(connection, origin):
    origin.script = lambda c, r: respond(c, "x", headers={"Connection": "X-Private", "X-Private": "1", "Keep-Alive": "timeout=9", "X-Public": "2"})
    connection.send(
        "GET /plain HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, X-Mine\r\nX-Mine: 1\r\n"
        "Keep-Alive: 3\r\nProxy-Connection: x\r\nTE: gzip\r\nX-Yours: 2\r\n\r\n"
    )
    answer = connection.response()
    seen = origin.requests[-1]
    assert seen.header("X-Yours") == "2" and answer.header("X-Public") == "2"
    assert not {"x-mine", "keep-alive", "proxy-connection"} & set(seen.names())
    assert not {"x-private", "keep-alive"} & set(answer.names())


def test_response_headers_follow_kong(gateway, origin):
    answer = requests.get(f"{gateway.url}/plain", timeout=10)
    for name in ("X-Kong-Upstream-Latency", "X-Kong-Proxy-Latency"):
        assert answer.headers[name].isdigit(), name
    assert len(answer.headers["X-Kong-Request-Id"]) == 32
    assert answer.headers["Via"].startswith("1.1 ")
    assert answer.headers["X-Origin"] == "yes"


def test_repeated_response_headers_stay_apart(connection, origin):
    origin.script = lambda c, r: c.send("HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nContent-Length: 0\r\n\r\n")
    connection.send("GET /plain HTTP/1.1\r\nHost: a\r\n\r\n")
    assert connection.response().all("Set-Cookie") == ["a=1", "b=2"]


def test_no_route_is_a_404_in_kongs_words(gateway):
    answer = requests.get(f"{gateway.url}/nowhere", timeout=10)
    assert answer.status_code == 404
    assert answer.json()["message"] == names.NO_ROUTE
    assert answer.json()["request_id"] == answer.headers["X-Kong-Request-Id"]
    assert "X-Kong-Response-Latency" in answer.headers


def test_an_unreachable_upstream_is_a_bad_gateway(gateway):
    answer = requests.get(f"{gateway.url}/down", timeout=10)
    assert answer.status_code in names.BAD_GATEWAY
    assert answer.json()["request_id"]


def test_an_upstream_that_does_not_answer_is_a_timeout(gateway, origin):
    gate = threading.Event()
    origin.script = lambda c, r: gate.wait(10) and False
    answer = requests.get(f"{gateway.url}/impatient", timeout=10)
    gate.set()
    assert answer.status_code == 504
    assert answer.json()["message"] == "The upstream server is timing out"


def test_an_upstream_that_speaks_nonsense_is_a_bad_gateway(gateway, origin):
    origin.script = lambda c, r: c.send("SSH-2.0-OpenSSH\r\n\r\n") or False
    answer = requests.get(f"{gateway.url}/plain", timeout=10)
    assert answer.status_code == 502
