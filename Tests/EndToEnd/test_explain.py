"""Explain, Server-Timing, the latency budget, and the cardinality page: what operators ask about one request and about the metrics."""

import json
import socket
import subprocess

import pytest
import requests

from support.configuration import CLIENT_KEY, consumer, everything, key_auth, llm_service, plain_service
from support.gateway import binary, clean_environment
from support.waiting import until

HELLO = [{"role": "user", "content": "hi"}]


def explain(gateway, request_id: str, *arguments) -> subprocess.CompletedProcess:
    command = [binary(), "explain", request_id, "--admin", f"127.0.0.1:{gateway.admin_port}", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=20, env=clean_environment())


def record_of(gateway, request_id: str) -> dict:
    url = f"http://127.0.0.1:{gateway.admin_port}/explain/{request_id}"
    return until(lambda: (answer := requests.get(url, timeout=5)).status_code == 200 and answer.json(), what=f"the record of {request_id}")


@pytest.fixture
def gateway(gateways, provider, origin):
    timed = plain_service(origin.port, name="timed", path="/timed")
    timed["routes"][0]["_pellucid"] = {"server_timing": True}
    wide = plain_service(origin.port, name="wide", path="/")
    return gateways({"services": [llm_service(provider.base), timed, wide], "consumers": [consumer()], "plugins": [key_auth()]})


def test_explain_says_what_was_decided(gateway, client_of, provider):
    answer = client_of(f"{gateway.url}/v1").chat.completions.with_raw_response.create(model="gpt-fake", messages=HELLO)
    request_id = answer.headers["x-kong-request-id"]
    explanation = record_of(gateway, request_id)
    line = gateway.audit.wait_for_requests(1)[0]
    assert explanation["record"] == {key: value for key, value in line.items() if key not in ("seq", "prev_hash", "hash")}
    assert explanation["is_config_active"] is True
    assert {(c["name"], c["chosen"]) for c in explanation["route_candidates"]} == {("llm-chat", True), ("wide-route", False)}
    names = [mark["name"] for mark in explanation["timeline"]]
    assert names[0] == "key-auth request" and "chat gpt-fake" in names and "ai-proxy request" in names
    budget = explanation["budget"]
    assert budget["wall_us"] == pytest.approx(budget["stages_us"] + budget["upstream_us"] + budget["other_us"], abs=0.01)
    assert budget["wall_us"] == line["latencies"]["pellucid"]["request_us"]

    shown = explain(gateway, request_id).stdout
    assert "POST /v1/chat/completions -> 200 passed" in shown and "llm-chat (service llm); fits also: wide-route" in shown
    assert "consumer  alice" in shown and "11 in," in shown and "= stages" in shown
    assert json.loads(explain(gateway, request_id, "--json").stdout)["request_id"] == request_id


def test_a_refused_request_is_explained_too_and_unknown_ones_are_not(gateway):
    answer = requests.get(f"{gateway.url}/anything", timeout=5)
    request_id = answer.headers["X-Kong-Request-Id"]
    record_of(gateway, request_id)
    shown = explain(gateway, request_id, "--color", "always")
    assert "401" in shown.stdout and "reject -> block" in shown.stdout and "\x1b[" in shown.stdout
    unknown = explain(gateway, "0" * 32)
    assert unknown.returncode == 1 and "No record" in unknown.stderr
    assert requests.get(f"{gateway.status_url}/explain/{request_id}", timeout=5).status_code == 404, "only on the Admin listener"


def test_what_tells_of_requests_is_not_shown_under_another_sites_name(gateways, origin):
    """A browser that a site's own name leads here (DNS rebinding) says that name, and would let the site read the answer."""
    gateway = gateways({"services": [plain_service(origin.port)], "_pellucid": {"admin": {"host_names": ["Gateway.internal"]}}})
    request_id = requests.get(f"{gateway.url}/plain", timeout=5).headers["X-Kong-Request-Id"]
    record_of(gateway, request_id)

    def status(path: str, host: str) -> int:
        return requests.get(f"http://127.0.0.1:{gateway.admin_port}{path}", headers={"Host": host}, timeout=5).status_code

    pages = [f"/explain/{request_id}", "/metrics/cardinality"]
    for host in ["127.0.0.1:8001", "10.1.2.3", "[::1]:8001", "localhost:8001", "LOCALHOST", "app.localhost", "gateway.internal:8001", "GATEWAY.internal.", socket.gethostname()]:
        assert [status(page, host) for page in pages] == [200, 200], host
    for host in ["evil.example:8001", "127.0.0.1.evil.example", "localhost.evil.example", "evil-gateway.internal", "0x7f000001"]:
        assert [status(page, host) for page in pages] == [403, 403], host
        # Scrapers and probes come under any name.
        assert [status(page, host) for page in ("/metrics", "/status", "/status/ready")] == [200, 200, 200], host
    assert "_pellucid.admin.host_names" in requests.get(f"http://127.0.0.1:{gateway.admin_port}{pages[0]}", headers={"Host": "evil.example"}, timeout=5).json()["message"]


