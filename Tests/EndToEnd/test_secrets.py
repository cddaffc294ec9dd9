"""Neither credentials nor content are recorded unless asked for."""

import json

import pytest
import requests

from support.configuration import CLIENT_KEY, UPSTREAM_KEY, everything, key_auth, llm_service, plugin, telemetry_environment
from support.provider import PROMPT_TOKENS
from support.waiting import until

HELLO = [{"role": "user", "content": "the-secret-prompt"}]


def test_no_secret_and_no_prompt_is_in_any_output(gateways, provider, collector, client_of, tmp_path):
    log = tmp_path / "requests.log"
    gateway = gateways(everything(provider, plugins=[key_auth(), plugin("file-log", path=str(log))]), environment=telemetry_environment(collector))
    client = client_of(f"{gateway.url}/v1")
    client.chat.completions.create(model="gpt-fake", messages=HELLO)
    list(client.chat.completions.create(model="tokens-3", messages=HELLO, stream=True))
    with pytest.raises(Exception, match="refused with 400"):
        client.chat.completions.create(model="status-400", messages=HELLO)
    requests.get(f"{gateway.url}/v1/chat/completions?apikey={CLIENT_KEY}", timeout=5)
    requests.post(f"{gateway.url}/v1/chat/completions", data=b'{"messages": "the-secret-prompt', headers={"apikey": CLIENT_KEY}, timeout=5)
    gateway.audit.wait_for_requests(5)
    collector.wait_for_roots(5)
    until(lambda: log.exists() and len(log.read_bytes().splitlines()) == 5, what="the lines of file-log")
    outputs = {
        "spans": collector.everything(),
        "audit": gateway.audit_path.read_bytes(),
        "file-log": log.read_bytes(),
        "diagnostics": gateway.stderr.encode(),
        "metrics": gateway.metrics_text().encode(),
    }
    for secret in (CLIENT_KEY, UPSTREAM_KEY, "client-side-key", "the-secret-prompt", "Hello from the fake provider", "t0 t1"):
        for name, content in outputs.items():
            assert secret.encode() not in content, f"{secret} is in {name}"


def test_payloads_are_recorded_when_asked_for(gateways, provider, client_of, tmp_path):
    log = tmp_path / "requests.log"
    service = llm_service(provider.base, logging={"log_payloads": True, "log_statistics": True})
    gateway = gateways({"services": [service], "plugins": [plugin("file-log", path=str(log))]})
    client_of(f"{gateway.url}/v1", key=None).chat.completions.create(model="gpt-fake", messages=HELLO)
    until(lambda: log.exists() and log.read_bytes(), what="the line of file-log")
    line = json.loads(log.read_bytes())
    assert "the-secret-prompt" in json.dumps(line["ai"]["proxy"]["payload"]["request"])
    assert line["ai"]["proxy"]["usage"]["prompt_tokens"] == PROMPT_TOKENS
    assert UPSTREAM_KEY not in log.read_text()
