"""http-log, tcp-log, udp-log and syslog: Kong's schema of options, the line of the audit log, nothing lost in silence."""

import json
import re
import subprocess

import pytest
import requests

from support import names
from support.configuration import CLIENT_KEY, consumer, everything, key_auth, llm_service, plain_service, plugin
from support.ports import free_port
from support.receivers import Datagrams, JSONReceiver, LineServer
from support.waiting import until

HELLO = [{"role": "user", "content": "hi"}]


@pytest.fixture
def receiver():
    server = JSONReceiver()
    yield server
    server.stop()


def configuration(provider, origin, *plugins, **extra) -> dict:
    return {"services": [llm_service(provider.base), plain_service(origin.port)], "consumers": [consumer()], "plugins": [key_auth(), *plugins], **extra}


def agrees(gateway):
    until(lambda: gateway.metrics().total(names.UNACCOUNTED) == 0, what="the conservation gauge at 0")


def without_chain(line: dict) -> dict:
    return {key: value for key, value in line.items() if key not in (names.AUDIT_SEQ, names.AUDIT_PREVIOUS, names.AUDIT_HASH)}


def test_http_log_sends_one_object_a_request(gateways, provider, origin, receiver, client_of):
    gateway = gateways(configuration(provider, origin, plugin("http-log", http_endpoint=receiver.url, method="PUT", headers={"X-Token": "s3cret"})))
    client_of(f"{gateway.url}/v1").chat.completions.create(model="gpt-fake", messages=HELLO)
    requests.get(f"{gateway.url}/plain", timeout=5)
    entries = receiver.wait_for(2)
    method, path, headers, body = receiver.taken[0]
    assert (method, path, headers["X-Token"], headers["Content-Type"]) == ("PUT", "/take?it=all", "s3cret", "application/json")
    assert isinstance(body, dict)
    lines = gateway.audit.wait_for_requests(2)
    assert [without_chain(line) for line in lines] == entries, "the same line as in the audit log"
    assert "s3cret" not in gateway.stderr
    agrees(gateway)


def test_refused_and_unrouted_requests_reach_the_log_plugins_that_are_theirs(gateways, origin, tmp_path):
    everyone, own = tmp_path / "everyone.log", tmp_path / "alice.log"
    service = plain_service(origin.port, plugins=[key_auth(), plugin("ip-restriction", deny=["127.0.0.0/8"])])
    plugins = [plugin("file-log", path=str(everyone)), {**plugin("file-log", path=str(own)), "consumer": "alice"}]
    gateway = gateways({"services": [service], "consumers": [consumer("alice")], "plugins": plugins})
    assert requests.get(f"{gateway.url}/plain", headers={"apikey": CLIENT_KEY}, timeout=5).status_code == 403
    assert requests.get(f"{gateway.url}/nowhere", timeout=5).status_code == 404

    def lines(path):
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    until(lambda: lines(own) and lines(everyone), what="both logs")
    [refused], [unrouted] = lines(own), lines(everyone)
    assert refused["response"]["status"] == 403 and refused["consumer"]["username"] == "alice" and refused["authenticated_entity"]["id"]
    assert unrouted["response"]["status"] == 404 and "route" not in unrouted
    agrees(gateway)


def test_lua_of_a_log_plugin_changes_its_lines_and_nobody_elses(gateways, origin, receiver, tmp_path):
    plain, shared = tmp_path / "plain.log", {"path": str(tmp_path / "own.log")}
    fields = {
        "header": "return kong.request.get_header('X-Team')",
        "route": "return nil",
        "seen.as\\.told[2]": "return kong.router.get_route().name .. ' ' .. kong.response.get_status() .. ' ' .. ngx.var.request_method",
        "broken": "return nil + 1",
    }
    service = plain_service(origin.port, plugins=[plugin("file-log", **shared, custom_fields_by_lua=fields)])
    other = plain_service(origin.port, name="other", path="/other", plugins=[plugin("file-log", **shared)])
    gateway = gateways(
        {"services": [service, other], "plugins": [plugin("http-log", http_endpoint=receiver.url, custom_fields_by_lua={"sent": "return true"}), plugin("file-log", path=str(plain))]}
    )
    requests.get(f"{gateway.url}/plain", headers={"X-Team": "red", "Authorization": "Bearer s3cret"}, timeout=5)
    requests.get(f"{gateway.url}/other", timeout=5)

    def lines():
        path = tmp_path / "own.log"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    until(lambda: len(lines()) == 2, what="both lines")
    # Requests of several connections may overtake each other on their way to the logs.
    untouched, changed = sorted(lines(), key=lambda line: line["request"]["uri"])
    assert changed["header"] == "red" and "route" not in changed and "broken" not in changed
    assert changed["seen"] == {"as.told": [None, "plain-route 200 GET"]}
    assert untouched["route"]["name"] == "other-route" and "header" not in untouched
    two, one = sorted(receiver.wait_for(2), key=lambda line: line["request"]["uri"])
    assert one["sent"] is True and one["route"]["name"] == "plain-route" and two["sent"] is True
    original = next(line for line in gateway.audit.wait_for_requests(2) if line["request"]["uri"] == "/plain")
    expected = {key: value for key, value in without_chain(original).items() if key != "route"}
    assert {key: value for key, value in changed.items() if key not in ("header", "seen")} == expected, "nothing else is changed"
    assert gateway.stderr.count("custom_fields_by_lua failed") == 1 and "s3cret" not in gateway.stderr
    agrees(gateway)