def test_every_name_may_be_allowed(gateways, origin):
    gateway = gateways({"services": [plain_service(origin.port)], "_pellucid": {"admin": {"host_names": ["*"]}}})
    assert requests.get(f"http://127.0.0.1:{gateway.admin_port}/metrics/cardinality", headers={"Host": "any.example"}, timeout=5).status_code == 200


def test_only_so_many_are_kept(gateways, origin):
    gateway = gateways({"services": [plain_service(origin.port)], "_pellucid": {"explained_requests": 2}})
    ids = []
    for _ in range(3):
        ids.append(requests.get(f"{gateway.url}/plain", timeout=5).headers["X-Kong-Request-Id"])
        record_of(gateway, ids[-1])
    record_of(gateway, ids[1])
    assert requests.get(f"http://127.0.0.1:{gateway.admin_port}/explain/{ids[0]}", timeout=5).status_code == 404


def test_server_timing_is_told_where_a_route_asks_for_it(gateway):
    served = requests.get(f"{gateway.url}/timed/x", headers={"apikey": CLIENT_KEY}, timeout=5)
    parts = dict(part.split(";dur=") for part in served.headers["Server-Timing"].split(", "))
    assert {"key-auth_request", "upstream", "total"} == set(parts) and all(float(value) >= 0 for value in parts.values())
    assert float(parts["total"]) >= float(parts["upstream"])
    refused = requests.get(f"{gateway.url}/timed/x", timeout=5)
    assert "key-auth_request;dur=" in refused.headers["Server-Timing"] and "upstream" not in refused.headers["Server-Timing"]
    assert "Server-Timing" not in requests.get(f"{gateway.url}/other", headers={"apikey": CLIENT_KEY}, timeout=5).headers


def test_the_cardinality_page_names_what_makes_series(gateway):
    for number in range(5):
        requests.get(f"{gateway.url}/{number}", timeout=5)
    gateway.audit.wait_for_requests(5)
    page = until(
        lambda: (found := requests.get(f"http://127.0.0.1:{gateway.admin_port}/metrics/cardinality", timeout=5).json())["series"] > 0 and found, what="series"
    )
    duration = next(item for item in page["instruments"] if item["instrument"] == "http.server.request.duration")
    status = next(item for item in duration["attributes"] if item["name"] == "http.response.status_code")
    assert status["values"] == 1 and status["top"] == [{"value": "401", "series": 1}]
    assert duration["samples"] > duration["series"] and page["series_budget"] == 10_000
    assert requests.get(f"{gateway.status_url}/metrics/cardinality", timeout=5).status_code == 404


def test_the_budget_adds_up_for_every_kind_of_request(gateways, provider, origin, client_of):
    gateway = gateways(everything(provider, origin))
    client = client_of(f"{gateway.url}/v1")
    ids = [client.chat.completions.with_raw_response.create(model="tokens-5", messages=HELLO).headers["x-kong-request-id"]]
    with client.chat.completions.with_streaming_response.create(model="slow-5-20", messages=HELLO, stream=True) as stream:
        list(stream.iter_lines())
        ids.append(stream.headers["x-kong-request-id"])
    ids += [requests.get(f"{gateway.url}/down", headers={"apikey": CLIENT_KEY}, timeout=10).headers["X-Kong-Request-Id"]]
    ids += [requests.get(f"{gateway.url}/plain", timeout=5).headers["X-Kong-Request-Id"], requests.get(f"{gateway.url}/nowhere", timeout=5).headers["X-Kong-Request-Id"]]
    for request_id in ids:
        explanation = record_of(gateway, request_id)
        budget = explanation["budget"]
        assert budget["wall_us"] == pytest.approx(budget["stages_us"] + budget["upstream_us"] + budget["other_us"], abs=0.01), explanation
        assert min(budget.values()) >= 0
