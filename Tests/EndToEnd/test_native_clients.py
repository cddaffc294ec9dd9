"""Real clients of Bedrock and Cohere, natively and across formats; OpenAI's client on Bedrock, Cohere and Ollama."""

import json

import boto3
import botocore.config
import botocore.exceptions
import cohere
import huggingface_hub
import ollama
import openai
import pytest

from support import configuration
from support.clouds import KEYS, REGION, TOOL_INPUT, Clouds
from support.provider import ANSWER
from support.waiting import until

STATIC = {"aws_access_key_id": "AKIASTATIC", "aws_secret_access_key": KEYS["AKIASTATIC"]}
TOOLS = [{"type": "function", "function": {"name": "weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}}}]
CONVERSE_TOOLS = {"tools": [{"toolSpec": {"name": "weather", "inputSchema": {"json": {"type": "object"}}}}]}
MODEL = "anthropic.claude-3-haiku-20240307-v1:0"


@pytest.fixture(scope="module")
def shared_clouds():
    server = Clouds().start()
    yield server
    server.stop()


@pytest.fixture
def clouds(shared_clouds):
    shared_clouds.reset()
    yield shared_clouds


def route(name: str, path: str, provider: str, *, kind="chat", auth=None, options=None, llm_format=None, model=None) -> dict:
    config = {"route_type": f"llm/v1/{kind}", "auth": auth or {}, "model": {"provider": provider, "options": options or {}, **({"name": model} if model else {})}}
    if llm_format:
        config["llm_format"] = llm_format
    return {"name": name, "paths": [path], "strip_path": False, "plugins": [configuration.plugin("ai-proxy", **config)]}


def ollama_proxy(base: str) -> dict:
    model = {"provider": "ollama", "options": {"upstream_url": base}}
    return {**configuration.plugin("ai-proxy", route_type="llm/v1/chat", model=model), "_pellucid": {"llm_format": "ollama"}}


@pytest.fixture(scope="module")
def gateway(module_gateways, shared_clouds, shared_provider):
    base = shared_clouds.base
    bedrock = {"upstream_url": base, "bedrock": {"aws_region": REGION}}
    key = {"header_name": "Authorization", "header_value": "Bearer cohere-key"}
    openai_options = {"upstream_url": shared_provider.base + "/v1/chat/completions"}
    routes = [
        route("bedrock", "/bedrock/v1/chat/completions", "bedrock", auth=STATIC, options=bedrock),
        route("bedrock-native", "/model", "bedrock", auth=STATIC, options=bedrock, llm_format="bedrock"),
        route("bedrock-agents", "~/(rerank|retrieveAndGenerate(Stream)?)$", "bedrock", auth=STATIC, options=bedrock, llm_format="bedrock"),
        route("bedrock-across", "/across", "openai", options=openai_options, llm_format="bedrock"),
        route("cohere", "/cohere/v1/chat/completions", "cohere", auth=key, options={"upstream_url": base}),
        route("cohere-embeddings", "/cohere/v1/embeddings", "cohere", kind="embeddings", auth=key, options={"upstream_url": base}),
        route("cohere-native", "/v2", "cohere", auth=key, options={"upstream_url": base}, llm_format="cohere"),
        route("ollama", "/ollama/v1/chat/completions", "ollama", options={"upstream_url": base}),
        {**route("ollama-native", "/api", "ollama", options={"upstream_url": base}), "plugins": [ollama_proxy(base)]},
        route("ollama-embeddings", "/ollama/v1/embeddings", "ollama", kind="embeddings", options={"upstream_url": base}),
        route("text-generation", "/tgi", "huggingface", options={"upstream_url": base + "/tgi"}, llm_format="huggingface", model="m"),
        route("llama", "/llama/v1/chat/completions", "llama2", options={"upstream_url": base, "llama2_format": "ollama"}),
    ]
    return module_gateways({"services": [{"name": "llm", "url": base, "routes": routes}]})


def last_line(gateway, route_name: str) -> dict:
    lines = lambda: [line for line in gateway.audit.requests() if line.get("route", {}).get("name") == route_name]  # noqa: E731
    return until(lines, what="an audit line")[-1]


# OpenAI's client across

ACROSS = [("bedrock", MODEL), ("cohere", "command-a-03-2025"), ("ollama", "llama3.2"), ("llama", "llama2")]


@pytest.mark.parametrize(("name", "model"), ACROSS, ids=[name for name, _ in ACROSS])
class TestOpenAIClient:
    def client(self, client_of, gateway, name):
        return client_of(f"{gateway.url}/{name}/v1", key=None)

    def test_chat(self, gateway, clouds, client_of, name, model):
        answer = self.client(client_of, gateway, name).chat.completions.create(model=model, messages=[{"role": "user", "content": "Hi"}], max_tokens=9)
        assert answer.choices[0].message.content == ANSWER
        assert answer.choices[0].finish_reason == "stop"
        assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (11, 5)

    def test_stream(self, gateway, clouds, client_of, name, model):
        stream = self.client(client_of, gateway, name).chat.completions.create(
            model=model, messages=[{"role": "user", "content": "Hi"}], stream=True, stream_options={"include_usage": True}
        )
        chunks = list(stream)
        text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
        assert text.replace(" ", "") == ANSWER.replace(" ", "")
        assert [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices and chunk.choices[0].finish_reason] == ["stop"]
        assert chunks[-1].usage.total_tokens == 16

    @pytest.mark.parametrize("streams", [False, True])
    def test_tools(self, gateway, clouds, client_of, name, model, streams):
        request = {"model": model, "messages": [{"role": "user", "content": "weather?"}], "tools": TOOLS}
        client = self.client(client_of, gateway, name)
        if streams:
            pieces = [c.choices[0].delta.tool_calls[0] for c in client.chat.completions.create(**request, stream=True) if c.choices and c.choices[0].delta.tool_calls]
            called, arguments = pieces[0].function.name, "".join(piece.function.arguments or "" for piece in pieces)
        else:
            answer = client.chat.completions.create(**request)
            assert answer.choices[0].finish_reason == "tool_calls"
            called, arguments = answer.choices[0].message.tool_calls[0].function.name, answer.choices[0].message.tool_calls[0].function.arguments
        assert called == "weather"
        assert json.loads(arguments) == TOOL_INPUT

    def test_the_evidence_has_usage(self, gateway, clouds, client_of, name, model):
        self.client(client_of, gateway, name).chat.completions.create(model=model, messages=[{"role": "user", "content": "Hi"}])
        assert last_line(gateway, name)["usage"]["source"] == "provider_reported"


def test_an_error_of_bedrock_is_openais(gateway, clouds, client_of):
    client = client_of(f"{gateway.url}/bedrock/v1", key=None)
    with pytest.raises(openai.RateLimitError) as failure:
        client.chat.completions.create(model="status-429", messages=[{"role": "user", "content": "Hi"}])
    assert "refused with 429" in str(failure.value)
    assert failure.value.response.headers["retry-after"] == "7"


def test_an_exception_in_a_stream_of_bedrock_is_raised(gateway, clouds, client_of):
    client = client_of(f"{gateway.url}/bedrock/v1", key=None)
    with pytest.raises(openai.APIError, match="slow down, please"):
        list(client.chat.completions.create(model="throttled", messages=[{"role": "user", "content": "Hi"}], stream=True))


def test_an_error_of_ollama_is_openais(gateway, clouds, client_of):
    with pytest.raises(openai.NotFoundError, match="model 'missing' not found"):
        client_of(f"{gateway.url}/ollama/v1", key=None).chat.completions.create(model="missing", messages=[{"role": "user", "content": "Hi"}])


@pytest.mark.parametrize("name", ["cohere", "ollama"])
def test_embeddings(gateway, clouds, client_of, name):
    answer = client_of(f"{gateway.url}/{name}/v1", key=None).embeddings.create(model="embed", input=["a", "b"])
    assert [list(item.embedding) for item in answer.data] == [[0.25, -0.5, 0.75]] * 2
    assert answer.usage.prompt_tokens == 10


# boto3


def boto(gateway, prefix="", service="bedrock-runtime"):
    return boto3.client(
        service,
        endpoint_url=gateway.url + prefix,
        region_name="us-west-2",
        aws_access_key_id="AKIACLIENT",
        aws_secret_access_key="client-secret",
        config=botocore.config.Config(retries={"total_max_attempts": 1}),
    )


@pytest.mark.parametrize(("prefix", "model"), [("", MODEL), ("/across", "gpt-fake")], ids=["natively", "on an OpenAI model"])
class TestBoto3:
    def test_converse(self, gateway, clouds, provider, prefix, model):
        answer = boto(gateway, prefix).converse(
            modelId=model, messages=[{"role": "user", "content": [{"text": "Hi"}]}], system=[{"text": "brief"}], inferenceConfig={"maxTokens": 9}
        )
        assert answer["output"]["message"]["content"][0]["text"] == ANSWER
        assert answer["stopReason"] == "end_turn"
        assert answer["usage"]["inputTokens"] == 11

    def test_converse_stream(self, gateway, clouds, provider, prefix, model):
        answer = boto(gateway, prefix).converse_stream(modelId=model, messages=[{"role": "user", "content": [{"text": "Hi"}]}])
        events = list(answer["stream"])
        text = "".join(event["contentBlockDelta"]["delta"].get("text", "") for event in events if "contentBlockDelta" in event)
        assert text.replace(" ", "") == ANSWER.replace(" ", "")
        assert next(event["messageStop"]["stopReason"] for event in events if "messageStop" in event) == "end_turn"
        assert next(event["metadata"]["usage"]["inputTokens"] for event in events if "metadata" in event) == 11

    def test_tools(self, gateway, clouds, provider, prefix, model):
        answer = boto(gateway, prefix).converse(modelId=model, messages=[{"role": "user", "content": [{"text": "weather?"}]}], toolConfig=CONVERSE_TOOLS)
        use = answer["output"]["message"]["content"][0]["toolUse"]
        assert (use["name"], use["input"]) == ("weather", TOOL_INPUT)
        assert answer["stopReason"] == "tool_use"


def test_a_clients_own_signature_stays_with_the_gateway(gateway, clouds):
    boto(gateway).converse(modelId=MODEL, messages=[{"role": "user", "content": [{"text": "Hi"}]}])
    sent = clouds.last()
    assert "AKIACLIENT" not in str(sent.headers)
    assert sent.header_names().count("authorization") == 1


def test_invoke_model_passes_untranslated(gateway, clouds):
    answer = boto(gateway).invoke_model(modelId=MODEL, body=b'{"prompt": "Hi", "own": true}')
    assert b"completion" in answer["body"].read()
    assert clouds.last().json == {"prompt": "Hi", "own": True}
    assert clouds.last().path == f"/model/{MODEL}/invoke"


ARN = "arn:aws:bedrock:us-west-2::foundation-model/"
QUESTION = {
    "input": {"text": "Hi"},
    "retrieveAndGenerateConfiguration": {"type": "KNOWLEDGE_BASE", "knowledgeBaseConfiguration": {"knowledgeBaseId": "KB12345678", "modelArn": ARN + MODEL}},
}


def rerank(agents) -> list:
    source = {"type": "INLINE", "inlineDocumentSource": {"type": "TEXT", "textDocument": {"text": "x"}}}
    configuration = {"modelConfiguration": {"modelArn": ARN + "cohere.rerank-v3-5:0"}, "numberOfResults": 2}
    return agents.rerank(
        queries=[{"type": "TEXT", "textQuery": {"text": "q"}}], sources=[source, source],
        rerankingConfiguration={"type": "BEDROCK_RERANKING_MODEL", "bedrockRerankingConfiguration": configuration},
    )["results"]


def test_knowledge_bases_and_reranking(gateway, clouds):
    agents = boto(gateway, service="bedrock-agent-runtime")
    assert agents.retrieve_and_generate(**QUESTION)["output"]["text"] == ANSWER
    line = last_line(gateway, "bedrock-agents")
    assert line["usage"]["source"] == "none" and line["tries"][0]["code"] == 200
    stream = agents.retrieve_and_generate_stream(**QUESTION)
    assert "".join(event["output"]["text"] for event in stream["stream"] if "output" in event) == ANSWER
    assert [result["index"] for result in rerank(agents)] == [0, 1]
    assert clouds.last().path == "/rerank" and "AKIACLIENT" not in str(clouds.last().headers)


def test_reranking_is_bedrocks_alone(gateway, clouds, provider):
    with pytest.raises(botocore.exceptions.ClientError, match="only served by providers that speak bedrock") as failure:
        rerank(boto(gateway, "/across", "bedrock-agent-runtime"))
    assert failure.value.response["ResponseMetadata"]["HTTPStatusCode"] == 404


def test_an_error_is_boto3s(gateway, clouds):
    with pytest.raises(botocore.exceptions.ClientError) as failure:
        boto(gateway).converse(modelId="status-429", messages=[{"role": "user", "content": [{"text": "Hi"}]}])
    assert failure.value.response["ResponseMetadata"]["HTTPStatusCode"] == 429
    assert "refused with 429" in str(failure.value)


# Hugging Face's client


def test_text_generation(gateway, clouds):
    client = huggingface_hub.InferenceClient(model=f"{gateway.url}/tgi", token="client-side-key", timeout=30)
    answer = client.text_generation("Hi", details=True, max_new_tokens=9)
    assert answer.generated_text == ANSWER
    assert clouds.last().json["parameters"]["max_new_tokens"] == 9
    pieces = list(client.text_generation("Hi", details=True, stream=True))
    assert "".join(piece.token.text for piece in pieces).strip() == ANSWER
    assert pieces[-1].details.generated_tokens == 5


# Ollama's client


def test_ollama_natively(gateway, clouds):
    client = ollama.Client(host=gateway.url, timeout=30)
    pieces = list(client.chat(model="llama3.2", messages=[{"role": "user", "content": "Hi"}], stream=True))
    assert "".join(piece.message.content for piece in pieces).strip() == ANSWER and pieces[-1].eval_count == 5
    line = last_line(gateway, "ollama-native")
    assert line["usage"] | {"source": "provider_reported", "input_tokens": 11, "output_tokens": 5} == line["usage"]
    assert client.embed(model="embed", input=["a", "b"]).embeddings == [[0.25, -0.5, 0.75]] * 2
    assert clouds.last().path == "/api/embed"
    with pytest.raises(ollama.ResponseError, match="model 'missing' not found"):
        client.chat(model="missing", messages=[{"role": "user", "content": "Hi"}])


# Cohere's client


@pytest.fixture
def cohere_client(gateway):
    return cohere.ClientV2(api_key="client-side-key", base_url=gateway.url, timeout=30)


def test_cohere_chat(clouds, cohere_client):
    answer = cohere_client.chat(model="command-a-03-2025", messages=[{"role": "user", "content": "Hi"}])
    assert answer.message.content[0].text == ANSWER
    assert answer.usage.billed_units.input_tokens == 11


def test_cohere_stream(clouds, cohere_client):
    events = list(cohere_client.chat_stream(model="command-a-03-2025", messages=[{"role": "user", "content": "Hi"}]))
    text = "".join(event.delta.message.content.text for event in events if event.type == "content-delta")
    assert text.strip() == ANSWER
    assert events[-1].type == "message-end"


def test_cohere_embed_and_rerank(clouds, cohere_client):
    vectors = cohere_client.embed(model="embed-v4.0", texts=["a", "b"], input_type="search_query", embedding_types=["float"])
    assert vectors.embeddings.float_ == [[0.25, -0.5, 0.75]] * 2
    ranked = cohere_client.rerank(model="rerank-v3.5", query="q", documents=["x", "y"])
    assert [result.index for result in ranked.results] == [0, 1]
