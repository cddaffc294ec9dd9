"""Further SDKs that speak OpenAI's format, on providers of every format; and what OpenAI's own models say of every answer."""

import json

import httpx
import openai
import pytest
from azure.ai.inference import ChatCompletionsClient
from azure.ai.inference.models import ChatCompletionsToolDefinition, FunctionDefinition, SystemMessage, UserMessage
from azure.core.credentials import AzureKeyCredential
from azure.core.exceptions import HttpResponseError
from langchain_core.messages import HumanMessage, SystemMessage as Told
from langchain_openai import ChatOpenAI
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from support.clients import SCHEMA
from support.provider import ANSWER, PROMPT_TOKENS
from support.vendors import TOOL_ARGUMENTS

from test_translation import NAMES, PROVIDERS as ALL_PROVIDERS, ai_proxy

# These clients name their model in the request alone.
PROVIDERS = [name for name in ALL_PROVIDERS if name not in NAMES]

TOKENS = len(ANSWER.split(" "))


@pytest.fixture(scope="module")
def gateway(module_gateways, shared_provider):
    routes = [{"name": name, "paths": [f"/{name}"], "plugins": [ai_proxy(shared_provider.base, "openai", name)]} for name in PROVIDERS]
    return module_gateways({"services": [{"name": "llm", "url": shared_provider.base, "routes": routes}]})


@pytest.fixture(params=PROVIDERS)
def base(request, gateway, provider):
    yield f"{gateway.url}/{request.param}/v1"
    seen = provider.last()
    values = list(seen.query.values()) + [value for _, value in seen.headers]
    assert any("sk-up" in value for value in values) and not any("client-key" in value for value in values)


# azure-ai-inference


def azure(base: str) -> ChatCompletionsClient:
    return ChatCompletionsClient(endpoint=base, credential=AzureKeyCredential("client-key"), retry_total=0)


def test_azure_inference_chats(base):
    with azure(base) as client:
        answer = client.complete(model="gpt-fake", messages=[SystemMessage("Be brief."), UserMessage("Say hello")], max_tokens=100)
    assert answer.choices[0].message.content == ANSWER and answer.choices[0].finish_reason == "stop"
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (PROMPT_TOKENS, TOKENS)


def test_azure_inference_streams(base):
    with azure(base) as client:
        chunks = list(client.complete(model="tokens-20", messages=[UserMessage("count")], max_tokens=100, stream=True))
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices) == "".join(f"t{n} " for n in range(20))
    assert [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices and chunk.choices[0].finish_reason] == ["stop"]


def test_azure_inference_calls_tools(base):
    tool = ChatCompletionsToolDefinition(function=FunctionDefinition(name="weather", description="of a city", parameters=SCHEMA))
    with azure(base) as client:
        answer = client.complete(model="gpt-fake", messages=[UserMessage("weather?")], tools=[tool], max_tokens=100)
    call = answer.choices[0].message.tool_calls[0]
    assert (call.function.name, json.loads(call.function.arguments)) == ("weather", TOOL_ARGUMENTS)


def test_azure_inference_reads_errors(base):
    with azure(base) as client, pytest.raises(HttpResponseError) as failed:
        client.complete(model="status-429", messages=[UserMessage("hi")], max_tokens=100)
    assert failed.value.status_code == 429 and "429" in failed.value.message
    assert failed.value.response.headers["Retry-After"] == "7"


# langchain-openai


def chain(base: str, model: str = "gpt-fake") -> ChatOpenAI:
    return ChatOpenAI(base_url=base, api_key="client-key", model=model, max_retries=0, timeout=30, max_tokens=100)


def test_langchain_chats(base):
    answer = chain(base).invoke([Told("Be brief."), HumanMessage("Say hello")])
    assert answer.content == ANSWER and answer.response_metadata["finish_reason"] == "stop"
    assert (answer.usage_metadata["input_tokens"], answer.usage_metadata["output_tokens"]) == (PROMPT_TOKENS, TOKENS)


def test_langchain_streams(base):
    chunks = list(chain(base, "tokens-20").stream("count", stream_usage=True))
    assert "".join(chunk.content for chunk in chunks) == "".join(f"t{n} " for n in range(20))
    used = [chunk.usage_metadata for chunk in chunks if chunk.usage_metadata]
    assert [(usage["input_tokens"], usage["output_tokens"]) for usage in used] == [(PROMPT_TOKENS, 20)]


@pytest.mark.parametrize("streams", [False, True])
def test_langchain_calls_tools(base, streams):
    tool = {"type": "function", "function": {"name": "weather", "description": "of a city", "parameters": SCHEMA}}
    bound = chain(base).bind_tools([tool])
    if streams:
        answer = None
        for chunk in bound.stream("weather?"):
            answer = chunk if answer is None else answer + chunk
    else:
        answer = bound.invoke("weather?")
    assert [(call["name"], call["args"]) for call in answer.tool_calls] == [("weather", TOOL_ARGUMENTS)]


def test_langchain_reads_errors(base):
    with pytest.raises(openai.RateLimitError, match="429"):
        chain(base, "status-429").invoke("hi")


# What OpenAI publishes of its answers


def strictly(model, data: dict) -> None:
    """Validates against the types that OpenAI generates from its published schema: required members, kinds and closed sets. JSON knows no other strictness than that of its kinds."""
    model.model_validate_json(json.dumps(data), strict=True)


REQUESTS = {
    "chat": {}, "tools": {"tools": [{"type": "function", "function": {"name": "weather", "parameters": SCHEMA}}]}, "length": {"max_tokens": 1}, "thinking": {"reasoning_effort": "low"},
}  # fmt: skip


@pytest.mark.parametrize("kind", REQUESTS)
def test_answers_are_valid(base, kind):
    body = {"model": "gpt-fake", "messages": [{"role": "user", "content": "hi"}], "max_tokens": 2000, **REQUESTS[kind]}
    answer = httpx.post(f"{base}/chat/completions", json=body, headers={"Authorization": "Bearer client-key"})
    assert answer.status_code == 200
    strictly(ChatCompletion, answer.json())


@pytest.mark.parametrize("kind", REQUESTS)
@pytest.mark.parametrize("usage", [False, True])
def test_chunks_are_valid(base, kind, usage):
    body = {"model": "gpt-fake", "messages": [{"role": "user", "content": "hi"}], "max_tokens": 2000, "stream": True, **REQUESTS[kind]}
    if usage:
        body["stream_options"] = {"include_usage": True}
    answer = httpx.post(f"{base}/chat/completions", json=body, headers={"Authorization": "Bearer client-key"})
    lines = [line.removeprefix("data: ") for line in answer.text.split("\n") if line.startswith("data: ")]
    assert lines[-1] == "[DONE]" and len(lines) > 2
    chunks = [json.loads(line) for line in lines[:-1]]
    for chunk in chunks:
        strictly(ChatCompletionChunk, chunk)
    assert len({(chunk["id"], chunk["model"], chunk["created"]) for chunk in chunks}) == 1
    assert any(chunk.get("usage") for chunk in chunks) == usage
    assert [choice["finish_reason"] for chunk in chunks for choice in chunk["choices"] if choice["finish_reason"]] == ["tool_calls" if kind == "tools" else "stop"]


def test_errors_have_the_published_shape(base):
    answer = httpx.post(f"{base}/chat/completions", json={"model": "status-503", "messages": [{"role": "user", "content": "hi"}]}, headers={"Authorization": "Bearer client-key"})
    error = answer.json()["error"]
    assert set(error) == {"message", "type", "param", "code"} and isinstance(error["message"], str) and isinstance(error["type"], str)