@pytest.mark.parametrize(("name", "code", "problem"), [("a..b", "return 1", "is no field's name"), ("a", "return (", "is not Lua"), ("a[0]", "return 1", "is no field's name")])
def test_lua_that_is_none_is_refused(gateways, origin, tmp_path, name, code, problem):
    log = plugin("file-log", path=str(tmp_path / "x.log"), custom_fields_by_lua={name: code})
    gateway = gateways({"services": [plain_service(origin.port)], "plugins": [log]}, wait=False)
    assert gateway.wait_for_failure() == 1
    assert f"custom_fields_by_lua.{name}: {problem}" in gateway.stderr


def test_http_log_sends_lists_in_batches(gateways, provider, origin, receiver):
    queue = {"max_batch_size": 10, "max_coalescing_delay": 0.2}
    gateway = gateways(configuration(provider, origin, plugin("http-log", http_endpoint=receiver.url, queue=queue)))
    # One connection stays on one event loop; requests of several may overtake each other on their way to the logs.
    with requests.Session() as session:
        for number in range(25):
            session.get(f"{gateway.url}/plain/{number}", headers={"apikey": CLIENT_KEY}, timeout=5)
    entries = receiver.wait_for(25)
    assert [entry["request"]["uri"] for entry in entries] == [f"/plain/{number}" for number in range(25)], "in order"
    assert all(isinstance(body, list) and len(body) <= 10 for *_, body in receiver.taken)
    assert len(receiver.taken) < 25
    agrees(gateway)


def test_http_log_repeats_what_may_be_repeated_and_drops_what_is_refused(gateways, provider, origin, receiver):
    receiver.script = [503, 500, 429]
    gateway = gateways(configuration(provider, origin, plugin("http-log", http_endpoint=receiver.url)))
    requests.get(f"{gateway.url}/plain/1", timeout=5)
    receiver.wait_for(1)
    receiver.script = [400]
    requests.get(f"{gateway.url}/plain/2", timeout=5)
    until(lambda: gateway.metrics().total("pellucid_telemetry_dropped_total", consumer="http-log", reason="400") == 1, what="the refused line, counted")
    requests.get(f"{gateway.url}/plain/3", timeout=5)
    assert [entry["request"]["uri"] for entry in receiver.wait_for(2)] == ["/plain/1", "/plain/3"]
    agrees(gateway)


def test_tcp_log_sends_lines_and_survives_a_receiver_that_goes_away(gateways, provider, origin):
    server = LineServer()
    gateway = gateways(configuration(provider, origin, plugin("tcp-log", host="127.0.0.1", port=server.port)))
    requests.get(f"{gateway.url}/plain/1", timeout=5)
    requests.get(f"{gateway.url}/plain/2", timeout=5)
    server.wait_for(2)
    assert server.connections == 1
    server.stop()
    requests.get(f"{gateway.url}/plain/3", timeout=5)
    until(lambda: "cannot deliver" in gateway.stderr, what="the complaint")
    again = LineServer(port=server.port)
    assert [line["request"]["uri"] for line in again.wait_for(1, 30)] == ["/plain/3"]
    assert [without_chain(line) for line in gateway.audit.wait_for_requests(3)] == server.lines + again.lines
    agrees(gateway)
    again.stop()


@pytest.fixture
def certificate(tmp_path):
    """A certificate and key for `logs.example`."""
    files = tmp_path / "cert.pem", tmp_path / "key.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=logs.example", "-addext", "subjectAltName=DNS:logs.example"]
    subprocess.run([*command, "-out", str(files[0]), "-keyout", str(files[1])], check=True, capture_output=True, timeout=60)
    return files


def test_tcp_log_speaks_tls_and_verifies_unless_told_not_to(gateways, provider, origin, certificate):
    server = LineServer(certificate)
    tls = {"host": "127.0.0.1", "port": server.port, "tls": True, "tls_sni": "logs.example"}
    strict = gateways(configuration(provider, origin, plugin("tcp-log", **tls)))
    requests.get(f"{strict.url}/plain", timeout=5)
    until(lambda: "reason=tls" in strict.stderr, what="the refused certificate")
    assert not server.lines
    lax = gateways(configuration(provider, origin, plugin("tcp-log", **tls, ssl_verify=False)))
    requests.get(f"{lax.url}/plain", timeout=5)
    assert server.wait_for(1)[0]["response"]["status"] == 401
    server.stop()


