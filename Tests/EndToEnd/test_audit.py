"""The audit log: Kong's fields, one line per finished request, a chain nobody can cut unnoticed."""

import json
import subprocess

import pytest
import requests

from support import names
from support.configuration import CLIENT_KEY, consumer, key_auth, llm_service, plain_service, plugin
from support.gateway import binary, clean_environment
from support.waiting import until

HELLO = [{"role": "user", "content": "hi"}]


def configuration(provider, origin, **extra) -> dict:
    return {
        "services": [llm_service(provider.base), plain_service(origin.port)],
        "consumers": [consumer()],
        "plugins": [key_auth(), *extra.pop("plugins", [])],
        **extra,
    }


@pytest.fixture
def gateway(gateways, provider, origin):
    return gateways(configuration(provider, origin))


def test_the_fields_of_a_chat(gateway, client_of, provider):
    client_of(f"{gateway.url}/v1").chat.completions.create(model="gpt-fake", messages=HELLO)
    line = gateway.audit.wait_for_requests(1)[0]
    assert line["request"]["method"] == "POST" and line["request"]["uri"] == "/v1/chat/completions"
    assert line["request"]["size"] > 0 and line["response"]["size"] > 0
    assert line["response"]["status"] == 200
    assert str(line["upstream_status"]) == "200" and line["upstream_uri"].endswith("/v1/chat/completions")
    assert line["service"]["name"] == "llm" and line["route"]["name"] == "llm-chat"
    assert line["consumer"]["username"] == "alice"
    assert line["authenticated_entity"]["id"]
    assert line["client_ip"] == "127.0.0.1" and line["source"] == "upstream"
    assert {"request", "kong", "proxy"} <= set(line["latencies"])
    assert line["started_at"] > 1_700_000_000_000, "milliseconds"
    assert [(t["ip"], t["port"]) for t in line["tries"]] == [("127.0.0.1", provider.port)]
    assert line["usage"]["source"] == "provider_reported"
    assert {stage["plugin"] for stage in line["stages"]} >= {"key-auth", "ai-proxy"}


def test_a_request_the_gateway_answered_itself(gateway):
    requests.get(f"{gateway.url}/plain", timeout=5)
    line = gateway.audit.wait_for_requests(1)[0]
    assert line["response"]["status"] == 401 and line["source"] in ("kong", "exit")
    assert not line.get("tries")
    assert line["stages"][0]["plugin"] == "key-auth"


def test_a_cancelled_stream_is_charged_as_partial(gateway, client_of, provider):
    stream = client_of(f"{gateway.url}/v1").chat.completions.create(model="gate", messages=HELLO, stream=True)
    next(stream)
    stream.close()
    line = gateway.audit.wait_for_requests(1)[0]
    assert line["usage"]["source"] in ("partial", "estimated")


def test_the_chain_holds_over_many_lines(gateway):
    for number in range(200):
        requests.get(f"{gateway.url}/plain/{number}", headers={"apikey": CLIENT_KEY} if number % 2 else {}, timeout=5)
    gateway.audit.wait_for_requests(200)
    assert gateway.audit.check_chain() >= 200
    first = gateway.audit.lines()[0]
    assert not names.is_request_line(first), "a start record stands first"
    assert first[names.AUDIT_PREVIOUS] == names.AUDIT_FIRST_PREVIOUS


def test_a_changed_line_breaks_the_chain(gateway):
    for _ in range(3):
        requests.get(f"{gateway.url}/plain", timeout=5)
    gateway.audit.wait_for_requests(3)
    content = gateway.audit_path.read_bytes()
    gateway.audit_path.write_bytes(content.replace(b"401", b"200", 1))
    with pytest.raises(AssertionError, match="does not match"):
        gateway.audit.check_chain()


def test_the_chain_continues_over_a_restart(gateways, provider, origin, tmp_path):
    first = gateways(configuration(provider, origin), directory=tmp_path)
    requests.get(f"{first.url}/plain", timeout=5)
    first.audit.wait_for_requests(1)
    assert first.stop() == 0
    lines = len(first.audit.raw_lines())
    second = gateways(configuration(provider, origin), directory=tmp_path)
    requests.get(f"{second.url}/plain", timeout=5)
    second.audit.wait_for_requests(2)
    assert second.audit.check_chain() > lines
    assert sum(not names.is_request_line(line) for line in second.audit.lines()) >= 2, "each boot declares itself"


def test_lines_after_a_kill_are_still_whole(gateways, provider, origin, tmp_path):
    first = gateways(configuration(provider, origin), directory=tmp_path)
    for _ in range(50):
        requests.get(f"{first.url}/plain", timeout=5)
    first.kill()
    second = gateways(configuration(provider, origin), directory=tmp_path)
    requests.get(f"{second.url}/plain", timeout=5)
    until(lambda: sum(not names.is_request_line(line) for line in second.audit.lines()) >= 2, what="the second start record")
    second.audit.check_chain()


def test_file_log_writes_kongs_line(gateways, provider, origin, client_of, tmp_path):
    log = tmp_path / "file.log"
    gateway = gateways(configuration(provider, origin, plugins=[plugin("file-log", path=str(log))]))
    client_of(f"{gateway.url}/v1").chat.completions.create(model="gpt-fake", messages=HELLO)
    until(lambda: log.exists() and log.read_bytes().endswith(b"\n"), what="the line of file-log")
    line = json.loads(log.read_bytes())
    assert line["request"]["method"] == "POST" and line["response"]["status"] == 200
    assert line["latencies"]["request"] >= 0 and line["route"]["name"] == "llm-chat"


def test_file_log_applies_where_it_is_configured(gateways, origin, tmp_path):
    log = tmp_path / "file.log"
    services = [
        plain_service(origin.port, name="logged", path="/logged", plugins=[plugin("file-log", path=str(log))]),
        plain_service(origin.port, name="quiet", path="/quiet"),
    ]
    gateway = gateways({"services": services})
    requests.get(f"{gateway.url}/quiet", timeout=5)
    requests.get(f"{gateway.url}/logged", timeout=5)
    gateway.audit.wait_for_requests(2)
    until(lambda: log.exists() and log.read_bytes().endswith(b"\n"), what="the line of file-log")
    assert [json.loads(line)["route"]["name"] for line in log.read_bytes().splitlines()] == ["logged-route"]


def test_verify_confirms_a_whole_log_and_finds_a_changed_one(gateway):
    for _ in range(5):
        requests.get(f"{gateway.url}/plain", timeout=5)
    gateway.audit.wait_for_requests(5)
    verify = [binary(), "audit", "verify", str(gateway.audit_path)]
    whole = subprocess.run(verify, capture_output=True, text=True, timeout=10, env=clean_environment())
    if whole.returncode == 64 or "unexpected argument" in whole.stderr.lower():
        pytest.skip("this build has no `audit verify`")
    assert whole.returncode == 0, whole.stderr
    content = gateway.audit_path.read_bytes()
    gateway.audit_path.write_bytes(content.replace(b"401", b"200", 1))
    assert subprocess.run(verify, capture_output=True, timeout=10, env=clean_environment()).returncode == 1
