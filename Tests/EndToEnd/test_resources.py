"""Vendors' own APIs beside prompts through the vendors' clients: batches, files, videos and jobs pass with the gateway's credentials, and stay at the gateway."""

import io
import json

import anthropic
import boto3
import botocore.config
import botocore.exceptions
import httpx
import pytest
from google import genai
from google.genai import errors, types

from support.clouds import KEYS, REGION
from support.configuration import plugin
from support.resources import ANTHROPIC_KEY, ARN, CONTENT, GEMINI_KEY, JOB, MODEL, Resources
from support.waiting import until

STATIC = {"aws_access_key_id": "AKIASTATIC", "aws_secret_access_key": KEYS["AKIASTATIC"]}
SECRETS = [ANTHROPIC_KEY, GEMINI_KEY, KEYS["AKIASTATIC"], "client-secret", "say-hi-privately"]


@pytest.fixture(scope="module")
def shared_server():
    server = Resources().start()
    yield server
    server.stop()


@pytest.fixture
def server(shared_server):
    shared_server.reset()
    yield shared_server


def route(name: str, path: str, kind: str, llm_format: str, auth: dict, model: dict, **more) -> dict:
    config = {"route_type": kind, "llm_format": llm_format, "auth": auth, "model": model, "logging": {"log_statistics": True}, **more}
    return {"name": name, "paths": [path], "strip_path": False, "plugins": [plugin("ai-proxy", **config)]}


def service_account(base: str) -> str:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()).decode()
    return json.dumps({"type": "service_account", "client_email": "g@own.iam.gserviceaccount.com", "private_key": pem, "private_key_id": "1", "token_uri": f"{base}/gcp/token"})


@pytest.fixture(scope="module")
def gateway(module_gateways, shared_server):
    base = shared_server.base
    claude = {"provider": "anthropic", "options": {"anthropic_version": "2023-06-01", "upstream_url": base}}
    gemini = {"provider": "gemini", "options": {"upstream_url": base}}
    bedrock = {"provider": "bedrock", "options": {"upstream_url": base, "bedrock": {"aws_region": REGION}}}
    vertex = {"provider": "gemini", "options": {"upstream_url": base, "gemini": {"api_endpoint": "unused.test", "project_id": "own", "location_id": "eu-1"}}}
    anthropic_key = {"header_name": "x-api-key", "header_value": ANTHROPIC_KEY}
    gemini_key = {"header_name": "x-goog-api-key", "header_value": GEMINI_KEY}
    query_key = {"param_name": "key", "param_value": GEMINI_KEY, "param_location": "query"}
    google = {"gcp_use_service_account": True, "gcp_service_account_json": service_account(base)}
    files, batches, videos = "llm/v1/files", "llm/v1/batches", "video/v1/videos/generations"
    routes = [
        route("claude-batches", "/claude/v1/messages/batches", batches, "anthropic", anthropic_key, claude),
        route("haiku-batches", "/haiku/v1/messages/batches", batches, "anthropic", anthropic_key, {**claude, "name": "haiku"}),
        route("gemini-files", "~/gemini(/upload|/download)?/v1beta/files", files, "gemini", gemini_key, gemini),
        route("query-files", "~/query(/upload|/download)?/v1beta/files", files, "gemini", query_key, gemini),
        route("gemini-batches", "~/gemini/v1beta/(batches|models/[^/:]+:batchGenerateContent)", batches, "gemini", gemini_key, gemini),
        route("gemini-videos", "~/gemini/v1beta/models/", videos, "gemini", gemini_key, {**gemini, "name": MODEL}),
        route("vertex-batches", "~/vertex/.*/batchPredictionJobs", batches, "gemini", google, vertex),
        route("vertex-videos", "~/vertex/.*/models/", videos, "gemini", google, vertex),
        route("vertex-rank", "~/vertex/.*/rankingConfigs/", "llm/v1/chat", "gemini", google, vertex),
        route("bedrock-videos", "/async-invoke", videos, "bedrock", STATIC, bedrock),
        route("bedrock-jobs", "~/model-invocation-jobs?", batches, "bedrock", STATIC, {**bedrock, "name": "amazon.nova-lite-v1:0"}),
        route("balanced", "~/balanced(/upload|/download)?/v1beta/files", files, "gemini", gemini_key, gemini),
    ]
    target = {"route_type": files, "auth": gemini_key, "model": gemini}
    routes[-1]["plugins"] = [plugin("ai-proxy-advanced", llm_format="gemini", targets=[target], max_request_body_size=0)]
    yield (gateway := module_gateways({"services": [{"name": "llm", "url": base, "routes": routes}]}))
    written = gateway.stderr + "\n".join(json.dumps(line) for line in gateway.audit.requests())
    assert [secret for secret in SECRETS if secret in written] == []


