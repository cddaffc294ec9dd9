"""What is recorded and what is taken out again, at one place before every log, span and audit line."""

import hashlib
import hmac
import json

import requests

from support.configuration import CLIENT_KEY, ai_proxy, consumer, everything, key_auth, plain_service, plugin, telemetry_environment
from support.waiting import until

SECRET = "the secret plan of 4012888888881881"
KEY = "a-key-of-some-length"


def start(gateways, provider, origin, redaction: dict, *plugins, environment=None, **ai):
    route = {"name": "chat", "paths": ["/v1/chat/completions"], "plugins": [ai_proxy(provider.base, "chat", **ai)]}
    services = [{"name": "llm", "url": provider.base, "routes": [route]}, plain_service(origin.port)]
    gateway = gateways(
        {"services": services, "consumers": [consumer()], "plugins": [key_auth(), *plugins], "_pellucid": {"redaction": redaction, "audit": {"path": "AUDIT"}}}, environment=environment
    )
    gateway.audit_path = gateway.directory / "AUDIT"
    return gateway


def ask(client_of, gateway):
    client_of(f"{gateway.url}/v1").chat.completions.create(model="gpt-fake", messages=[{"role": "user", "content": SECRET}])


LOGS = {"logging": {"log_statistics": True, "log_payloads": True}}


def test_headers_are_recorded_when_allowed_and_left_out_when_denied(gateways, provider, origin):
    rules = {"record_request_headers": ["X-Team", "X-Api-Key"], "record_response_headers": ["x-origin"], "deny": ["request.headers.user-agent", "client_ip"]}
    gateway = start(gateways, provider, origin, rules)
    requests.get(f"{gateway.url}/plain", headers={"apikey": CLIENT_KEY, "x-team": "red", "X-API-Key": "s3cret-value"}, timeout=5)
    line = gateway.audit.wait_for_requests(1)[0]
    headers = line["request"]["headers"]
    assert headers["x-team"] == "red" and headers["x-api-key"] == "REDACTED" and "host" in headers
    assert "user-agent" not in headers and "client_ip" not in line
    assert b"s3cret-value" not in gateway.audit_path.read_bytes()
    gateway.audit.check_chain()


def test_prompts_are_shown_as_keyed_hashes(gateways, provider, origin, client_of):
    gateway = start(gateways, provider, origin, {"payloads": "hmac", "hmac_key": "{vault://env/PROMPT_KEY}"}, environment={"PROMPT_KEY": KEY}, logging={"log_statistics": True})
    ask(client_of, gateway)
    ask(client_of, gateway)
    first, second = (line["ai"]["proxy"]["payload"]["request"] for line in gateway.audit.wait_for_requests(2))
    assert first == second == "hmac-sha256:" + hmac.new(KEY.encode(), provider.last().body, hashlib.sha256).hexdigest()
    assert SECRET.encode() not in gateway.audit_path.read_bytes()


def test_personal_data_in_logged_payloads_is_masked(gateways, provider, origin, client_of):
    gateway = start(gateways, provider, origin, {"mask_pii": True}, **LOGS)
    ask(client_of, gateway)
    payload = gateway.audit.wait_for_requests(1)[0]["ai"]["proxy"]["payload"]
    assert "the secret plan of [CREDIT_CARD]" in payload["request"] and "4012888888881881" not in json.dumps(payload)
    assert SECRET in provider.last().body.decode(), "the provider gets what the client sent"


def test_each_sink_has_its_own_rules_on_top(gateways, provider, origin, client_of, tmp_path, collector):
    rules = {"deny": ["authenticated_entity"], "exporters": {"file-log": {"payloads": "remove", "deny": ["consumer"]}, "otlp": {"deny": ["client_ip", "request.uri"]}}}
    log = tmp_path / "file.log"
    gateway = start(gateways, provider, origin, rules, plugin("file-log", path=str(log)), environment=telemetry_environment(collector), **LOGS)
    ask(client_of, gateway)
    audited = gateway.audit.wait_for_requests(1)[0]
    until(lambda: log.exists() and log.read_bytes().endswith(b"\n"), what="the line of file-log")
    logged = json.loads(log.read_bytes())
    assert "authenticated_entity" not in audited and "authenticated_entity" not in logged
    assert audited["consumer"]["username"] == "alice" and "consumer" not in logged
    assert SECRET in audited["ai"]["proxy"]["payload"]["request"] and "payload" not in logged["ai"]["proxy"]
    root = collector.wait_for_roots(1)[0]
    assert "client.address" not in root.attributes and not root.attributes.get("url.path")
    assert audited["client_ip"] == "127.0.0.1", "what one sink loses, the others keep"


def test_a_word_that_can_not_be_denied_is_an_error(gateways, provider, origin):
    gateway = gateways({**everything(provider, origin), "_pellucid": {"redaction": {"deny": ["nonsense"], "payloads": "hmac"}}}, wait=False)
    gateway.wait_for_failure()
    assert "nothing that can be denied" in gateway.stderr and "payloads: hmac needs hmac_key" in gateway.stderr
