"""OpenAI's operations beside chat, through the official client: untranslated, with the gateway's key and evidence."""

import openai
import pytest

from support import operations
from support.configuration import plugin

ROUTES = {
    "responses": "llm/v1/responses", "files": "llm/v1/files", "batches": "llm/v1/batches", "images/generations": "image/v1/images/generations",
    "audio/transcriptions": "audio/v1/audio/transcriptions", "audio/speech": "audio/v1/audio/speech",
}


@pytest.fixture(scope="module")
def gateway(module_gateways, shared_provider):
    routes = []
    for path, kind in ROUTES.items():
        config = plugin(
            "ai-proxy", route_type=kind, auth={"header_name": "Authorization", "header_value": "Bearer sk-up"}, logging={"log_statistics": True},
            model={"provider": "openai", "options": {"upstream_url": f"{shared_provider.base}/v1/{path}"}},
        )
        routes.append({"name": path.replace("/", "-"), "paths": [f"/v1/{path}"], "plugins": [config]})
    return module_gateways({"services": [{"name": "llm", "url": shared_provider.base, "routes": routes}]})


@pytest.fixture
def client(gateway, provider):
    with openai.OpenAI(base_url=f"{gateway.url}/v1", api_key="client", max_retries=0, timeout=30) as client:
        yield client
    assert provider.last().header("authorization") == "Bearer sk-up"


def test_responses(client, provider):
    answer = client.responses.create(model="gpt-fake", input="Say hello")
    assert answer.output_text == "Hello" and answer.usage.output_tokens == 5
    assert client.responses.retrieve("resp_1").status == "completed"
    assert provider.last().path == "/v1/responses/resp_1"


def test_a_stream_of_responses(client):
    events = list(client.responses.create(model="gpt-fake", input="Say hello", stream=True))
    assert [event.type for event in events] == ["response.created", "response.output_text.delta", "response.completed"]


def test_files_and_batches(client, provider):
    assert client.files.create(file=("a.jsonl", b'{"x": 1}\n'), purpose="batch").id == "file-1"
    upload = provider.last()
    assert upload.header("content-type").startswith("multipart/form-data") and b'{"x": 1}' in upload.body
    assert [file.id for file in client.files.list(purpose="batch")] == ["file-1"]
    assert provider.last().query == {"purpose": "batch"}
    assert client.files.content("file-1").read() == b"abc"
    assert client.files.delete("file-1").deleted
    assert client.batches.create(input_file_id="file-1", endpoint="/v1/chat/completions", completion_window="24h").id == "batch_1"
    assert client.batches.cancel("batch_1").id == "batch_1"
    assert provider.last().path == "/v1/batches/batch_1/cancel"


def test_images(client):
    assert client.images.generate(model="gpt-image", prompt="a cat").data[0].b64_json == "AAAA"


def test_sound_in_and_out(client, provider):
    assert client.audio.transcriptions.create(model="whisper", file=("a.mp3", operations.SOUND)).text == "Hello"
    assert operations.SOUND in provider.last().body
    assert client.audio.speech.create(model="tts", voice="alloy", input="Hello").read() == operations.SOUND
