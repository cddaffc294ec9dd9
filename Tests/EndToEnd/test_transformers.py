"""ai-request-transformer and ai-response-transformer: a model (the fake provider) rewrites what goes to another service and what comes back."""

import pytest
import requests

from support.configuration import plugin
from support.provider import ANSWER


@pytest.fixture
def gateway(gateways, provider, origin):
    llm = {
        "route_type": "llm/v1/chat",
        "auth": {"header_name": "Authorization", "header_value": "Bearer llm-secret"},
        "model": {"provider": "openai", "name": "gpt-fake", "options": {"upstream_url": f"{provider.base}/v1/chat/completions"}},
    }

    def service(name, transformer):
        return {"name": name, "url": f"http://127.0.0.1:{origin.port}", "routes": [{"name": name, "paths": [f"/{name}"], "plugins": [transformer]}]}

    missing = {**llm, "model": {**llm["model"], "name": "status-500"}}
    return gateways(
        {
            "services": [
                service("in", plugin("ai-request-transformer", prompt="shout", llm=llm)),
                service("out", plugin("ai-response-transformer", prompt="shout", llm=llm)),
                service("part", plugin("ai-request-transformer", prompt="shout", llm=llm, transformation_extract_pattern="fake [a-z]+")),
                service("none", plugin("ai-request-transformer", prompt="shout", llm=llm, transformation_extract_pattern="never")),
                service("broken", plugin("ai-request-transformer", prompt="shout", llm=missing)),
            ]
        }
    )


def test_a_request_is_rewritten(gateway, provider, origin):
    answer = requests.post(f"{gateway.url}/in", data="hello", timeout=10)
    assert answer.text == "hello"
    assert origin.requests[-1].body == ANSWER.encode()
    assert provider.last().json["messages"] == [{"role": "system", "content": "shout"}, {"role": "user", "content": "hello"}]
    assert provider.last().header("authorization") == "Bearer llm-secret"
    line = gateway.audit.wait_for_requests(1)[-1]
    assert line["ai"]["ai-request-transformer"]["prompt_tokens"] == 11
    assert "llm-secret" not in gateway.audit_path.read_text()


def test_only_what_matches_is_taken(gateway, origin):
    requests.post(f"{gateway.url}/part", data="hello", timeout=10)
    assert origin.requests[-1].body == b"fake provider"


@pytest.mark.parametrize(("path", "status"), [("none", 400), ("broken", 500)])
def test_a_model_that_is_of_no_use_stops_the_request(gateway, origin, path, status):
    assert requests.post(f"{gateway.url}/{path}", data="hello", timeout=10).status_code == status
    assert not origin.requests


def test_a_response_is_rewritten(gateway, origin):
    assert requests.get(f"{gateway.url}/out", timeout=10).text == ANSWER
