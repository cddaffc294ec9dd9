"""Every client on every provider: the vendors' official SDKs through the gateway, natively and across formats.

The matrix of what passed is printed at the end of the run.
"""

import base64
import io
import json
import wave

import pytest

from support.clients import CLIENTS, IMAGE, SCHEMA, Gemini, OpenAI
from support.configuration import plugin
from support.provider import ANSWER, PROMPT_TOKENS
from support.vendors import SIGNATURE, SOUND, THOUGHT, TOOL_ARGUMENTS, VOICE

VERTEX = {"gemini": {"api_endpoint": "{base}", "project_id": "p1", "location_id": "eu"}}
BEARER = {"header_name": "Authorization", "header_value": "Bearer sk-up"}
# What the gateway is told of each provider: where the fake one speaks its format, and how a key is sent.
PROVIDERS = {
    "openai": ({"upstream_url": "{base}/v1/chat/completions"}, {"header_name": "Authorization", "header_value": "Bearer sk-up"}),
    "anthropic": ({"upstream_url": "{base}/v1/messages", "anthropic_version": "2023-06-01"}, {"header_name": "x-api-key", "header_value": "sk-up"}),
    "gemini": ({"upstream_url": "{base}"}, {"param_name": "key", "param_value": "sk-up", "param_location": "query"}),
    "cohere": ({"upstream_url": "{base}"}, BEARER),
    "vertex-claude": (VERTEX, BEARER),
    "vertex-llama": (VERTEX, BEARER),
    "ollama": ({"upstream_url": "{base}"}, BEARER),
    "bedrock": ({"upstream_url": "{base}", "bedrock": {"aws_region": "eu-west-1"}}, {"aws_access_key_id": "sk-up", "aws_secret_access_key": "secret"}),
}
# The configured model, where its name says which API serves it; the rest of the name comes from the path.
NAMES = {"vertex-claude": "claude-$(uri_captures.model)", "vertex-llama": "llama-$(uri_captures.model)", "bedrock": "anthropic.$(uri_captures.model)"}
PATHS = {
    "openai": "/v1/chat/completions", "anthropic": "/v1/messages", "gemini": "/v1beta/models/", "cohere": "/v2/chat",
    "vertex-claude": "/v1/projects/p1/locations/eu/publishers/anthropic/models/claude-", "vertex-llama": "/v1/projects/p1/locations/eu/endpoints/openapi/chat/completions",
    "bedrock": "/model/anthropic.", "ollama": "/api/chat",
}
# What a provider's format has no place for.
REASONS = {("thinking", provider): "OpenAI's chat completions give no thoughts" for provider in ("openai", "vertex-llama")}


def ai_proxy(base: str, client: str, provider: str, **config) -> dict:
    options, auth = PROVIDERS[provider]
    options = json.loads(json.dumps(options).replace("{base}", base))
    name = {"name": NAMES[provider]} if provider in NAMES else {}
    model = {"provider": "gemini" if provider.startswith("vertex") else provider, "options": options, **name}
    # Kong has no name for Ollama's format.
    spoken = {"llm_format": client} if client != "ollama" else {}
    proxy = plugin("ai-proxy", route_type="llm/v1/chat", auth=auth, model=model, **spoken, **config)
    return proxy if spoken else {**proxy, "_pellucid": {"llm_format": client}}


@pytest.fixture(scope="module")
def gateway(module_gateways, shared_provider):
    routes = []
    for client in (client.name for client in CLIENTS):
        for provider in PROVIDERS:
            name = f"{client}-on-{provider}"
            path = f"~/{name}/(?<model>[^/]+)" if provider in NAMES else f"/{name}"
            routes.append({"name": name, "paths": [path], "plugins": [ai_proxy(shared_provider.base, client, provider)]})
    return module_gateways({"services": [{"name": "llm", "url": shared_provider.base, "routes": routes}]})


@pytest.fixture(scope="module")
def matrix(request):
    cells: dict[tuple[str, str], dict[str, str]] = {}
    yield cells
    features = sorted({feature for row in cells.values() for feature in row}, key=list(FEATURES).index)
    lines = ["", "client on provider".ljust(28) + "  ".join(features)]
    for (client, provider), row in sorted(cells.items()):
        lines.append(f"{client} on {provider}".ljust(28) + "  ".join(row.get(feature, "MISSING").ljust(len(feature)) for feature in features))
    lines += [f"-: {reason}" for reason in sorted(set(REASONS.values()))]
    request.config.summaries = [*getattr(request.config, "summaries", []), "\n".join(lines)]
    missing = [(pair, feature) for pair, row in cells.items() for feature in features if feature not in row]
    assert not missing or request.session.testsfailed, f"cells without a result or a reason: {missing}"


