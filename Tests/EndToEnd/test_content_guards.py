"""Content guards with the official client and fake services that speak their vendors' APIs: prompts, answers, streams, every way a service can fail."""

import collections
import pathlib
import threading

import openai
import pytest
import yaml

from support.configuration import consumer, key_auth, llm_service, plugin
from support.ports import free_port
from support.provider import ANSWER
from support.waiting import until

# Requests by path, so that a test waits for the line of its own.
SAID = collections.Counter()

CHECK = """
return function(resp, source)
  return {block = resp.score > 0.5, message = source .. ' is ' .. table.concat(resp.labels, ',')}
end
"""


@pytest.fixture(autouse=True)
def behaved(guard_services):
    guard_services.reset()
    yield
    guard_services.release()


@pytest.fixture(scope="module")
def gateway(module_gateways, shared_provider, guard_services):
    def lakera(url=f"{guard_services.base}/lakera/v2/guard", **config):
        return plugin("ai-lakera-guard", api_key="lakera-key", lakera_service_url=url, **config)

    azure = plugin("ai-azure-content-safety", content_safety_url=guard_services.base, content_safety_key="azure-key", categories=[{"name": "Violence", "rejection_level": 2}])
    own = plugin(
        "ai-custom-guardrail",
        guarding_mode="BOTH",
        params={"secret": "own-key"},
        request={"url": guard_services.base + "/own/$(source)", "headers": {"X-Key": "$(conf.params.secret)"}, "body": {"text": "$(content)"}},
        response={"block": "$(check.block)", "block_message": "$(check.message)"},
        functions={"check": CHECK},
    )
    stream = lakera(f"{guard_services.base}/lakera/v2/guard?flag=t7", guarding_mode="OUTPUT", response_buffer_size=6)
    page = (pathlib.Path(__file__).parents[2] / "docs/moderation.md").read_text()
    moderation = yaml.safe_load(page.split("```yaml\n")[1].split("```")[0])
    moderation["config"]["params"]["key"] = "moderation-key"
    moderation["config"]["request"]["url"] = guard_services.base + "/v1/moderations"
    dead = f"http://127.0.0.1:{free_port()}/guard"
    base = shared_provider.base
    return module_gateways(
        {
            "services": [
                llm_service(base, prefix="/lakera", name="lakera", plugins=[lakera(project_id="p-1")]),
                llm_service(base, prefix="/azure", name="azure", plugins=[azure]),
                llm_service(base, prefix="/own", name="own", plugins=[own]),
                llm_service(base, prefix="/moderation", name="moderation", plugins=[moderation]),
                llm_service(base, prefix="/output", name="output", plugins=[stream]),
                llm_service(base, prefix="/closed", name="closed", plugins=[lakera(timeout=400)]),
                llm_service(base, prefix="/open", name="open", plugins=[lakera(timeout=400, stop_on_error=False)]),
                llm_service(base, prefix="/dead", name="dead", plugins=[lakera(dead)]),
                llm_service(base, prefix="/shadow", name="shadow", plugins=[{**lakera(), "_pellucid": {"mode": "shadow"}}]),
            ],
            "consumers": [consumer()],
            "plugins": [key_auth()],
        }
    )


@pytest.fixture
def say(gateway, client_of, provider):
    def say(prefix: str, text: str, model: str = "gpt-fake", **options):
        SAID[prefix] += 1
        return client_of(f"{gateway.url}/{prefix}/v1").chat.completions.create(model=model, messages=[{"role": "user", "content": text}], **options)

    return say


def line_of(gateway, prefix: str) -> dict:
    """The audit line of the last request of a path."""

    def find():
        lines = [r for r in gateway.audit.requests() if r["request"]["uri"].startswith(f"/{prefix}/")]
        # Two loops may hand over their lines in another order than they began.
        return max(lines, key=lambda r: r["started_at"]) if len(lines) >= SAID[prefix] else None

    return until(find, timeout=5, what=f"an audit line of /{prefix}")


def test_lakera_lets_a_prompt_pass(say, gateway, guard_services):
    assert say("lakera", "hello").choices[0].message.content == ANSWER
    asked = guard_services.asked[-1]
    assert asked.json == {"messages": [{"role": "user", "content": "hello"}], "breakdown": True, "project_id": "p-1"}
    guard = until(lambda: line_of(gateway, "lakera")["ai"]["proxy"].get("lakera-guard"), what="the guard's part of the line")
    assert guard["mode"] == "INPUT" and guard["input_request_uuid"] == "uuid-1" and guard["lakera_project_id"] == "p-1"


def test_openai_moderation(say, gateway, guard_services, provider):
    """The configuration that the documentation shows."""
    assert say("moderation", "hello").choices[0].message.content == ANSWER
    assert [a.json for a in guard_services.asked] == [{"model": "omni-moderation-latest", "input": "hello"}, {"model": "omni-moderation-latest", "input": ANSWER}]
    provider.reset()
    with pytest.raises(openai.BadRequestError) as caught:
        say("moderation", "poison")
    assert caught.value.body["message"] == "moderation: illicit/violent, violence"
    assert not provider.requests


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
def test_lakera_refuses_a_prompt(say, gateway, provider, stream):
    with pytest.raises(openai.PermissionDeniedError) as caught:
        say("lakera", "poison please", stream=stream)
    assert caught.value.body["message"] == "Request was filtered by Lakera Guard"
    assert not provider.requests
    line = line_of(gateway, "lakera")
    guard = line["ai"]["proxy"]["lakera-guard"]
    assert guard["input_block_reason"] == "prompt_attack" and guard["guards_triggered_count"] == 1
    assert guard["input_block_consumer_id"] == line["consumer"]["id"]
    assert [call["name"] for call in line["calls"]] == ["guard lakera"]
    assert "poison" not in gateway.audit_path.read_text() and "lakera-key" not in gateway.audit_path.read_text() + gateway.stderr