def line_of(gateway, route_name: str) -> dict:
    lines = lambda: [line for line in gateway.audit.requests() if line.get("route", {}).get("name") == route_name]  # noqa: E731
    return until(lines, what="an audit line")[-1]


# Anthropic


def test_batches_of_messages(gateway, server):
    client = anthropic.Anthropic(base_url=f"{gateway.url}/claude", api_key="client-secret", max_retries=0)
    request = {"custom_id": "r0", "params": {"model": "claude", "max_tokens": 9, "messages": [{"role": "user", "content": "say-hi-privately"}]}}
    batch = client.messages.batches.create(requests=[request])
    assert batch.processing_status == "in_progress" and server.last().json == {"requests": [request]}
    assert [one.id for one in client.messages.batches.list(limit=5)] == ["msgbatch_1"]
    assert client.messages.batches.retrieve("msgbatch_1").results_url == f"{gateway.url}/claude/v1/messages/batches/msgbatch_1/results"
    # The client goes where the answer says.
    results = list(client.messages.batches.results("msgbatch_1"))
    assert [(one.custom_id, one.result.message.content[0].text) for one in results] == [("r0", "Hi"), ("r1", "Hi"), ("r2", "Hi")]
    assert server.last().path == "/v1/messages/batches/msgbatch_1/results"
    assert client.messages.batches.cancel("msgbatch_1").processing_status == "canceling"
    assert client.messages.batches.delete("msgbatch_1").type == "message_batch_deleted"
    assert not any("client-secret" in str(request.headers) for request in server.requests)
    line = line_of(gateway, "claude-batches")
    assert line["response"]["status"] == 200 and "cost" not in line


