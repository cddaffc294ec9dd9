"""OpenAI's videos on models of Veo and Bedrock, through the official client: made, looked at and fetched, and nothing remembered between."""

import json

import httpx
import openai
import pytest
from support.clouds import KEYS, REGION
from support.configuration import plugin
from support.resources import ARN, CONTENT, GEMINI_KEY, MODEL
from support.waiting import until
from test_resources import server, service_account, shared_server  # noqa: F401  (fixtures)

PIXEL = bytes.fromhex("89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c63f8cfc0f01f00050001ff56a5aeb30000000049454e44ae426082")


@pytest.fixture(scope="module")
def gateway(module_gateways, shared_server):
    base = shared_server.base
    vertex = {"upstream_url": base, "gemini": {"api_endpoint": "unused.test", "project_id": "own", "location_id": "eu-1"}}
    bedrock = {"upstream_url": base, "bedrock": {"aws_region": REGION, "video_output_s3_uri": "s3://bucket/videos"}}
    makers = {
        "veo": ({"header_name": "x-goog-api-key", "header_value": GEMINI_KEY}, {"provider": "gemini", "name": MODEL, "options": {"upstream_url": base}}),
        "query": ({"param_name": "key", "param_value": GEMINI_KEY, "param_location": "query"}, {"provider": "gemini", "options": {"upstream_url": base}}),
        "vertex": ({"gcp_use_service_account": True, "gcp_service_account_json": service_account(base)}, {"provider": "gemini", "name": MODEL, "options": vertex}),
        "reel": ({"aws_access_key_id": "AKIASTATIC", "aws_secret_access_key": KEYS["AKIASTATIC"]}, {"provider": "bedrock", "options": bedrock}),
    }
    routes = [
        {"name": name, "paths": [f"/{name}/v1/videos"], "strip_path": False, "plugins": [plugin("ai-proxy", route_type="video/v1/videos/generations", auth=auth, model=model, logging={"log_statistics": True})]}
        for name, (auth, model) in makers.items()
    ]
    return module_gateways({"services": [{"name": "llm", "url": base, "routes": routes}]})


def client(gateway, name) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{gateway.url}/{name}/v1", api_key="client-secret", max_retries=0, timeout=30)


@pytest.mark.parametrize("name", ["veo", "query", "vertex"])
def test_a_video_from_the_prompt_to_its_content(gateway, server, name):
    with client(gateway, name) as videos:
        made = videos.videos.create(model=MODEL, prompt="say-hi-privately", seconds="8", size="1280x720")
        sent = server.last().json
        assert sent == {"instances": [{"prompt": "say-hi-privately"}], "parameters": {"sampleCount": 1, "durationSeconds": 8, "aspectRatio": "16:9"}}
        assert (made.object, made.status, made.seconds, made.size, made.model) == ("video", "in_progress", "8", "1280x720", MODEL)
        with pytest.raises(openai.NotFoundError, match="not ready"):
            videos.videos.download_content(made.id)
        looked = videos.videos.retrieve(made.id)
        assert (looked.status, looked.progress, looked.created_at, looked.seconds) == ("completed", 100, made.created_at, "8")
        assert videos.videos.download_content(made.id).read() == CONTENT
    assert not any("client-secret" in f"{one.headers}{one.query}" for one in server.requests)
    lines = until(lambda: [line for line in gateway.audit.requests() if line["route"]["name"] == name], what="an audit line")
    assert {line["ai"]["proxy"]["meta"]["request_model"] for line in lines} == {MODEL} and "say-hi-privately" not in str(lines)


def test_a_picture_to_begin_with(gateway, server):
    with client(gateway, "veo") as videos:
        videos.videos.create(prompt="a cat", input_reference=("a.png", PIXEL, "image/png"), extra_body={"negativePrompt": "dogs"})
    sent = server.last().json
    assert sent["instances"][0]["image"]["mimeType"] == "image/png" and sent["parameters"] == {"sampleCount": 1, "negativePrompt": "dogs"}


def test_bedrock_puts_videos_where_the_gateway_has_no_access(gateway, server):
    with client(gateway, "reel") as videos:
        made = videos.videos.create(model="amazon.nova-reel-v1:1", prompt="a cat", seconds="6")
        assert server.last().json == {
            "modelId": "amazon.nova-reel-v1:1",
            "modelInput": {"taskType": "TEXT_VIDEO", "textToVideoParams": {"text": "a cat"}, "videoGenerationConfig": {"durationSeconds": 6, "fps": 24, "dimension": "1280x720"}},
            "outputDataConfig": {"s3OutputDataConfig": {"s3Uri": "s3://bucket/videos"}},
        }
        assert made.status == "queued"
        assert videos.videos.retrieve(made.id).status == "completed" and ARN.split("/")[1] in server.last().path
        with pytest.raises(openai.BadRequestError, match="s3://bucket/videos/output.mp4"):
            videos.videos.download_content(made.id)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "", 404), ("DELETE", "/video_x", 404), ("GET", "/video_x", 404), ("POST", "/video_x/remix", 404), ("GET", "/../../v1beta/files", 404),
        ("GET", "/video_" + "Li4vLi4KYQoKCjE", 404),
    ],
)  # fmt: skip
def test_what_is_no_video_reaches_nobody(gateway, server, method, path, status):
    answer = httpx.request(method, f"{gateway.url}/veo/v1/videos{path}", json={"prompt": "x"} if method == "POST" else None)
    assert answer.status_code == status and server.requests == []


def test_another_model_than_the_configured(gateway, server):
    with client(gateway, "veo") as videos, pytest.raises(openai.BadRequestError, match="cannot use own model"):
        videos.videos.create(model="sora-2", prompt="a cat")
    with client(gateway, "query") as videos:
        made = videos.videos.create(model="veo-other", prompt="a cat")
    with client(gateway, "veo") as videos, pytest.raises(openai.NotFoundError):
        videos.videos.retrieve(made.id)
    assert json.dumps(made.model_dump()).count(GEMINI_KEY) == 0