def test_azure_refuses_a_prompt(say, provider, guard_services):
    with pytest.raises(openai.BadRequestError) as caught:
        say("azure", "poison please")
    assert caught.value.body["message"] == "request failed content safety check: breached category [Violence] at level 2"
    assert not provider.requests
    assert guard_services.asked[-1].query["api-version"] == "2023-10-01"


def test_azure_judges_long_prompts_in_pieces(say, guard_services):
    assert say("azure", "ä" * 25_000).choices[0].message.content == ANSWER
    assert len(guard_services.asked) == 3


def test_a_custom_guardrail_judges_both_ways(say, provider, guard_services):
    assert say("own", "hello").choices[0].message.content == ANSWER
    assert [asked.text for asked in guard_services.asked] == ["hello", ANSWER]
    assert guard_services.asked[0].headers["x-key"] == "own-key"
    with pytest.raises(openai.BadRequestError) as caught:
        say("own", "poison")
    assert caught.value.body["message"] == "INPUT is toxic"


def test_an_answer_is_refused(say, gateway):
    with pytest.raises(openai.PermissionDeniedError) as caught:
        say("output", "hello", model="tokens-9")
    assert caught.value.body["message"] == "Response was filtered by Lakera Guard"
    assert line_of(gateway, "output")["ai"]["proxy"]["lakera-guard"]["output_block_reason"] == "prompt_attack"


def test_a_stream_passes_whole(say, guard_services):
    chunks = list(say("output", "hello", model="tokens-5", stream=True))
    assert "".join(c.choices[0].delta.content or "" for c in chunks if c.choices) == "t0 t1 t2 t3 t4 "
    assert len(guard_services.asked) == 3


def test_a_stream_is_cut_before_what_is_flagged(say, gateway):
    seen = ""
    with pytest.raises(openai.APIError) as caught:
        for chunk in say("output", "hello", model="tokens-12", stream=True):
            seen += (chunk.choices[0].delta.content or "") if chunk.choices else ""
    assert "Response was filtered by Lakera Guard" in str(caught.value)
    assert seen == "t0 t1 t2 t3 t4 t5 "
    line = line_of(gateway, "output")
    stage = next(s for s in line["stages"] if s["plugin"] == "ai-lakera-guard" and s["phase"] == "stream")
    assert (stage["outcome"], stage["verdict"], stage["error_type"]) == ("rejected", "reject", "content_blocked")


def test_nothing_of_a_window_leaves_before_its_verdict(say, guard_services):
    guard_services.misbehave = "hang"
    seen, done = [], threading.Event()

    def read():
        for chunk in say("output", "hello", model="tokens-4", stream=True):
            if chunk.choices and chunk.choices[0].delta.content:
                seen.append(chunk.choices[0].delta.content)
        done.set()

    threading.Thread(target=read, daemon=True).start()
    until(lambda: guard_services.asked, what="the first window at the guard")
    assert not seen and not done.is_set()
    guard_services.misbehave = ""
    guard_services.release()
    assert done.wait(10)
    assert "".join(seen) == "t0 t1 t2 t3 "


@pytest.mark.parametrize(
    ("behaviour", "code"), [("status-503", "guard_status"), ("status-401", "guard_status"), ("garbage", "guard_answer"), ("reset", "receive_failed"), ("hang", "timeout")]
)
def test_a_service_that_fails_stops_or_lets_go_as_configured(say, gateway, provider, guard_services, behaviour, code):
    guard_services.misbehave = behaviour
    with pytest.raises(openai.InternalServerError):
        say("closed", "hello")
    assert not provider.requests
    assert line_of(gateway, "closed")["stages"][-1]["error_type"] == code
    assert say("open", "hello").choices[0].message.content == ANSWER
    assert line_of(gateway, "open")["ai"]["proxy"]["lakera-guard"]["input_failed_open"] == code
    assert line_of(gateway, "open")["calls"][-1]["outcome"] == "failed"


def test_a_service_that_is_not_there_stops(say, gateway, provider):
    with pytest.raises(openai.InternalServerError):
        say("dead", "hello")
    assert not provider.requests
    assert line_of(gateway, "dead")["stages"][-1]["error_type"] == "connect_failed"


def test_in_shadow_mode_a_flagged_prompt_passes_and_is_on_record(say, gateway):
    assert say("shadow", "poison please").choices[0].message.content == ANSWER
    stage = next(s for s in line_of(gateway, "shadow")["stages"] if s["plugin"] == "ai-lakera-guard")
    assert (stage["verdict"], stage["action"], stage["mode"]) == ("reject", "would_block", "shadow")
