"""Models asked beside the clients' requests: those that embed prompts for routing by meaning, judges of answers, and targets that only get copies."""

import json
import subprocess

import pytest
import requests

from support import configuration
from support.clouds import KEYS, REGION, Clouds
from support.gateway import binary, clean_environment
from support.provider import ANSWER
from support.waiting import until

CHAT = {"model": "chat", "messages": [{"role": "user", "content": "hi"}]}
STATIC = {"aws_access_key_id": "AKIASTATIC", "aws_secret_access_key": KEYS["AKIASTATIC"]}


@pytest.fixture(scope="module")
def shared_clouds():
    server = Clouds().start()
    yield server
    server.stop()


@pytest.fixture
def clouds(shared_clouds):
    shared_clouds.reset()
    yield shared_clouds


def target(base: str, model: str, **more) -> dict:
    url = f"{base}/v1/chat/completions"
    return {"route_type": "llm/v1/chat", "model": {"provider": "openai", "name": model, "model_alias": "chat", "options": {"upstream_url": url}}, **more}


def service(*plugins: dict) -> dict:
    route = {"name": "chat", "paths": ["/v1/chat/completions"], "plugins": list(plugins)}
    return {"services": [{"name": "llm", "url": "http://127.0.0.1:9", "routes": [route]}]}


def post(gateway, **more) -> requests.Response:
    return requests.post(f"{gateway.url}/v1/chat/completions", json={**CHAT, **more}, timeout=30)


# Embeddings

EMBEDDERS = {
    "gemini": lambda provider, clouds: {
        "auth": {"param_name": "key", "param_value": "sk-up", "param_location": "query"},
        "model": {"provider": "gemini", "name": "gemini-embedding-001", "options": {"upstream_url": f"{provider.base}/v1beta/models/gemini-embedding-001:batchEmbedContents"}},
    },
    "ollama": lambda provider, clouds: {"model": {"provider": "ollama", "name": "nomic-embed-text", "options": {"upstream_url": clouds.base}}},
    "bedrock": lambda provider, clouds: {
        "auth": STATIC,
        "model": {"provider": "bedrock", "name": "amazon.titan-embed-text-v2:0", "options": {"upstream_url": clouds.base, "bedrock": {"aws_region": REGION}}},
    },
}


@pytest.mark.parametrize("name", EMBEDDERS)
def test_a_prompt_is_routed_by_meaning_whoever_embeds(gateways, provider, clouds, collector, name):
    targets = [target(provider.base, "gpt-first", description="everything there is"), target(provider.base, "gpt-rest", description="CATCHALL")]
    vectors = {"strategy": "redis", "dimensions": 3, "distance_metric": "cosine", "threshold": 0.5}
    plugin = {
        "name": "ai-proxy-advanced",
        "config": {"targets": targets, "balancer": {"algorithm": "semantic"}, "embeddings": EMBEDDERS[name](provider, clouds), "vectordb": vectors},
    }
    gateway = gateways(service(plugin), environment=configuration.telemetry_environment(collector))
    # The fake models find all texts alike; without vectors the catch-all would serve.
    assert {post(gateway).headers["X-Kong-LLM-Model"] for _ in range(2)} == {"openai/gpt-first"}
    root = collector.wait_for_roots(1)[0]
    call = next(span for span in collector.wait_for_trace(root.trace_id) if span.name == "embeddings")
    assert call.attributes["gen_ai.operation.name"] == "embeddings"
    assert call.attributes["gen_ai.request.model"] == EMBEDDERS[name](provider, clouds)["model"]["name"]


# Judges

