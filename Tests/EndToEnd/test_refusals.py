"""What a guard refuses, each vendor's official client understands: errors in the format of the client, with the guard's status."""

import anthropic
import boto3
import botocore.config
import botocore.exceptions
import openai
import pytest
from google import genai
from google.genai import errors, types

from support.configuration import plugin

REFUSAL = "Request was filtered by Lakera Guard"


@pytest.fixture(scope="module")
def gateway(module_gateways, shared_provider, guard_services):
    options = {"upstream_url": shared_provider.base + "/v1/chat/completions"}
    auth = {"header_name": "Authorization", "header_value": "Bearer sk-up"}

    def route(name: str, llm_format: str, kind: str = "ai-proxy") -> dict:
        target = {"route_type": "llm/v1/chat", "auth": auth, "model": {"provider": "openai", "options": options}}
        config = {**target, "llm_format": llm_format} if kind == "ai-proxy" else {"targets": [target], "llm_format": llm_format}
        return {"name": name, "paths": [f"/{name}"], "plugins": [plugin(kind, **config)]}

    formats = ["openai", "anthropic", "gemini", "bedrock"]
    routes = [route(name, name) for name in formats] + [route("balanced", "anthropic", "ai-proxy-advanced")]
    guards = [plugin("ai-lakera-guard", api_key="lakera-key", lakera_service_url=f"{guard_services.base}/lakera/v2/guard")]
    return module_gateways({"services": [{"name": "llm", "url": shared_provider.base, "routes": routes, "plugins": guards}]})


@pytest.mark.parametrize("name", ["anthropic", "balanced"])
@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
def test_anthropic(gateway, name, stream):
    client = anthropic.Anthropic(base_url=f"{gateway.url}/{name}", api_key="client", max_retries=0)
    with pytest.raises(anthropic.PermissionDeniedError) as caught:
        client.messages.create(model="gpt-fake", max_tokens=9, messages=[{"role": "user", "content": "poison"}], stream=stream)
    assert caught.value.status_code == 403
    assert caught.value.body["type"] == "error"
    assert caught.value.body["error"] == {"type": "permission_error", "message": REFUSAL}


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
def test_gemini(gateway, stream):
    client = genai.Client(api_key="client", http_options=types.HttpOptions(base_url=f"{gateway.url}/gemini"))
    with pytest.raises(errors.ClientError) as caught:
        if stream:
            list(client.models.generate_content_stream(model="gpt-fake", contents="poison"))
        else:
            client.models.generate_content(model="gpt-fake", contents="poison")
    assert (caught.value.code, caught.value.status, caught.value.message) == (403, "PERMISSION_DENIED", REFUSAL)


@pytest.mark.parametrize("operation", ["converse", "converse_stream"])
def test_bedrock(gateway, operation):
    client = boto3.client(
        "bedrock-runtime", endpoint_url=f"{gateway.url}/bedrock", region_name="us-west-2", aws_access_key_id="AKIACLIENT", aws_secret_access_key="client-secret",
        config=botocore.config.Config(retries={"total_max_attempts": 1}),
    )  # fmt: skip
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        getattr(client, operation)(modelId="gpt-fake", messages=[{"role": "user", "content": [{"text": "poison"}]}])
    response = caught.value.response
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 403
    assert response["Error"] == {"Code": "AccessDeniedException", "Message": REFUSAL}


def test_openai(gateway, client_of):
    with pytest.raises(openai.PermissionDeniedError) as caught:
        client_of(f"{gateway.url}/openai", key=None).chat.completions.create(model="gpt-fake", messages=[{"role": "user", "content": "poison"}])
    assert caught.value.body["message"] == REFUSAL