def test_udp_log_sends_a_datagram_a_request(gateways, provider, origin):
    socket = Datagrams()
    gateway = gateways(configuration(provider, origin, plugin("udp-log", host="127.0.0.1", port=socket.port)))
    requests.get(f"{gateway.url}/plain", timeout=5)
    assert json.loads(socket.next()) == without_chain(gateway.audit.wait_for_requests(1)[0])
    agrees(gateway)
    socket.stop()


def test_syslog_has_severities_by_status_and_leaves_out_what_is_less_severe(gateways, provider, origin, tmp_path):
    socket = Datagrams(tmp_path / "log")
    log = plugin("syslog", facility="local3", log_level="warning", successful_severity="debug", client_errors_severity="warning", server_errors_severity="crit")
    gateway = gateways(everything(provider, origin, plugins=[key_auth(), log]), environment={"PELLUCID_SYSLOG_SOCKET": str(tmp_path / "log")})
    requests.get(f"{gateway.url}/plain", headers={"apikey": CLIENT_KEY}, timeout=5)
    requests.get(f"{gateway.url}/plain", timeout=5)
    requests.get(f"{gateway.url}/down", headers={"apikey": CLIENT_KEY}, timeout=5)
    first, second = (re.fullmatch(rb"<(\d+)>\w{3} [ \d]\d \d\d:\d\d:\d\d kong\[(\d+)\]: (.*)", socket.next()) for _ in range(2))
    assert (int(first[1]), json.loads(first[3])["response"]["status"]) == (19 * 8 + 4, 401)
    assert (int(second[1]), json.loads(second[3])["response"]["status"]) == (19 * 8 + 2, 502)
    assert int(first[2]) == gateway.pid
    until(lambda: gateway.metrics().total("pellucid_telemetry_sampled_out_total", consumer="syslog") == 1, what="the successful request, left out")
    agrees(gateway)
    socket.stop()


def test_a_sink_that_is_no_longer_configured_is_closed_and_its_totals_stay(gateways, provider, origin, receiver, tmp_path):
    gateway = gateways(configuration(provider, origin, plugin("http-log", http_endpoint=receiver.url), plugin("file-log", path=str(tmp_path / "file.log"))))
    requests.get(f"{gateway.url}/plain", timeout=5)
    receiver.wait_for(1)
    gateway.write(configuration(provider, origin))
    gateway.reload()
    until(lambda: gateway.stderr.count("was closed") == 2, what="the retired sinks")
    requests.get(f"{gateway.url}/plain", timeout=5)
    page = gateway.metrics()
    assert page.total("pellucid_telemetry_delivered_total", consumer="http-log") == 1
    agrees(gateway)
    # And back: a new sink, no trace of the old one.
    gateway.write(configuration(provider, origin, plugin("http-log", http_endpoint=receiver.url)))
    gateway.reload()
    until(lambda: requests.get(f"{gateway.url}/plain", timeout=5) is not None and len(receiver.entries) >= 2, interval=0.1, what="a line of the new sink")
    until(lambda: gateway.metrics().total("pellucid_telemetry_delivered_total", consumer="http-log") == len(receiver.entries), what="the totals of both")
    agrees(gateway)


def test_bad_settings_are_refused_with_their_place(gateways, origin):
    gateway = gateways(
        {"services": [plain_service(origin.port, plugins=[plugin("http-log", http_endpoint="http://h:1", headers={"Content-Type": "x"})])]}, wait=False
    )
    gateway.wait_for_failure()
    assert "cannot contain 'Content-Type'" in gateway.stderr
    gateway = gateways({"services": [plain_service(origin.port, plugins=[plugin("http-log", http_endpoint="http://h:1", client_certificate={"id": "x"})])]}, wait=False)
    gateway.wait_for_failure()
    assert 'client_certificate.id: names no certificate: "x"' in gateway.stderr


def test_a_dead_receiver_does_not_hold_up_the_end(gateways, provider, origin):
    dead = [plugin("http-log", http_endpoint=f"http://127.0.0.1:{free_port()}/"), plugin("tcp-log", host="127.0.0.1", port=free_port())]
    gateway = gateways(configuration(provider, origin, *dead, _pellucid={"telemetry_flush_seconds": 3}))
    requests.get(f"{gateway.url}/plain", timeout=5)
    gateway.audit.wait_for_requests(1)
    gateway.terminate()
    assert gateway.process.wait(10) == 0
    assert "undelivered telemetry waits in the spool" in gateway.stderr