JUDGES = {
    "anthropic": lambda provider, clouds: {
        "auth": {"header_name": "x-api-key", "header_value": "sk-up"},
        "model": {"provider": "anthropic", "name": "score-87", "options": {"upstream_url": f"{provider.base}/v1/messages", "max_tokens": 8, "anthropic_version": "2023-06-01"}},
    },
    "gemini": lambda provider, clouds: {
        "auth": {"param_name": "key", "param_value": "sk-up", "param_location": "query"},
        "model": {"provider": "gemini", "name": "score-87", "options": {"upstream_url": f"{provider.base}/v1beta/models/score-87:generateContent"}},
    },
    "bedrock": lambda provider, clouds: {
        "auth": STATIC,
        "model": {"provider": "bedrock", "name": "score-87", "options": {"upstream_url": clouds.base, "bedrock": {"aws_region": REGION}}},
    },
}


@pytest.mark.parametrize("name", JUDGES)
def test_any_provider_s_model_can_be_the_judge(gateways, provider, clouds, collector, name):
    judge = {"name": "ai-llm-as-judge", "config": {"llm": {"route_type": "llm/v1/chat", **JUDGES[name](provider, clouds)}}}
    proxy = {"name": "ai-proxy-advanced", "config": {"targets": [target(provider.base, "gpt-fake")], "balancer": {"algorithm": "lowest-usage", "tokens_count_strategy": "llm-accuracy"}}}
    gateway = gateways(service(proxy, judge), environment=configuration.telemetry_environment(collector))
    assert post(gateway).json()["choices"][0]["message"]["content"] == ANSWER
    root = collector.wait_for_roots(1)[0]
    spans = collector.wait_for_trace(root.trace_id)
    stage = next(span for span in spans if span.name == "ai-llm-as-judge response")
    assert stage.attributes["pellucid.ai_llm_as_judge.usage.llm_accuracy"] == 87
    call = next(span for span in spans if span.parent_id == stage.span_id)
    assert call.attributes["gen_ai.request.model"] == "score-87"


# Copies


@pytest.mark.parametrize(("model", "status"), [("tokens-3", 200), ("status-503", 503)])
def test_a_copy_has_a_span_in_the_trace_of_its_original(gateways, provider, collector, model, status):
    plugin = {
        "name": "ai-proxy-advanced",
        "config": {"targets": [target(provider.base, "gpt-own"), target(provider.base, model)]},
        "_pellucid": {"balancer": {"mirror": {"target": f"openai/{model}"}}},
    }
    gateway = gateways(service(plugin), environment=configuration.telemetry_environment(collector))
    assert post(gateway).headers["X-Kong-LLM-Model"] == "openai/gpt-own"
    root = collector.wait_for_roots(1)[0]

    def copies():
        return [span for span in collector.trace(root.trace_id) if span.attributes.get("pellucid.balancer.mirror.role") == "copy"]

    until(copies, what="the copy's span")
    [copy] = copies()
    stage = next(span for span in collector.trace(root.trace_id) if span.name == "ai-proxy-advanced request")
    assert copy.parent_id == stage.span_id
    assert copy.name == f"chat {model}" and copy.attributes["http.response.status_code"] == status
    # Comparable with the original's attempt: how it ended, tokens, model, duration.
    assert copy.attributes.get("error.type") == (None if status == 200 else "503")
    assert copy.attributes.get("gen_ai.usage.output_tokens") == (3 if status == 200 else None)


def test_copies_to_a_cloud_s_identity_are_refused_at_validation(tmp_path):
    cloud = {"route_type": "llm/v1/chat", "auth": STATIC, "model": {"provider": "bedrock", "name": "m", "options": {"bedrock": {"aws_region": REGION}}}}
    plugin = {
        "name": "ai-proxy-advanced",
        "config": {"targets": [target("http://127.0.0.1:9", "gpt-own"), cloud]},
        "_pellucid": {"balancer": {"mirror": {"target": "bedrock/m"}}},
    }
    path = tmp_path / "kong.json"
    path.write_text(json.dumps({"_format_version": "3.0", **service(plugin)}))
    result = subprocess.run([binary(), "validate", str(path)], capture_output=True, text=True, timeout=30, env=clean_environment())
    assert result.returncode == 1 and "authenticates with a cloud's identity" in result.stdout, result.stdout + result.stderr
