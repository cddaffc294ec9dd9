"""Prompt plugins with the official client: guard, decorator and template, refusals as its own exceptions, evidence in the audit log."""

import openai
import pytest
import requests

from support.configuration import CLIENT_KEY, consumer, key_auth, llm_service, plugin
from support.provider import ANSWER
from support.waiting import until

TEMPLATE = '{"model": "gpt-fake", "messages": [{"role": "user", "content": "Explain {{thing}} to a {{reader}}."}]}'


@pytest.fixture(scope="module")
def gateway(module_gateways, shared_provider):
    base = shared_provider.base
    guard = plugin("ai-prompt-guard", deny_patterns=[r"(?i)\bpassword\b"], allow_patterns=[".*"])
    shadow = {**guard, "_pellucid": {"mode": "shadow"}}
    decorator = plugin("ai-prompt-decorator", prompts={"prepend": [{"role": "system", "content": 'Be "brief".'}], "append": [{"role": "user", "content": "Thanks – 谢谢"}]})
    template = plugin("ai-prompt-template", templates=[{"name": "explain", "template": TEMPLATE}], allow_untemplated_requests=False)
    return module_gateways(
        {
            "services": [
                llm_service(base, prefix="/guarded", name="guarded", plugins=[guard]),
                llm_service(base, prefix="/shadow", name="shadow", plugins=[shadow]),
                llm_service(base, prefix="/decorated", name="decorated", plugins=[decorator]),
                llm_service(base, prefix="/templated", name="templated", plugins=[template]),
            ],
            "consumers": [consumer()],
            "plugins": [key_auth()],
        }
    )


@pytest.fixture
def say(gateway, client_of, provider):
    def say(prefix: str, text: str, **options):
        return client_of(f"{gateway.url}/{prefix}/v1").chat.completions.create(model="gpt-fake", messages=[{"role": "user", "content": text}], **options)

    return say


def audit_line(gateway, path: str, member: str) -> dict:
    """The newest audit line of a path whose `ai` holds a member."""

    def find():
        lines = [r for r in gateway.audit.requests() if r["request"]["uri"].startswith(path) and member in r.get("ai", {})]
        return lines[-1] if lines else None

    return until(find, timeout=5, what=f"an audit line of {path} with ai.{member}")


@pytest.mark.parametrize("text", ["my password please", "my ｐａｓｓｗｏｒｄ please", "my pass\u200bword please"])
@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
def test_a_denied_prompt_is_a_bad_request_and_never_reaches_the_provider(say, gateway, provider, text, stream):
    with pytest.raises(openai.BadRequestError) as caught:
        say("guarded", text, stream=stream)
    assert caught.value.body["message"] == "bad request"
    assert not provider.requests
    line = audit_line(gateway, "/guarded", "prompt-guard")
    assert line["ai"]["prompt-guard"]["reason"] == "deny_pattern"
    assert line["response"]["status"] == 400
    assert text not in str(line)


def test_an_allowed_prompt_passes(say):
    assert say("guarded", "hello").choices[0].message.content == ANSWER


def test_in_shadow_mode_a_denied_prompt_passes_and_leaves_the_verdict(say, gateway):
    assert say("shadow", "my password").choices[0].message.content == ANSWER
    line = audit_line(gateway, "/shadow", "prompt-guard")
    stage = next(s for s in line["stages"] if s["plugin"] == "ai-prompt-guard")
    assert (stage["mode"], stage["verdict"], stage["action"]) == ("shadow", "reject", "would_block")


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
def test_messages_are_put_around_the_clients(say, provider, stream):
    answer = say("decorated", "hi", stream=stream)
    if stream:
        assert "".join(chunk.choices[0].delta.content or "" for chunk in answer) == ANSWER
    assert provider.last().json["messages"] == [
        {"role": "system", "content": 'Be "brief".'},
        {"role": "user", "content": "hi"},
        {"role": "user", "content": "Thanks – 谢谢"},
    ]


def post(gateway, body: dict) -> requests.Response:
    return requests.post(f"{gateway.url}/templated/v1/chat/completions", json=body, headers={"apikey": CLIENT_KEY}, timeout=10)


def test_a_template_is_filled_in_and_values_stay_values(gateway, provider):
    answer = post(gateway, {"messages": "{template://explain}", "properties": {"thing": 'a "quote"\n{{reader}}', "reader": '"}],"x":1'}})
    assert answer.status_code == 200
    assert provider.last().json["messages"] == [{"role": "user", "content": 'Explain a "quote"\n{{reader}} to a "}],"x":1.'}]


def test_a_request_without_template_is_refused_where_only_templates_are_allowed(say, provider):
    with pytest.raises(openai.BadRequestError) as caught:
        say("templated", "hi")
    assert caught.value.body["message"] == "this LLM route only supports templated requests"
    assert not provider.requests


def test_a_bad_pattern_is_refused_before_the_gateway_starts(gateways, provider):
    bad = plugin("ai-prompt-guard", deny_patterns=["(unclosed"])
    gateway = gateways({"services": [llm_service(provider.base, plugins=[bad])]}, wait=False)
    gateway.wait_for_failure()
    assert "deny_patterns[0]" in gateway.stderr and "is not a valid regular expression" in gateway.stderr
