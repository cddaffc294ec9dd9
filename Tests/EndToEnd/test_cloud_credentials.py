"""Credentials the gateway gets itself: AWS, Google and Azure, against fake clouds that check them."""

import json
import pathlib

import pytest

from support import configuration
from support.clouds import KEYS, REGION, Clouds
from support.waiting import until

ACCOUNT = pathlib.Path(__file__).parents[1] / "Fixtures" / "gcp" / "service-account.json"


@pytest.fixture(scope="module")
def shared_clouds():
    server = Clouds().start()
    yield server
    server.stop()


@pytest.fixture
def clouds(shared_clouds):
    shared_clouds.reset()
    yield shared_clouds


def bedrock(clouds, *, auth: dict | None = None, model: str | None = None, **options) -> dict:
    plugin = configuration.plugin(
        "ai-proxy",
        route_type="llm/v1/chat",
        auth=auth or {},
        model={"provider": "bedrock", **({"name": model} if model else {}), "options": {"upstream_url": clouds.base, "bedrock": {"aws_region": REGION, **options}}},
    )
    return {"services": [{"name": "llm", "url": clouds.base, "routes": [{"name": "chat", "paths": ["/v1/chat/completions"], "plugins": [plugin]}]}]}


def azure(clouds, **auth) -> dict:
    plugin = configuration.plugin(
        "ai-proxy",
        route_type="llm/v1/chat",
        auth={"azure_use_managed_identity": True, **auth},
        model={"provider": "azure", "name": "gpt-fake", "options": {"azure_instance": "i", "azure_deployment_id": "d", "upstream_url": clouds.base + "/openai/deployments/d/chat/completions"}},
    )
    return {"services": [{"name": "llm", "url": clouds.base, "routes": [{"name": "chat", "paths": ["/v1/chat/completions"], "plugins": [plugin]}]}]}


STATIC = {"aws_access_key_id": "AKIASTATIC", "aws_secret_access_key": KEYS["AKIASTATIC"]}
ENVIRONMENT = {"AWS_ACCESS_KEY_ID": "AKIAENV", "AWS_SECRET_ACCESS_KEY": KEYS["AKIAENV"]}


def ask(client_of, gateway, model="anthropic.claude-3-haiku-20240307-v1:0"):
    client = client_of(f"{gateway.url}/v1", key=None)
    return client.chat.completions.create(model=model, messages=[{"role": "user", "content": "Łódź?"}])


@pytest.mark.parametrize(
    ("auth", "options", "environment", "key"),
    [
        (STATIC, {}, {}, "AKIASTATIC"),
        ({}, {}, ENVIRONMENT, "AKIAENV"),
        (STATIC, {"aws_assume_role_arn": "arn:aws:iam::1:role/r", "aws_role_session_name": "e2e"}, {}, "ASIAROLE"),
        ({}, {}, {"IMDS": ""}, "ASIAIMDS"),
    ],
    ids=["static keys", "environment", "assumed role", "instance metadata"],
)
def test_bedrock_is_signed_with(gateways, clouds, client_of, auth, options, environment, key):
    if "aws_assume_role_arn" in options:
        options = {**options, "aws_sts_endpoint_url": clouds.base + "/sts"}
    if "IMDS" in environment:
        environment = {"AWS_EC2_METADATA_SERVICE_ENDPOINT": clouds.base}
    gateway = gateways(bedrock(clouds, auth=auth, **options), environment=environment)
    for _ in range(3):
        answer = ask(client_of, gateway)
        assert answer.choices[0].message.content == "Hello from the fake provider."
    signed = [r for r in clouds.requests if r.path.startswith("/model/")]
    assert len(signed) == 3
    assert all(f"Credential={key}/" in r.header("Authorization") for r in signed)
    assert all(count == 1 for count in clouds.tokens.values()), "credentials are kept"


def test_a_web_identity_is_exchanged(gateways, clouds, client_of, tmp_path):
    token = tmp_path / "token"
    token.write_text("jwt-of-the-pod\n")
    environment = {"AWS_ROLE_ARN": "arn:aws:iam::1:role/pod", "AWS_WEB_IDENTITY_TOKEN_FILE": str(token), "AWS_ENDPOINT_URL_STS": clouds.base + "/sts"}
    gateway = gateways(bedrock(clouds), environment=environment)
    assert ask(client_of, gateway).usage.total_tokens == 16
    assert clouds.tokens == {"AssumeRoleWithWebIdentity": 1}


