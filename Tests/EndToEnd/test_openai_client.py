"""The official OpenAI client, through the gateway, notices nothing of it."""

import asyncio
import json

import openai
import pytest
import requests

from support import names
from support.configuration import CLIENT_KEY, UPSTREAM_KEY, consumer, key_auth, llm_service
from support.provider import ANSWER, PROMPT_TOKENS
from support.waiting import until

TOOLS = [
    {
        "type": "function",
        "function": {"name": "weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}},
    }
]
HELLO = [{"role": "user", "content": "Say hello – grüß Gott, 你好"}]


@pytest.fixture(scope="module")
def gateway(module_gateways, shared_provider):
    base = shared_provider.base
    return module_gateways(
        {
            "services": [
                llm_service(base, prefix="/openai", name="openai"),
                llm_service(base, prefix="/large", name="large", max_request_body_size=4 << 20),
                llm_service("http://127.0.0.1:9", prefix="/down", name="down"),
            ],
            "consumers": [consumer()],
            "plugins": [key_auth()],
        }
    )


@pytest.fixture
def client(gateway, client_of, provider):
    return client_of(f"{gateway.url}/openai/v1")


def test_chat(client, provider):
    answer = client.chat.completions.create(model="gpt-fake", messages=HELLO, temperature=0.5)
    assert answer.choices[0].message.content == ANSWER
    assert answer.usage.prompt_tokens == PROMPT_TOKENS
    seen = provider.last()
    assert seen.path == "/v1/chat/completions"
    assert seen.json["messages"] == HELLO and seen.json["temperature"] == 0.5 and seen.json["model"] == "gpt-fake"


def test_the_upstream_gets_its_own_credential_and_not_the_clients(client, provider):
    client.chat.completions.create(model="gpt-fake", messages=HELLO)
    seen = provider.last()
    assert seen.header("authorization") == f"Bearer {UPSTREAM_KEY}"
    assert "apikey" not in seen.header_names()
    assert "client-side-key" not in str(seen.headers)


def test_the_model_is_named_in_a_response_header(client):
    raw = client.chat.completions.with_raw_response.create(model="gpt-fake", messages=HELLO)
    assert raw.headers["x-kong-llm-model"] == "openai/gpt-fake"
    assert raw.headers["x-kong-request-id"]


def test_a_stream_arrives_piece_by_piece(client, provider):
    stream = client.chat.completions.create(model="gate", messages=HELLO, stream=True)
    first = next(stream)
    assert first.choices[0].delta.content == "Hello "
    assert provider.last().finished is None, "the provider still holds the rest back"
    provider.release()
    rest = [chunk.choices[0].delta.content or "" for chunk in stream]
    assert "Hello " + "".join(rest) == ANSWER


def test_a_stream_without_usage_asked_shows_none_although_the_gateway_asks_for_it(client, provider):
    chunks = list(client.chat.completions.create(model="tokens-5", messages=HELLO, stream=True))
    assert all(chunk.choices for chunk in chunks)
    assert all(chunk.usage is None for chunk in chunks)
    assert provider.last().json["stream_options"]["include_usage"] is True


def test_a_stream_with_usage_asked_ends_with_it(client):
    chunks = list(client.chat.completions.create(model="tokens-5", messages=HELLO, stream=True, stream_options={"include_usage": True}))
    assert chunks[-1].choices == [] and chunks[-1].usage.completion_tokens == 5
    assert "".join(c.choices[0].delta.content or "" for c in chunks[:-1]) == "t0 t1 t2 t3 t4 "


def test_tool_calls(client, provider):
    answer = client.chat.completions.create(model="gpt-fake", messages=HELLO, tools=TOOLS)
    call = answer.choices[0].message.tool_calls[0]
    assert call.function.name == "weather" and json.loads(call.function.arguments) == {"city": "Łódź"}
    assert provider.last().json["tools"] == TOOLS


def test_tool_calls_in_a_stream(client):
    arguments = ""
    for chunk in client.chat.completions.create(model="gpt-fake", messages=HELLO, tools=TOOLS, stream=True):
        for call in chunk.choices[0].delta.tool_calls or []:
            arguments += call.function.arguments or ""
    assert json.loads(arguments) == {"city": "Łódź"}


def test_completions(client):
    answer = client.completions.create(model="gpt-fake", prompt="Say hello")
    assert answer.choices[0].text == ANSWER


def test_streamed_completions(client):
    chunks = list(client.completions.create(model="tokens-3", prompt="Count", stream=True))
    assert "".join(chunk.choices[0].text for chunk in chunks) == "t0 t1 t2 "


@pytest.mark.parametrize("encoding", ["float", "base64"])
def test_embeddings(client, encoding):
    answer = client.embeddings.create(model="embed-fake", input=["one", "two"], encoding_format=encoding)
    assert len(answer.data) == 2
    if encoding == "float":
        assert answer.data[0].embedding == [0.25, -0.5, 0.75]


def test_embeddings_with_the_clients_defaults(client):
    assert list(client.embeddings.create(model="embed-fake", input="one").data[0].embedding) == [0.25, -0.5, 0.75]


@pytest.mark.parametrize(
    ("status", "exception"),
    [
        (400, openai.BadRequestError),
        (401, openai.AuthenticationError),
        (403, openai.PermissionDeniedError),
        (404, openai.NotFoundError),
        (422, openai.UnprocessableEntityError),
        (429, openai.RateLimitError),
        (500, openai.InternalServerError),
        (503, openai.InternalServerError),
    ],
)
@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
def test_provider_errors_reach_the_client_as_its_own_exceptions(client, status, exception, stream):
    with pytest.raises(exception) as caught:
        client.chat.completions.create(model=f"status-{status}", messages=HELLO, stream=stream)
    assert caught.value.status_code == status
    assert f"refused with {status} as asked" in str(caught.value)
    if status == 429:
        assert caught.value.response.headers["retry-after"] == "7"


def test_an_upstream_that_is_down_is_a_bad_gateway(gateway, client_of):
    with pytest.raises(openai.InternalServerError) as caught:
        client_of(f"{gateway.url}/down/v1").chat.completions.create(model="gpt-fake", messages=HELLO)
    assert caught.value.status_code in names.BAD_GATEWAY


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
def test_half_a_json_document_from_the_provider_does_not_hurt_the_gateway(client, gateway, stream):
    answer = requests.post(
        f"{gateway.url}/openai/v1/chat/completions",
        json={"model": "garbage", "messages": HELLO, "stream": stream},
        headers={"apikey": CLIENT_KEY},
        timeout=10,
    )
    # Passed through as it came, or refused; never mended.
    assert (answer.status_code, answer.content) == (200, b'{"id": "broken", "choices": [') or answer.status_code == 502
    assert client.chat.completions.create(model="gpt-fake", messages=HELLO).choices[0].message.content == ANSWER


def test_a_stream_cut_by_the_provider_is_not_passed_off_as_complete(client):
    stream = client.chat.completions.create(model="cut-3", messages=HELLO, stream=True)
    seen = []
    with pytest.raises(openai.APIError):
        for chunk in stream:
            seen.append(chunk)
    assert not any(chunk.choices and chunk.choices[0].finish_reason for chunk in seen)


def test_without_a_key_the_client_is_not_authenticated(gateway, client_of):
    with pytest.raises(openai.AuthenticationError) as caught:
        client_of(f"{gateway.url}/openai/v1", key=None).chat.completions.create(model="gpt-fake", messages=HELLO)
    assert names.NO_API_KEY in caught.value.response.text


def test_invalid_json_gets_a_400_that_says_where(gateway, provider):
    answer = requests.post(
        f"{gateway.url}/openai/v1/chat/completions",
        data=b'{"model": "gpt-fake", "messages": [}',
        headers={"apikey": CLIENT_KEY, "Content-Type": "application/json"},
        timeout=10,
    )
    assert answer.status_code == 400
    assert not provider.requests
    assert any(character.isdigit() for character in answer.json().get("message", "") or str(answer.json()["error"]))


def large_prompt(mebibytes: int) -> list:
    return [{"role": "user", "content": "long prompt " * (mebibytes * 1024 * 1024 // 12)}]


def test_a_prompt_of_two_mebibytes_passes_where_it_is_allowed(gateway, client_of, provider):
    prompt = large_prompt(2)
    answer = client_of(f"{gateway.url}/large/v1").chat.completions.create(model="gpt-fake", messages=prompt)
    assert answer.choices[0].message.content == ANSWER
    assert provider.last().json["messages"] == prompt


def test_a_prompt_of_two_mebibytes_is_clearly_refused_by_default(client, provider):
    with pytest.raises(openai.APIStatusError) as caught:
        client.chat.completions.create(model="gpt-fake", messages=large_prompt(2))
    assert caught.value.status_code in names.TOO_LARGE
    assert any(word in caught.value.response.text.lower() for word in ("max_request_body_size", "too large", "exceeds", "larger than"))
    assert not provider.requests


def test_an_answer_of_eight_mebibytes_arrives_whole(client):
    answer = client.chat.completions.create(model=f"huge-{8 << 20}", messages=HELLO)
    assert len(answer.choices[0].message.content) == 8 << 20


def test_closing_a_stream_cancels_the_provider_at_once(client, provider):
    stream = client.chat.completions.create(model="gate", messages=HELLO, stream=True)
    next(stream)
    record = provider.last()
    stream.close()
    until(lambda: record.cancelled, timeout=3, what="the cancellation at the provider")


async def test_two_hundred_streams_at_once(gateway, shared_provider):
    async with openai.AsyncOpenAI(
        base_url=f"{gateway.url}/openai/v1", api_key="unused", default_headers={"apikey": CLIENT_KEY}, max_retries=0, timeout=60
    ) as client:

        async def read(number: int) -> str:
            stream = await client.chat.completions.create(model="slow-20-20", messages=[{"role": "user", "content": f"stream {number}"}], stream=True)
            return "".join([chunk.choices[0].delta.content or "" async for chunk in stream])

        texts = await asyncio.gather(*(read(number) for number in range(200)))
    assert texts == ["".join(f"t{n} " for n in range(20))] * 200
    assert gateway.metrics().values(names.UNACCOUNTED)


class TestWithoutAFile:
    """Keys in the environment, no configuration: providers are served at /v1 as `provider/model`."""

    @pytest.fixture(scope="class")
    def gateway(self, module_gateways, shared_provider):
        return module_gateways(environment={"OPENAI_API_KEY": UPSTREAM_KEY, "OPENAI_BASE_URL": f"{shared_provider.base}/v1"})

    @pytest.fixture
    def client(self, gateway, client_of, provider):
        return client_of(f"{gateway.url}/v1", key=None)

    def test_chat_by_provider_and_model(self, client, provider):
        answer = client.chat.completions.create(model="openai/gpt-fake", messages=HELLO)
        assert answer.choices[0].message.content == ANSWER
        assert provider.last().json["model"] == "gpt-fake"
        assert provider.last().header("authorization") == f"Bearer {UPSTREAM_KEY}"

    def test_streams(self, client):
        chunks = client.chat.completions.create(model="openai/tokens-2", messages=HELLO, stream=True)
        assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == "t0 t1 "

    def test_embeddings(self, client):
        assert client.embeddings.create(model="openai/embed-fake", input="one").data

    def test_completions(self, client):
        assert client.completions.create(model="openai/gpt-fake", prompt="Say hello").choices[0].text == ANSWER

    def test_models_are_listed(self, client):
        assert any(model.id.startswith("openai/") for model in client.models.list())

    def test_a_server_of_ones_own_needs_no_key(self, gateways, client_of, shared_provider, provider):
        gateway = gateways(environment={"OLLAMA_BASE_URL": f"{shared_provider.base}/v1", "VLLM_BASE_URL": f"{shared_provider.base}/v1", "VLLM_API_KEY": "vllm-key"})
        client = client_of(f"{gateway.url}/v1", key=None)
        assert client.chat.completions.create(model="ollama/gpt-fake", messages=HELLO).choices[0].message.content == ANSWER
        assert provider.last().header("authorization") is None
        assert client.chat.completions.create(model="vllm/gpt-fake", messages=HELLO).choices[0].message.content == ANSWER
        assert provider.last().header("authorization") == "Bearer vllm-key"
        assert {model.id.split("/")[0] for model in client.models.list()} == {"ollama", "vllm"}

    def test_an_unknown_provider_is_refused_by_name(self, client):
        with pytest.raises(openai.APIStatusError) as caught:
            client.chat.completions.create(model="nowhere/gpt", messages=HELLO)
        assert caught.value.status_code in (400, 404) and "nowhere" in caught.value.response.text

    def test_another_address_than_the_loopback_needs_a_key(self, gateways):
        gateway = gateways(environment={"OPENAI_API_KEY": UPSTREAM_KEY}, arguments=["--proxy-listen", "0.0.0.0:0"], wait=False)
        gateway.wait_for_failure()
        assert "PELLUCID_API_KEY" in gateway.stderr


def test_a_client_that_leaves_behind_the_end_marker_has_been_served(gateways, provider):
    """The SDK closes the connection at [DONE], before the message's own end: nothing is missing, so nothing was cancelled."""
    gateway = gateways({"services": [llm_service(provider.base)]})
    with openai.OpenAI(base_url=f"{gateway.url}/v1", api_key="unused", max_retries=0) as sdk:
        assert len(list(sdk.chat.completions.create(model="tokens-7", messages=HELLO, stream=True))) > 7
    line = gateway.audit.wait_for_requests(1)[0]
    assert (line["outcome"], line["response"]["status"], line.get("error_type")) == ("passed", 200, None)
    assert gateway.metrics().total("gen_ai_server_time_to_first_token_seconds_count") == 1
