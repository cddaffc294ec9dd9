"""Stages that read answers, with every vendor's own client: what a stage cleans, restores or stops, it does in each client's format, natively and across formats, whole and streamed."""

import json

import pytest

from support.clients import CLIENTS, Bedrock
from support.configuration import plugin
from support.vendors import TOOL_ARGUMENTS
from support.waiting import until
from test_translation import NAMES, ai_proxy

PROMPT = "I am jane@example.com."
SAYS = "PLACEHOLDER1 is yours. Ask Peter Miller at bob@example.org, he lives in Hamburg.\nThat is all – 你好."
CLEANED = "jane@example.com is yours. Ask PLACEHOLDER2 at PLACEHOLDER3, he lives in PLACEHOLDER4.\nThat is all – 你好."
SECRETS = ("Miller", "bob@", "Hamburg")
# Each client on a provider of its own format, and on one of another.
ACROSS = {"openai": "anthropic", "anthropic": "openai", "gemini": "anthropic", "cohere": "openai", "bedrock": "openai", "ollama": "gemini"}
PAIRS = [(client, provider) for client in CLIENTS for provider in (client.name, ACROSS[client.name])]
every_pair = pytest.mark.parametrize("client,provider_name", PAIRS, ids=[f"{client.name}-on-{provider}" for client, provider in PAIRS])
both_ways = pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])


@pytest.fixture(scope="module")
def gateway(module_gateways, shared_provider, guard_services):
    guard = plugin(
        "ai-lakera-guard", api_key="lakera-key", lakera_service_url=f"{guard_services.base}/lakera/v2/guard?flag=t7", guarding_mode="OUTPUT", response_buffer_size=6
    )
    stages = {"clean": plugin("ai-sanitizer", sanitization_mode="BOTH"), "restore": plugin("ai-sanitizer", anonymize=["email"]), "guard": guard}
    routes = []
    for stage, configured in stages.items():
        for client, provider in PAIRS:
            name = f"{stage}-{client.name}-on-{provider}"
            path = f"~/{name}/(?<model>[^/]+)" if provider in NAMES else f"/{name}"
            routes.append({"name": name, "paths": [path], "plugins": [configured, ai_proxy(shared_provider.base, client.name, provider)]})
    return module_gateways({"services": [{"name": "llm", "url": shared_provider.base, "routes": routes}]})


@pytest.fixture
def client_for(gateway):
    def make(stage: str, client, provider_name: str, model: str):
        base = f"{gateway.url}/{stage}-{client.name}-on-{provider_name}"
        if provider_name in NAMES:
            return client(f"{base}/{model}", NAMES[provider_name].replace("$(uri_captures.model)", model))
        return client(base, model)

    return make


def says(text: str) -> str:
    return f"says-{text.encode().hex()}"


@both_ways
@every_pair
def test_answers_are_cleaned_and_the_clients_data_comes_back(client_for, gateway, provider, client, provider_name, stream):
    answer = client_for("clean", client, provider_name, says(SAYS)).ask(PROMPT, stream=stream)
    assert answer.text == CLEANED
    assert answer.finish == client.finishes["stop"]
    sent = json.dumps(provider.last().json)
    assert "PLACEHOLDER1" in sent and "jane@" not in sent
    line = gateway.audit.wait_for_requests(1)[-1]
    assert line["ai"]["sanitizer"]["output_pii_sanitized"] == 3
    assert not any(secret in json.dumps(line) for secret in SECRETS)


@both_ways
@every_pair
def test_where_only_prompts_are_cleaned_the_clients_data_comes_back(client_for, client, provider_name, stream):
    answer = client_for("restore", client, provider_name, says("PLACEHOLDER1 is yours, bob@example.org is his.")).ask(PROMPT, stream=stream)
    assert answer.text == "jane@example.com is yours, bob@example.org is his."


def test_a_models_own_events_in_awss_framing_are_cleaned(client_for, provider):
    """InvokeModelWithResponseStream has them as base64."""
    client = client_for("clean", Bedrock, "bedrock", says(SAYS)).client
    body = {"anthropic_version": "bedrock-2023-05-31", "max_tokens": 100, "messages": [{"role": "user", "content": PROMPT}]}
    answer = client.invoke_model_with_response_stream(modelId=f"anthropic.{says(SAYS)}", body=json.dumps(body))
    events = [json.loads(event["chunk"]["bytes"]) for event in answer["body"]]
    assert "".join(event["delta"].get("text", "") for event in events if event["type"] == "content_block_delta") == CLEANED
    assert events[0]["type"] == "message_start" and events[-1]["type"] == "message_stop"
    assert "PLACEHOLDER1" in json.dumps(provider.last().json)


@every_pair
def test_tools_are_called_with_what_was_meant(client_for, client, provider_name):
    # A city is personal data, however its letters are escaped; the call stays one that can be read.
    cleaned, restored = client_for("clean", client, provider_name, "gpt-fake"), client_for("restore", client, provider_name, "gpt-fake")
    for stream in (False, True):
        assert cleaned.ask("weather?", tools=True, stream=stream).calls == [("weather", {"city": "PLACEHOLDER1"})]
        assert restored.ask("weather?", tools=True, stream=stream).calls == [("weather", TOOL_ARGUMENTS)]


@every_pair
def test_a_guarded_stream_passes_whole(client_for, guard_services, client, provider_name):
    guard_services.reset()
    answer = client_for("guard", client, provider_name, "tokens-5").ask("count", stream=True)
    assert answer.text == "t0 t1 t2 t3 t4 "
    assert answer.finish == client.finishes["stop"]
    assert len(guard_services.asked) >= 2


@every_pair
def test_a_flagged_stream_ends_with_an_error_the_client_can_read(client_for, gateway, client, provider_name):
    failure = client_for("guard", client, provider_name, "tokens-12").failure("count", stream=True)
    assert "Response was filtered by Lakera Guard" in failure.message
    name = f"guard-{client.name}-on-{provider_name}"

    def lines():
        return [line for line in gateway.audit.requests() if line["route"]["name"] == name and line["outcome"] == "rejected"]

    line = until(lambda: lines() and lines()[-1], what="the audit line")
    assert line["error_type"] == "content_blocked"


@every_pair
def test_a_flagged_answer_is_refused(client_for, client, provider_name):
    failure = client_for("guard", client, provider_name, "tokens-9").failure("count")
    assert failure.status == 403
    assert "Response was filtered by Lakera Guard" in failure.message