def test_a_refused_role_is_told_without_secrets(gateways, clouds, client_of, collector):
    options = {"aws_assume_role_arn": "arn:aws:iam::1:role/denied", "aws_sts_endpoint_url": clouds.base + "/sts"}
    gateway = gateways(bedrock(clouds, auth=STATIC, **options), environment=configuration.telemetry_environment(collector))
    with pytest.raises(Exception) as failure:
        ask(client_of, gateway)
    assert failure.value.status_code == 502
    assert "AccessDenied" in gateway.stderr
    text = gateway.stderr + gateway.audit_path.read_text() + str(failure.value)
    assert KEYS["AKIASTATIC"] not in text
    assert not [r for r in clouds.requests if r.path.startswith("/model/")]


def test_a_bedrock_without_region_is_refused(gateways, clouds):
    settings = bedrock(clouds, auth=STATIC)
    del settings["services"][0]["routes"][0]["plugins"][0]["config"]["model"]["options"]["bedrock"]["aws_region"]
    gateway = gateways(settings, wait=False)
    gateway.wait_for_failure()
    assert "config.model.options.bedrock.aws_region" in gateway.stderr


@pytest.mark.parametrize(
    ("auth", "environment", "kind"),
    [
        ({"azure_client_id": "app", "azure_client_secret": "entra-secret&=", "azure_tenant_id": "tenant"}, {}, "entra"),
        ({"azure_client_id": "user-assigned"}, {}, "managed"),
        ({}, {"AZURE_CLIENT_ID": "app", "AZURE_CLIENT_SECRET": "entra-secret&=", "AZURE_TENANT_ID": "tenant"}, "entra"),
    ],
    ids=["client secret", "managed identity", "environment"],
)
def test_azure_gets_a_token(gateways, clouds, client_of, auth, environment, kind):
    environment = {"AZURE_AUTHORITY_HOST": clouds.base, "AZURE_POD_IDENTITY_AUTHORITY_HOST": clouds.base, **environment}
    gateway = gateways(azure(clouds, **auth), environment=environment)
    for _ in range(2):
        ask(client_of, gateway, "gpt-fake")
    sent = [r for r in clouds.requests if r.path.startswith("/openai/")]
    assert [r.header("Authorization") for r in sent] == [f"Bearer {kind}-1"] * 2
    assert clouds.tokens == {kind: 1}


def test_a_token_is_replaced_after_its_end(gateways, clouds, client_of):
    clouds.lifetime = 11  # Ten seconds before its end a token is not used any more.
    gateway = gateways(azure(clouds), environment={"AZURE_POD_IDENTITY_AUTHORITY_HOST": clouds.base})
    ask(client_of, gateway, "gpt-fake")
    until(lambda: ask(client_of, gateway, "gpt-fake") and clouds.tokens["managed"] >= 2, timeout=10, what="a second token")


def test_the_fetch_is_a_call_below_its_attempt(gateways, clouds, client_of, collector):
    gateway = gateways(
        azure(clouds), environment={"AZURE_POD_IDENTITY_AUTHORITY_HOST": clouds.base, **configuration.telemetry_environment(collector)}
    )
    ask(client_of, gateway, "gpt-fake")
    spans = collector.wait_for_trace(collector.wait_for_roots(1)[0].trace_id)
    call = next(s for s in spans if s.name == "credentials azure")
    attempt = next(s for s in spans if s.span_id == call.parent_id)
    assert attempt.name.startswith("chat")
    assert call.attributes["pellucid.credential.source"] == "managed_identity"


def test_a_service_account_is_exchanged_for_vertex(gateways, clouds):
    """What is sent to Vertex is tested with its adapter; here the key file alone: it is read and refused when the configuration is loaded."""
    plugin = configuration.plugin(
        "ai-proxy",
        route_type="llm/v1/chat",
        auth={"gcp_use_service_account": True, "gcp_service_account_json": json.dumps({"client_email": "x"})},
        model={"provider": "gemini", "name": "gemini-2.5-flash", "options": {"gemini": {"api_endpoint": "h", "project_id": "p", "location_id": "l"}}},
    )
    gateway = gateways({"services": [{"name": "s", "url": clouds.base, "routes": [{"name": "r", "paths": ["/"], "plugins": [plugin]}]}]}, wait=False)
    gateway.wait_for_failure()
    assert "private_key" in gateway.stderr
