"""Names to addresses: a name server of our own tells what it was asked."""

import socket
import struct
import threading

import pytest
import requests

from support.waiting import until

A, AAAA, SRV = 1, 28, 33
NAME_ERROR = 3


class NameServer:
    """Answers over UDP (RFC 1035) from a table {(name, type): [record data]}; counts what it was asked."""

    def __init__(self):
        self.records: dict = {}
        self.asked: list = []
        self.is_silent = False
        self.ttl = 60
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.socket.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def stop(self):
        self.socket.close()

    def _serve(self):
        while True:
            try:
                query, client = self.socket.recvfrom(4096)
            except OSError:
                return
            labels, position = [], 12
            while (length := query[position]) != 0:
                labels.append(query[position + 1 : position + 1 + length].decode())
                position += 1 + length
            name, kind = ".".join(labels).lower(), struct.unpack(">H", query[position + 1 : position + 3])[0]
            self.asked.append((name, kind))
            if self.is_silent:
                continue
            data = self.records.get((name, kind), [])
            exists = any(known == name for known, _ in self.records)
            head = query[:2] + struct.pack(">HHHHH", 0x8180 | (0 if exists else NAME_ERROR), 1, len(data), 0, 0)
            answers = b"".join(b"\xc0\x0c" + struct.pack(">HHIH", kind, 1, self.ttl, len(item)) + item for item in data)
            self.socket.sendto(head + query[12 : position + 5] + answers, client)


@pytest.fixture
def names():
    server = NameServer()
    yield server
    server.stop()


def service(host, port, **more) -> dict:
    return {"services": [{"name": "named", "host": host, "port": port, "retries": 0, "routes": [{"name": "named", "paths": ["/named"]}], **more}]}


def environment(names, **more) -> dict:
    # No connection is kept, so that each request needs an address.
    return {"KONG_DNS_RESOLVER": names.address, "KONG_UPSTREAM_KEEPALIVE_POOL_SIZE": "0", **more}


def srv(priority, weight, port, target) -> bytes:
    return struct.pack(">HHH", priority, weight, port) + b"".join(bytes([len(label)]) + label.encode() for label in target.split(".")) + b"\0"


def get(gateway) -> requests.Response:
    return requests.get(f"{gateway.url}/named", timeout=20)


def test_an_answer_is_kept_for_its_time(gateways, origin, names):
    names.records = {("one.test", A): [bytes([127, 0, 0, 1])]}
    names.ttl = 1
    gateway = gateways(service("one.test", origin.port), environment=environment(names, KONG_DNS_STALE_TTL="0"))
    for _ in range(10):
        assert get(gateway).text == "hello"
    assert names.asked.count(("one.test", A)) in (1, 2)
    until(lambda: get(gateway).ok and names.asked.count(("one.test", A)) >= 3, what="another question")


def test_a_stale_answer_serves_while_the_server_is_silent(gateways, origin, names):
    names.records = {("stale.test", A): [bytes([127, 0, 0, 1])]}
    gateway = gateways(service("stale.test", origin.port), environment=environment(names, KONG_DNS_VALID_TTL="0.2"))
    assert get(gateway).ok
    names.is_silent = True
    asked = len(names.asked)
    until(lambda: get(gateway).text == "hello" and len(names.asked) > asked, what="a question in the background")


def test_connections_take_turns_over_the_addresses(gateways, names, origin):
    names.records = {("many.test", A): [bytes([127, 0, 0, number]) for number in (1, 2, 3)]}
    gateway = gateways(service("many.test", origin.port, retries=5), environment=environment(names))
    # The origin listens on the first address only: happy eyeballs goes on to the next at once.
    for _ in range(9):
        assert get(gateway).text == "hello"