def test_a_batch_with_another_model_than_the_configured_reaches_nobody(gateway, server):
    client = anthropic.Anthropic(base_url=f"{gateway.url}/haiku", api_key="client", max_retries=0)
    params = {"max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}]}
    with pytest.raises(anthropic.BadRequestError, match="cannot use own model"):
        client.messages.batches.create(requests=[{"custom_id": name, "params": {**params, "model": name}} for name in ("haiku", "opus")])
    assert server.requests == []
    assert client.messages.batches.create(requests=[{"custom_id": "1", "params": {**params, "model": "haiku"}}]).id == "msgbatch_1"


# Google


def google_client(gateway, prefix: str, **more) -> genai.Client:
    return genai.Client(api_key="client-secret", http_options=types.HttpOptions(base_url=f"{gateway.url}/{prefix}", api_version="v1beta"), **more)


@pytest.mark.parametrize("prefix", ["gemini", "query", "balanced"])
def test_files(gateway, server, prefix):
    """In pieces, as the client sends what is large."""
    client = google_client(gateway, prefix)
    content = bytes(range(256)) * 70_000
    uploaded = client.files.upload(file=io.BytesIO(content), config={"mime_type": "text/plain", "display_name": "notes"})
    assert uploaded.name == "files/f1" and server.uploads["u1"] == content
    assert len([one for one in server.requests if "upload_id" in one.query]) > 1
    # What prompts name is the vendor's address.
    assert uploaded.uri.startswith(server.base)
    assert [file.name for file in client.files.list()] == ["files/f1"]
    assert client.files.get(name="files/f1").state == types.FileState.ACTIVE
    assert client.files.download(file="files/f1") == CONTENT
    assert server.last().path == "/download/v1beta/files/f1:download" and server.last().query["redirected"] == "1"
    client.files.delete(name="files/f1")
    assert not any("client-secret" in f"{one.headers}{one.query}" for one in server.requests)


@pytest.mark.parametrize("prefix", ["gemini", "query"])
def test_where_an_upload_goes_shows_no_key_and_no_way_past_the_gateway(gateway, server, prefix):
    answer = httpx.post(f"{gateway.url}/{prefix}/upload/v1beta/files", json={"file": {}}, headers={"X-Goog-Upload-Command": "start", "X-Goog-Upload-Protocol": "resumable"})
    for name in ("x-goog-upload-url", "x-goog-upload-control-url"):
        assert answer.headers[name] == f"{gateway.url}/{prefix}/upload/v1beta/files?upload_id=u1&upload_protocol=resumable"
    assert GEMINI_KEY not in str(answer.headers)


def test_batches_of_prompts(gateway, server):
    client = google_client(gateway, "gemini")
    job = client.batches.create(model="gemini-2.5-flash", src=[{"contents": [{"parts": [{"text": "say-hi-privately"}]}]}])
    assert job.name == "batches/b1"
    assert server.last().path == "/v1beta/models/gemini-2.5-flash:batchGenerateContent"
    assert [one.name for one in client.batches.list()] == ["batches/b1"]
    assert client.batches.get(name="batches/b1").name == "batches/b1"
    client.batches.cancel(name="batches/b1")
    assert server.last().path == "/v1beta/batches/b1:cancel"
    client.batches.delete(name="batches/b1")
    assert line_of(gateway, "gemini-batches")["ai"]["proxy"]["meta"]["provider_name"] == "gcp.gemini"


def test_videos(gateway, server):
    """Google's client makes them on Vertex AI only."""
    api = f"{gateway.url}/gemini/v1beta"
    name = httpx.post(f"{api}/models/{MODEL}:predictLongRunning", json={"instances": [{"prompt": "a cat"}]}).json()["name"]
    assert [httpx.get(f"{api}/{name}").json().get("done") for _ in range(2)] == [None, True]
    refused = httpx.post(f"{api}/models/veo-2:predictLongRunning", json={"instances": [{"prompt": "a cat"}]})
    assert refused.status_code == 400 and "cannot use own model" in refused.json()["error"]["message"]
    # Chats are another route type's.
    client = google_client(gateway, "gemini")
    with pytest.raises(errors.ClientError) as unserved:
        client.models.generate_content(model=MODEL, contents="Hi")
    assert unserved.value.code == 404


def test_vertex(gateway, server):
    """Project and location are the gateway's, whatever the client says."""
    project = f"{gateway.url}/vertex/v1/projects/theirs/locations/us"
    job = httpx.post(f"{project}/batchPredictionJobs", json={"displayName": "job", "model": "publishers/google/models/gemini-2.5-flash"})
    assert job.status_code == 200 and job.json()["state"] == "JOB_STATE_PENDING"
    assert httpx.get(f"{project}/batchPredictionJobs/7").json()["name"].endswith("/7")
    assert httpx.post(f"{project}/batchPredictionJobs/7:cancel").status_code == 200
    video = f"{project}/publishers/google/models/{MODEL}"
    name = httpx.post(f"{video}:predictLongRunning", json={"instances": [{"prompt": "a cat"}]}).json()["name"]
    answers = [httpx.post(f"{video}:fetchPredictOperation", json={"operationName": name}).json() for _ in range(2)]
    assert answers[1]["done"] and "done" not in answers[0]
    ranked = httpx.post(f"{project}/rankingConfigs/default_ranking_config:rank", json={"query": "q", "records": [{"id": "1", "content": "c"}]})
    assert ranked.json()["records"][0]["id"] == "1"
    assert server.last().path == "/v1/projects/own/locations/global/rankingConfigs/default_ranking_config:rank"


# Bedrock


def boto(gateway, service: str):
    return boto3.client(
        service, endpoint_url=gateway.url, region_name="us-west-2", aws_access_key_id="AKIACLIENT", aws_secret_access_key="client-secret",
        config=botocore.config.Config(retries={"total_max_attempts": 1}),
    )  # fmt: skip


def test_asynchronous_invocations(gateway, server):
    client = boto(gateway, "bedrock-runtime")
    output = {"s3OutputDataConfig": {"s3Uri": "s3://bucket/videos"}}
    started = client.start_async_invoke(modelId="amazon.nova-reel-v1:1", modelInput={"taskType": "TEXT_VIDEO"}, outputDataConfig=output)
    assert started["invocationArn"] == ARN
    assert client.get_async_invoke(invocationArn=ARN)["status"] == "Completed"
    assert [one["invocationArn"] for one in client.list_async_invokes(statusEquals="Completed", maxResults=3)["asyncInvokeSummaries"]] == [ARN]
    assert server.last().query == {"statusEquals": "Completed", "maxResults": "3"}


def test_jobs_of_many_invocations(gateway, server):
    client = boto(gateway, "bedrock")
    job = {
        "jobName": "nightly", "roleArn": "arn:aws:iam::123456789012:role/batches", "inputDataConfig": {"s3InputDataConfig": {"s3Uri": "s3://in"}},
        "outputDataConfig": {"s3OutputDataConfig": {"s3Uri": "s3://out"}},
    }  # fmt: skip
    assert client.create_model_invocation_job(modelId="amazon.nova-lite-v1:0", **job)["jobArn"] == JOB
    assert client.get_model_invocation_job(jobIdentifier=JOB)["status"] == "InProgress"
    assert [one["jobName"] for one in client.list_model_invocation_jobs()["invocationJobSummaries"]] == ["nightly"]
    client.stop_model_invocation_job(jobIdentifier=JOB)
    before = len(server.requests)
    with pytest.raises(botocore.exceptions.ClientError, match="cannot use own model"):
        client.create_model_invocation_job(modelId="amazon.nova-pro-v1:0", **job)
    assert len(server.requests) == before