class Case:
    """One client on one provider."""

    def __init__(self, client, provider_name: str, gateway, provider):
        self.provider_name = provider_name
        self.provider = provider
        self.base = f"{gateway.url}/{client.name}-on-{provider_name}"
        self._client = client

    def client(self, model: str = "gpt-fake"):
        name = NAMES.get(self.provider_name)
        if name is None:
            return self._client(self.base, model)
        return self._client(f"{self.base}/{model}", name.replace("$(uri_captures.model)", model))

    def sent(self) -> dict:
        """What the provider got, after checking that it came to the right place with the right key."""
        seen = self.provider.last()
        assert PATHS[self.provider_name] in seen.path
        if self.provider_name == "gemini":
            assert seen.query["key"] == "sk-up"
        else:
            assert "sk-up" in (seen.header("x-api-key") or seen.header("authorization"))
        assert "client" not in [seen.header(name) for name in ("x-api-key", "x-goog-api-key", "authorization")] + [seen.query.get("key")]
        return seen.json


def chat(case: Case):
    client = case.client()
    answer = client.ask("Say hello – grüß Gott, 你好 😀\n\"quoted\"", system="Be brief.")
    assert answer.text == ANSWER
    assert (answer.input_tokens, answer.output_tokens) == (PROMPT_TOKENS, len(ANSWER.split(" ")))
    assert answer.finish == client.finishes["stop"]
    body = json.dumps(case.sent(), ensure_ascii=False)
    assert "grüß Gott, 你好 😀\\n\\\"quoted\\\"" in body and "Be brief." in body


def stream(case: Case):
    client = case.client("tokens-40")
    answer = client.ask("count", stream=True)
    assert answer.text == "".join(f"t{n} " for n in range(40))
    assert answer.pieces >= 40
    assert (answer.input_tokens, answer.output_tokens) == (PROMPT_TOKENS, 40)
    assert answer.finish == client.finishes["stop"]
    case.sent()


def tools(case: Case):
    client = case.client()
    answer = client.ask("weather?", tools=True)
    assert answer.calls == [("weather", TOOL_ARGUMENTS)]
    assert answer.finish == client.finishes["tools"]
    assert "of a city" in json.dumps(case.sent())


def tool_stream(case: Case):
    client = case.client()
    answer = client.ask("weather?", tools=True, stream=True)
    assert answer.calls == [("weather", TOOL_ARGUMENTS)]
    assert answer.finish == client.finishes["tools"]


def tool_result(case: Case):
    client = case.client()
    client.ask("weather?", tools=True)
    answer = client.ask("weather?", tools=True, history=client.history("It rains in Łódź."))
    assert answer.text == ANSWER
    assert "It rains in Łódź." in json.dumps(case.sent(), ensure_ascii=False)


def image(case: Case):
    assert case.client().ask("what is it?", image=True).text == ANSWER
    assert base64.b64encode(IMAGE).decode() in json.dumps(case.sent())


def thinking(case: Case):
    for is_stream in (False, True):
        answer = case.client().ask("think", think=True, stream=is_stream)
        assert answer.text == ANSWER
        assert answer.thought == THOUGHT


def schema(case: Case):
    wanted = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"], "additionalProperties": False}
    case.client().ask("name?", schema=wanted)
    sent = case.sent()
    if case.provider_name == "bedrock":
        # Converse takes it as a text.
        assert json.loads(sent["outputConfig"]["textFormat"]["structure"]["jsonSchema"]["schema"]) == wanted
    else:
        assert json.dumps(wanted) in json.dumps(sent)


def error(case: Case):
    failure = case.client("status-429").failure("hello")
    assert failure.status == 429
    assert "refused with 429 as asked" in failure.message
    assert failure.retry_after == "7"
    assert case.client("status-400").failure("hello", stream=True).status == 400


def cut(case: Case):
    failure = case.client("cut-3").failure("hello", stream=True)
    assert failure.message


FEATURES = {
    "chat": chat, "stream": stream, "tools": tools, "tool stream": tool_stream, "tool result": tool_result, "image": image, "thinking": thinking, "schema": schema,
    "error": error, "cut": cut,
}


@pytest.mark.parametrize("feature", FEATURES)
@pytest.mark.parametrize("provider_name", PROVIDERS)
@pytest.mark.parametrize("client", CLIENTS, ids=lambda client: client.name)
def test_feature(client, provider_name, feature, gateway, provider, matrix):
    row = matrix.setdefault((client.name, provider_name), {})
    if (feature, provider_name) in REASONS:
        row[feature] = "-"
        return
    row[feature] = "FAILED"
    FEATURES[feature](Case(client, provider_name, gateway, provider))
    row[feature] = "ok"