def test_a_name_that_does_not_exist_is_remembered(gateways, names, origin):
    gateway = gateways(service("missing.test", origin.port), environment=environment(names))
    for _ in range(5):
        answer = get(gateway)
        assert (answer.status_code, answer.json()["message"]) == (503, "name resolution failed")
    assert names.asked.count(("missing.test", A)) == 1
    line = gateway.audit.wait_for_requests(5)[0]
    assert "name_resolution_failed" in str(line)


def test_ipv6_is_tried_beside_ipv4(gateways, names, origin):
    names.records = {("both.test", A): [bytes([127, 0, 0, 1])], ("both.test", AAAA): [socket.inet_pton(socket.AF_INET6, "::1")]}
    gateway = gateways(service("both.test", origin.port), environment=environment(names))
    # Nobody listens on ::1.
    assert get(gateway).text == "hello"
    assert ("both.test", AAAA) in names.asked


def test_an_srv_record_gives_host_and_port(gateways, names, origin):
    names.records = {("_http._tcp.svc.test", SRV): [srv(2, 1, 9, "backup.test"), srv(1, 1, origin.port, "node.test")], ("node.test", A): [bytes([127, 0, 0, 1])]}
    gateway = gateways(service("_http._tcp.svc.test", 80), environment=environment(names))
    assert get(gateway).text == "hello"
    assert ("backup.test", A) not in names.asked


def test_a_silent_server_is_a_failure_in_bounded_time_and_others_are_served(gateways, names, origin):
    names.is_silent = True
    configuration = service("silent.test", origin.port)
    configuration["services"] += [{"name": "near", "host": "127.0.0.1", "port": origin.port, "routes": [{"name": "near", "paths": ["/near"]}]}]
    gateway = gateways(configuration, environment=environment(names))
    results = []
    threads = [threading.Thread(target=lambda: results.append(get(gateway).status_code)) for _ in range(20)]
    for thread in threads:
        thread.start()
    for _ in range(20):
        assert requests.get(f"{gateway.url}/near", timeout=1).text == "hello"
    for thread in threads:
        thread.join()
    assert set(results) == {503}


def test_a_server_that_is_none_ends_the_start(gateways, origin):
    gateway = gateways(service("a.test", origin.port), environment={"KONG_DNS_RESOLVER": "not a server"}, wait=False)
    gateway.wait_for_failure()
    assert "name resolution cannot be set up" in gateway.stderr


def test_lookups_are_counted_timed_and_told_apart(gateways, names, origin):
    names.records = {("one.test", A): [bytes([127, 0, 0, 1])]}
    names.ttl = 1
    configuration = service("one.test", origin.port)
    configuration["services"] += [{"name": "lost", "host": "missing.test", "port": 80, "retries": 0, "routes": [{"name": "lost", "paths": ["/lost"]}]}]
    gateway = gateways(configuration, environment=environment(names))
    assert get(gateway).text == "hello" and get(gateway).text == "hello"
    assert requests.get(f"{gateway.url}/lost", timeout=20).status_code == 503
    page = gateway.metrics()
    lookups = "dns_lookup_duration_seconds_count"
    assert page.total(lookups, dns_question_name="one.test", pellucid_dns_question_type="ipv4") == 1
    assert page.total(lookups, dns_question_name="missing.test", pellucid_dns_question_type="ipv4", error_type="not_found") == 1
    assert page.total("pellucid_dns_answers_total", source="cached") >= 1
    asked = page.total("pellucid_dns_answers_total", source="asked")
    # Each question was put once, and nothing was stale yet.
    assert asked == page.total(lookups) and page.total("pellucid_dns_answers_total", source="stale") == 0
    # Past its time an answer serves once more while a new one is asked for.
    until(lambda: get(gateway).text == "hello" and gateway.metrics().total("pellucid_dns_answers_total", source="stale") >= 1, what="a stale answer", interval=0.2)
    until(lambda: gateway.metrics().total(lookups, dns_question_name="one.test", pellucid_dns_question_type="ipv4") == 2, what="the new answer")
