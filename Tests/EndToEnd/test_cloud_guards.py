"""AWS Guardrails and GCP Model Armor against fake clouds: signatures that botocore agrees with, tokens, prompts and answers, and failures."""

import json
import subprocess

import openai
import pytest

from support.clouds import KEYS, REGION, Clouds
from support.configuration import llm_service, plugin
from support.provider import ANSWER

STATIC = {"aws_access_key_id": "AKIASTATIC", "aws_secret_access_key": KEYS["AKIASTATIC"]}


def service_account() -> str:
    key = subprocess.run(["openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"], check=True, capture_output=True, text=True).stdout
    return json.dumps({"type": "service_account", "client_email": "gateway@p.iam.gserviceaccount.com", "private_key": key, "private_key_id": "k1"})


@pytest.fixture(scope="module")
def clouds():
    server = Clouds().start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def gateway(module_gateways, shared_provider, clouds):
    own = {"endpoint_url": clouds.base + "/"}

    def aws(**config) -> dict:
        settings = {"aws_region": REGION, "guardrails_id": "gr-1", "guardrails_version": "1", "guarding_mode": "BOTH", **STATIC, **config}
        return {**plugin("ai-aws-guardrails", **settings), "_pellucid": own}

    google = {"project_id": "p", "location_id": "europe-west1", "template_id": "t", "guarding_mode": "BOTH", "reveal_failure_categories": True}
    account = {"gcp_use_service_account": True, "gcp_service_account_json": service_account(), "gcp_oauth_token_url": clouds.base + "/gcp/token"}
    armor = {**plugin("ai-gcp-model-armor", **google, **account), "_pellucid": own}
    unsigned = {**plugin("ai-gcp-model-armor", **google), "_pellucid": own}
    base = shared_provider.base
    services = {
        "aws": aws(), "wrong": aws(aws_secret_access_key="wrong"), "throttled": aws(guardrails_id="throttled"), "open": aws(guardrails_id="throttled", stop_on_error=False),
        "google": armor, "unsigned": unsigned,
    }  # fmt: skip
    return module_gateways({"services": [llm_service(base, prefix=f"/{name}", name=name, plugins=[guard]) for name, guard in services.items()]})


@pytest.fixture
def say(gateway, client_of):
    def say(prefix: str, text: str, model: str = "gpt-fake", **options):
        return client_of(f"{gateway.url}/{prefix}/v1", key=None).chat.completions.create(model=model, messages=[{"role": "user", "content": text}], **options)

    return say


def test_aws_lets_prompt_and_answer_pass(say, clouds):
    clouds.reset()
    assert say("aws", "hello").choices[0].message.content == ANSWER
    assert [r.json["source"] for r in clouds.requests] == ["INPUT", "OUTPUT"]
    assert clouds.requests[0].path == "/guardrail/gr-1/version/1/apply"


def test_aws_refuses_a_prompt_in_its_own_words(say, provider):
    with pytest.raises(openai.BadRequestError) as caught:
        say("aws", "poison please")
    assert caught.value.body["message"] == "No input of that kind."
    assert not provider.requests


@pytest.mark.parametrize("prefix", ["wrong", "throttled"])
def test_aws_that_cannot_judge_lets_nothing_pass(say, provider, gateway, prefix):
    with pytest.raises(openai.InternalServerError):
        say(prefix, "hello")
    assert not provider.requests
    assert "static/secret" not in gateway.stderr


def test_aws_fails_open_where_the_operator_says_so(say):
    assert say("open", "poison").choices[0].message.content == ANSWER


def test_google_is_asked_with_one_token(say, clouds):
    clouds.reset()
    for _ in range(2):
        assert say("google", "hello").choices[0].message.content == ANSWER
    asked = [r for r in clouds.requests if ":sanitize" in r.path]
    assert [r.path.partition(":")[2] for r in asked] == ["sanitizeUserPrompt", "sanitizeModelResponse"] * 2
    assert asked[0].path.startswith("/v1/projects/p/locations/europe-west1/templates/t:")
    assert clouds.tokens.get("google", 0) <= 1


def test_google_refuses_a_prompt_and_says_why(say, provider):
    with pytest.raises(openai.BadRequestError) as caught:
        say("google", "poison please")
    assert caught.value.body["message"] == "Request was filtered by GCP Model Armor: pi_and_jailbreak"
    assert not provider.requests


def test_google_without_credentials_lets_nothing_pass(say, provider):
    with pytest.raises(openai.InternalServerError):
        say("unsigned", "hello")
    assert not provider.requests