def test_native_traffic_is_not_touched(gateway, provider):
    """A client on a provider of its own format: the provider gets the client's bytes."""
    import requests

    body = b'{"model":"m" , "max_tokens":5,"messages":[{"role":"user","content":"x"}],"unknown_member":[1,2]}'
    response = requests.post(f"{gateway.url}/anthropic-on-anthropic/v1/messages", data=body, headers={"content-type": "application/json"}, timeout=10)
    assert response.status_code == 400 and "unknown_member" in response.json()["error"]["message"], "the fake provider itself refuses it"
    assert provider.last().body == body


def test_counting_tokens_natively(gateway, provider):
    import anthropic

    client = anthropic.Anthropic(base_url=f"{gateway.url}/anthropic-on-anthropic", api_key="k", max_retries=0)
    assert client.messages.count_tokens(model="m", messages=[{"role": "user", "content": "x"}]).input_tokens == PROMPT_TOKENS
    assert provider.last().path == "/v1/messages/count_tokens"


def test_counting_tokens_on_vertex(gateway, provider):
    import anthropic

    client = anthropic.Anthropic(base_url=f"{gateway.url}/anthropic-on-vertex-claude/x", api_key="k", max_retries=0)
    assert client.messages.count_tokens(model="claude-x", messages=[{"role": "user", "content": "x"}]).input_tokens == PROMPT_TOKENS
    assert provider.last().path == "/v1/projects/p1/locations/eu/publishers/anthropic/models/count-tokens:rawPredict"


def test_a_client_for_vertex(gateway, provider):
    """Anthropic's own client for Vertex AI: the model is in its path."""
    import anthropic

    url = f"{gateway.url}/anthropic-on-vertex-claude/tokens-5"
    client = anthropic.AnthropicVertex(base_url=url, project_id="clients", region="us", access_token="client", max_retries=0)
    messages = [{"role": "user", "content": "x"}]
    assert client.messages.create(model="claude-tokens-5", max_tokens=9, messages=messages).content[0].text == "t0 t1 t2 t3 t4 "
    with client.messages.stream(model="claude-tokens-5", max_tokens=9, messages=messages) as events:
        assert "".join(events.text_stream) == "t0 t1 t2 t3 t4 "
    assert provider.last().path.endswith("/models/claude-tokens-5:streamRawPredict") and provider.last().header("authorization") == "Bearer sk-up"
    assert client.messages.count_tokens(model="claude-tokens-5", messages=messages).input_tokens == PROMPT_TOKENS


def test_embeddings_of_a_gemini_client(gateway, provider):
    """What only Google serves passes natively, and is refused elsewhere."""
    from google import genai

    def embed(name: str):
        client = genai.Client(api_key="client", http_options={"base_url": f"{gateway.url}/gemini-on-{name}"})
        return client.models.embed_content(model="embedding", contents=["a", "b"]).embeddings

    assert [vector.values for vector in embed("gemini")] == [[0.25, -0.5, 0.75]] * 2
    assert provider.last().path == "/v1beta/models/embedding:batchEmbedContents" and provider.last().query["key"] == "sk-up"
    with pytest.raises(genai.errors.ClientError, match="only served by providers that speak gemini"):
        embed("openai")


@pytest.mark.parametrize("provider_name", ["vertex-claude", "vertex-llama"])
def test_an_error_of_google_before_the_model(gateway, provider, provider_name):
    name = NAMES[provider_name].replace("$(uri_captures.model)", "google-429")
    failure = Gemini(f"{gateway.url}/gemini-on-{provider_name}/google-429", name).failure("hello")
    assert (failure.status, failure.message) == (429, "refused with 429 by Google")


def test_a_gemini_stream_as_an_array(gateway, provider):
    """Without alt=sse the stream is one JSON array."""
    import requests

    body = {"contents": [{"role": "user", "parts": [{"text": "x"}]}]}
    response = requests.post(f"{gateway.url}/gemini-on-openai/v1beta/models/tokens-5:streamGenerateContent", json=body, timeout=10)
    assert response.headers["content-type"] == "application/json"
    texts = [part["text"] for chunk in response.json() for part in chunk["candidates"][0]["content"]["parts"]]
    assert "".join(texts) == "t0 t1 t2 t3 t4 "


