"""OpenAI's operations beside chat, through the official client: untranslated, with the gateway's key and evidence."""

import httpx
import openai
import pytest

from support import operations
from support.configuration import plugin
from support.ports import free_port
from support.waiting import until

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
    fixed = plugin(
        "ai-proxy", route_type="audio/v1/audio/transcriptions", auth={"header_name": "Authorization", "header_value": "Bearer sk-up"}, logging={"log_statistics": True},
        max_request_body_size=100_000, model={"provider": "openai", "name": "whisper-1", "options": {"upstream_url": f"{shared_provider.base}/v1/audio/transcriptions"}},
    )
    routes.append({"name": "fixed", "paths": ["/fixed/v1/audio/transcriptions"], "plugins": [fixed]})
    for path in ("audio/transcriptions", "responses", "files"):
        routes.append({"name": f"balanced-{path.replace('/', '-')}", "paths": [f"/balanced/v1/{path}"], "plugins": [balanced(shared_provider.base, path)]})
    return module_gateways({"services": [{"name": "llm", "url": shared_provider.base, "routes": routes}]})


def balanced(base: str, path: str) -> dict:
    """Two targets, one of which nobody listens at."""
    targets = [
        {
            "route_type": ROUTES[path], "auth": {"header_name": "Authorization", "header_value": "Bearer sk-up"}, "logging": {"log_statistics": True},
            "model": {"provider": "openai", "options": {"upstream_url": f"{url}/v1/{path}"}, **({} if path == "files" else {"name": name})},
        }
        for url, name in ((f"http://127.0.0.1:{free_port()}", "dead-model"), (base, "live-model"))
    ]
    return plugin("ai-proxy-advanced", balancer={"algorithm": "round-robin", "failover_criteria": ["error", "timeout"]}, targets=targets)


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


class TestForms:
    """The model of a transcription stands in a form."""

    def test_the_model_is_taken_down(self, client, gateway):
        client.audio.transcriptions.create(model="whisper", file=("a.mp3", operations.SOUND))

        def models():
            return [line["ai"]["proxy"]["meta"]["request_model"] for line in gateway.audit.requests() if line["route"]["name"] == "audio-transcriptions"]

        assert set(until(models, what="the audit line")) == {"whisper"}

    def test_what_is_too_large_to_be_read_passes_as_it_is(self, client, provider):
        sound = operations.SOUND * (2_000_000 // len(operations.SOUND))
        assert client.audio.transcriptions.create(model="whisper", file=("a.mp3", sound)).text == "Hello"
        assert sound in provider.last().body

    @pytest.fixture
    def fixed(self, gateway, provider):
        with openai.OpenAI(base_url=f"{gateway.url}/fixed/v1", api_key="client", max_retries=0, timeout=30) as client:
            yield client

    def test_the_configured_model_is_put_in(self, fixed, gateway, provider):
        with httpx.Client() as http:
            answer = http.post(f"{gateway.url}/fixed/v1/audio/transcriptions", files={"file": ("a.mp3", operations.SOUND)})
        assert answer.json()["text"] == "Hello"
        sent = provider.last()
        assert b'name="model"\r\n\r\nwhisper-1\r\n' in sent.body and operations.SOUND in sent.body
        assert fixed.audio.transcriptions.create(model="whisper-1", file=("a.mp3", operations.SOUND)).text == "Hello"
        assert provider.last().body.count(b"whisper-1") == 1

    def test_another_model_is_refused(self, fixed):
        with pytest.raises(openai.BadRequestError) as caught:
            fixed.audio.transcriptions.create(model="other", file=("a.mp3", operations.SOUND))
        assert caught.value.body["param"] == "model" and "must be: whisper-1" in caught.value.body["message"]

    def test_a_form_that_cannot_be_read_whole_is_refused(self, fixed, gateway):
        with pytest.raises(openai.APIStatusError) as caught:
            fixed.audio.transcriptions.create(model="whisper-1", file=("a.mp3", b"0" * 200_000))
        assert caught.value.status_code == 413 and "max_request_body_size" in caught.value.body["message"]
        answer = httpx.post(f"{gateway.url}/fixed/v1/audio/transcriptions", content=b"--b\r\nbroken", headers={"content-type": "multipart/form-data; boundary=b"})
        assert answer.status_code == 400 and answer.json()["error"]["code"] == "invalid_form"


class TestBalanced:
    """The same operations over several targets: what fails on one goes to the next, with its own model."""

    @pytest.fixture
    def client(self, gateway, provider):
        with openai.OpenAI(base_url=f"{gateway.url}/balanced/v1", api_key="client", max_retries=0, timeout=30) as client:
            yield client
        assert provider.last().header("authorization") == "Bearer sk-up"

    def test_forms(self, client, gateway, provider):
        for _ in range(4):
            with httpx.Client() as http:
                answer = http.post(f"{gateway.url}/balanced/v1/audio/transcriptions", files={"file": ("a.mp3", operations.SOUND)})
            assert answer.json()["text"] == "Hello"
            sent = provider.last()
            assert b"live-model" in sent.body and b"dead-model" not in sent.body and operations.SOUND in sent.body
        assert client.audio.transcriptions.create(model="live-model", file=("a.mp3", operations.SOUND)).text == "Hello"
        with pytest.raises(openai.BadRequestError) as caught:
            client.audio.transcriptions.create(model="other", file=("a.mp3", operations.SOUND))
        assert caught.value.body["param"] == "model"

    def test_what_is_there_is_asked_for_without_a_body(self, client, provider):
        for _ in range(3):
            assert client.responses.create(model="live-model", input="Say hello").output_text == "Hello"
            assert client.responses.retrieve("resp_1").status == "completed"
            assert provider.last().path == "/v1/responses/resp_1"

    def test_uploads(self, client, provider):
        assert client.files.create(file=("a.jsonl", b'{"x": 1}\n'), purpose="batch").id == "file-1"
        assert b'{"x": 1}' in provider.last().body
        assert [file.id for file in client.files.list()] == ["file-1"]
        assert client.files.delete("file-1").deleted
