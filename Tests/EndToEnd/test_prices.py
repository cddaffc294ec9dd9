"""What model operations cost: by the configuration, by the gateway's own settings, by the built-in table, or nobody knows."""

import json
import subprocess

import pytest

from support import configuration
from support.gateway import binary
from support.waiting import until


def service(provider, **options) -> dict:
    model = {"provider": "openai", "options": {"upstream_url": provider.base + "/v1/chat/completions", **options}}
    plugin = configuration.plugin("ai-proxy", route_type="llm/v1/chat", model=model, logging={"log_statistics": True})
    return {"services": [{"name": "llm", "url": provider.base, "routes": [{"name": "chat", "paths": ["/v1/chat/completions"], "plugins": [plugin]}]}]}


@pytest.mark.parametrize(
    ("options", "settings", "model", "cost"),
    [
        ({"input_cost": 10, "output_cost": 20}, {}, "gpt-4o-mini", (11 * 10 + 5 * 20) / 1e6),
        ({}, {"prices": [{"provider": "openai", "model": "gpt-4o-mini", "input_cost": 1, "output_cost": 2}]}, "gpt-4o-mini", (11 * 1 + 5 * 2) / 1e6),
        ({}, {}, "gpt-4o-mini-2024-07-18", (11 * 0.15 + 5 * 0.6) / 1e6),
        ({}, {}, "nobody-knows", None),
    ],
    ids=["configured", "overridden", "built in", "unknown"],
)
def test_a_request_costs(gateways, provider, client_of, options, settings, model, cost):
    gateway = gateways({**service(provider, **options), "_pellucid": settings})
    client_of(f"{gateway.url}/v1", key=None).chat.completions.create(model=model, messages=[{"role": "user", "content": "Hi"}])
    line = gateway.audit.wait_for_requests(1)[0]
    assert line["usage"]["source"] == "provider_reported"
    misses = until(lambda: "gen_ai_client_token_usage" in (text := gateway.metrics_text()) and text, what="metrics of the request")
    assert ("pellucid_cost_misses_total{" in misses) == (cost is None)
    if cost is None:
        assert not line.get("cost")
    else:
        assert line["cost"] == pytest.approx(cost)


def test_the_table_can_be_listed():
    lines = [json.loads(line) for line in subprocess.run([binary(), "models", "--provider", "bedrock", "--json"], capture_output=True, text=True, check=True).stdout.splitlines()]
    assert {line["provider"] for line in lines} == {"bedrock"}
    assert all(line["input_cost"] >= 0 and line["output_cost"] >= 0 for line in lines)