def test_a_translated_stream_arrives_piece_by_piece(gateway, provider):
    import openai

    client = openai.OpenAI(base_url=f"{gateway.url}/openai-on-anthropic/v1", api_key="k", max_retries=0)
    chunks = client.chat.completions.create(model="gate", messages=[{"role": "user", "content": "x"}], stream=True)
    first = next(chunk.choices[0].delta.content for chunk in chunks if chunk.choices[0].delta.content)
    assert first == "Hello "
    assert provider.last().finished is None, "the provider still holds the rest back"
    provider.release()
    assert first + "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == ANSWER


@pytest.mark.parametrize("provider_name", ["anthropic", "bedrock"])
def test_streamed_thoughts_go_back_as_the_sdk_adds_them_up(provider_name, gateway, provider):
    """Only with their text and signature does a vendor take them; the SDK's own accumulator puts both together."""
    from openai.lib.streaming._deltas import accumulate_delta

    case = Case(OpenAI, provider_name, gateway, provider)
    client = case.client()
    options = {"model": client.model, "max_tokens": 2000, "reasoning_effort": "low", "tools": [{"type": "function", "function": {"name": "weather", "parameters": SCHEMA}}]}
    question = {"role": "user", "content": "weather?"}
    message = {}
    for chunk in client.client.chat.completions.create(**options, messages=[question], stream=True):
        for choice in chunk.choices:
            message = accumulate_delta(message, choice.delta.to_dict())
    assert message["thinking_blocks"] == [{"index": 0, "type": "thinking", "thinking": THOUGHT, "signature": SIGNATURE}]
    result = {"role": "tool", "tool_call_id": message["tool_calls"][0]["id"], "content": "rain"}
    client.client.chat.completions.create(**options, messages=[question, message, result])
    thought = case.sent()["messages"][1]["content"][0]
    if provider_name == "bedrock":
        assert thought == {"reasoningContent": {"reasoningText": {"text": THOUGHT, "signature": SIGNATURE}}}
    else:
        assert thought == {"type": "thinking", "thinking": THOUGHT, "signature": SIGNATURE}


def speaking(gateway):
    import openai

    return openai.OpenAI(base_url=f"{gateway.url}/openai-on-gemini/v1", api_key="k", max_retries=0).chat.completions


def test_gemini_speaks_to_a_client_of_openai(gateway, provider):
    """The answer is a WAV file, as asked for; Google's API gives samples alone."""
    answer = speaking(gateway).create(model="tts", messages=[{"role": "user", "content": "x"}], modalities=["text", "audio"], audio={"voice": VOICE, "format": "wav"})
    message = answer.choices[0].message
    assert message.content is None and message.audio.id and message.audio.expires_at and message.audio.transcript == ""
    with wave.open(io.BytesIO(base64.b64decode(message.audio.data))) as sound:
        assert (sound.getnchannels(), sound.getsampwidth(), sound.getframerate()) == (1, 2, 24000)
        assert sound.readframes(sound.getnframes()) == SOUND
    sent = provider.last().json["generationConfig"]
    assert sent["responseModalities"] == ["AUDIO"] and sent["speechConfig"] == {"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": VOICE}}}


def test_gemini_speaks_in_a_stream(gateway, provider):
    """The SDK's own accumulator joins what comes as texts."""
    from openai.lib.streaming._deltas import accumulate_delta

    message, pieces = {}, []
    options = {"modalities": ["audio"], "audio": {"voice": VOICE, "format": "pcm16"}, "stream": True}
    for chunk in speaking(gateway).create(model="tts", messages=[{"role": "user", "content": "x"}], **options):
        delta = chunk.choices[0].delta.to_dict()
        pieces.append(base64.b64decode(delta.get("audio", {}).get("data", "")))
        message = accumulate_delta(message, delta)
    assert b"".join(pieces) == SOUND and base64.b64decode(message["audio"]["data"]) == SOUND
    assert all(len(piece) % 2 == 0 for piece in pieces), "a sample has two bytes"
    assert message["audio"]["id"].startswith("audio_") and message["audio"]["expires_at"] > 1_700_000_000


@pytest.mark.parametrize("provider_name", ["anthropic", "bedrock", "vertex-claude"])
def test_sampling_gives_way_to_thoughts(provider_name, gateway, provider):
    """Which the fake provider refuses as the real one does."""
    case = Case(OpenAI, provider_name, gateway, provider)
    client = case.client()
    options = {"temperature": 0.3, "top_p": 0.5, "extra_body": {"top_k": 5}, "reasoning_effort": "low", "max_tokens": 2000}
    answer = client.client.chat.completions.create(model=client.model, messages=[{"role": "user", "content": "x"}], **options)
    assert answer.choices[0].message.content == ANSWER
