"""ai-proxy-advanced under failing targets: who is asked, what the client sees, and what is left behind in spans, metrics and audit lines."""

import collections
import concurrent.futures
import socket
import time

import openai
import pytest
import requests

from support import configuration, names
from support.ports import free_port
from support.provider import ANSWER
from support.waiting import until

HELLO = [{"role": "user", "content": "hi"}]
CHAT = {"model": "chat", "messages": HELLO}
EVERY_CRITERION = [
    "error", "timeout", "invalid_header", "http_403", "http_404", "http_429", "http_500", "http_502", "http_503", "http_504", "non_idempotent",
]  # fmt: skip
SELECTIONS, FAILURES = "pellucid_balancer_selections_total", "pellucid_balancer_failures_total"
CIRCUIT, IN_FLIGHT = "pellucid_balancer_circuit", "pellucid_balancer_in_flight"
TARGET = "pellucid_balancer_target"


def target(base: str, model: str, **more) -> dict:
    """A target whose model says how the fake provider behaves; clients call all of them `chat`."""
    url = f"{base}/v1/chat/completions"
    return {"route_type": "llm/v1/chat", "model": {"provider": "openai", "name": model, "model_alias": "chat", "options": {"upstream_url": url}}, **more}


def refusing() -> str:
    """The base of a provider that is not there."""
    return f"http://127.0.0.1:{free_port()}"


def advanced(targets: list, *, own: dict | None = None, config: dict | None = None, **balancer) -> dict:
    plugin = {"name": "ai-proxy-advanced", "config": {"targets": targets, "balancer": balancer, **(config or {})}}
    if own:
        plugin["_pellucid"] = {"balancer": own}
    route = {"name": "chat", "paths": ["/v1/chat/completions"], "plugins": [plugin]}
    return {"services": [{"name": "llm", "url": "http://127.0.0.1:9", "routes": [route]}]}


def post(gateway, session=None, **more) -> requests.Response:
    return (session or requests).post(f"{gateway.url}/v1/chat/completions", json={**CHAT, **more}, timeout=30)


def served_by(response) -> str:
    return response.headers["X-Kong-LLM-Model"].removeprefix("openai/")


# Choosing


def test_the_rotation_gives_every_target_its_weight(gateways, provider):
    weights = {"gpt-a": 70, "gpt-b": 25, "gpt-c": 5}
    gateway = gateways(advanced([target(provider.base, name, weight=weight) for name, weight in weights.items()]))
    with requests.Session() as session:
        counts = collections.Counter(served_by(post(gateway, session)) for _ in range(100))
    # Two loops share one counter: a turn is exact.
    assert counts == weights
    until(lambda: gateway.metrics().by_label(SELECTIONS, TARGET) == {f"openai/{name}": weight for name, weight in weights.items()}, what="the selections in the metrics")


def test_a_header_sticks_to_a_target(gateways, provider):
    gateway = gateways(advanced([target(provider.base, f"gpt-{n}") for n in range(6)], algorithm="consistent-hashing", hash_on_header="X-User"))
    url = f"{gateway.url}/v1/chat/completions"
    owners = {user: {served_by(requests.post(url, json=CHAT, headers={"X-User": user}, timeout=30)) for _ in range(4)} for user in map(str, range(24))}
    assert all(len(owner) == 1 for owner in owners.values())
    assert len(set.union(*owners.values())) >= 4


@pytest.mark.parametrize("algorithm", ["least-connections", "lowest-latency", "lowest-usage", "priority"])
def test_every_algorithm_serves_an_official_client(gateways, provider, client_of, algorithm):
    gateway = gateways(advanced([target(provider.base, f"tokens-{n}") for n in range(1, 4)], algorithm=algorithm))
    client = client_of(f"{gateway.url}/v1", key=None)
    for _ in range(6):
        assert client.chat.completions.create(model="chat", messages=HELLO).usage.total_tokens > 0
        assert list(client.chat.completions.create(model="chat", messages=HELLO, stream=True))
    # A request is counted when it has ended, which is after its client has had the answer.
    until(lambda: gateway.metrics().total(SELECTIONS) == 12 and gateway.metrics().total(IN_FLIGHT) == 0, what="twelve counted selections and none under way")


def test_least_connections_leaves_a_target_that_hangs(gateways, provider):
    gateway = gateways(advanced([target(provider.base, "hang"), target(provider.base, "gpt-quick")], algorithm="least-connections"))
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        stuck = None
        while stuck is None or stuck.done():
            stuck = pool.submit(post, gateway)
            until(lambda: stuck.done() or gateway.metrics().by_label(IN_FLIGHT, TARGET).get("openai/hang"), what="a request that hangs, or one that is served")
        for _ in range(20):
            # A request counts as under way a moment longer than its client waits for it; then both targets would have one.
            until(lambda: not gateway.metrics().by_label(IN_FLIGHT, TARGET).get("openai/gpt-quick"), what="a target without requests")
            assert served_by(post(gateway)) == "gpt-quick"
        provider.release()
        assert stuck.result(30).status_code == 200


# Failing over


def test_a_failover_is_seen_everywhere(gateways, provider, collector):
    gateway = gateways(
        advanced([target(refusing(), "gpt-down"), target(provider.base, "gpt-up")], algorithm="priority", own={"retry_pause": 0}),
        environment=configuration.telemetry_environment(collector),
    )
    response = next(r for r in (post(gateway) for _ in range(2)) if r.headers["X-Pellucid-Attempts"] == "2")
    assert response.status_code == 200 and served_by(response) == "gpt-up"
    root = until(
        lambda: next((s for s in collector.roots() if s.attributes[names.REQUEST_ID] == response.headers["X-Kong-Request-Id"]), None), what="the request's trace"
    )
    first, second = sorted((s for s in collector.wait_for_trace(root.trace_id) if s.kind == names.CLIENT), key=lambda s: s.start)
    assert (first.attributes["error.type"], first.status) == ("connection_refused", names.STATUS_ERROR)
    assert first.attributes["pellucid.balancer.target"] == "openai/gpt-down" and first.attributes["pellucid.balancer.candidates"] == 2
    assert second.attributes["http.request.resend_count"] == 1 and second.status != names.STATUS_ERROR
    assert second.attributes["pellucid.balancer.skipped"] == "openai/gpt-down:tried"
    assert gateway.metrics().values(FAILURES, **{TARGET: "openai/gpt-down", "error_type": "connection_refused"})[0] >= 1
    request_id = response.headers["X-Kong-Request-Id"]
    line = until(lambda: next((line for line in gateway.audit.requests() if line["request"]["id"] == request_id), None), what="the audit line")
    assert [(t["target"], t["outcome"]) for t in line["tries"]] == [("openai/gpt-down", "failed"), ("openai/gpt-up", "passed")]


@pytest.mark.parametrize("bad", ["status-500", "status-429", "garbage", "cut-3", "hang"])
def test_by_default_what_a_provider_has_received_is_not_sent_again(gateways, provider, bad):
    gateway = gateways(advanced([target(provider.base, bad), target(provider.base, "gpt-good")], read_timeout=300))
    for _ in range(4):
        response = post(gateway)
        assert response.headers.get("X-Pellucid-Attempts", "1") == "1"
    assert {r.model for r in provider.requests} == {bad, "gpt-good"}
    assert len(provider.requests) == 4


def test_one_healthy_target_among_broken_ones_is_enough(gateways, provider, collector):
    """Refused, hanging, 403 to 504, cut and broken JSON: every request is served by the one that works."""
    broken = ["hang", "garbage", "cut-2"] + [f"status-{status}" for status in (403, 404, 429, 500, 502, 503, 504)]
    targets = [target(refusing(), "gpt-refused"), *(target(provider.base, model) for model in broken), target(provider.base, "gpt-good")]
    gateway = gateways(
        advanced(targets, retries=len(targets), max_fails=3, fail_timeout=3000, read_timeout=250, failover_criteria=EVERY_CRITERION, own={"retry_pause": 5}),
        environment=configuration.telemetry_environment(collector),
    )
    count = 1000
    with concurrent.futures.ThreadPoolExecutor(8) as pool, requests.Session() as session:
        answers = list(pool.map(lambda _: post(gateway, session), range(count)))
    good = [a for a in answers if a.status_code == 200 and a.json()["choices"][0]["message"]["content"] == ANSWER]
    assert len(good) >= 0.999 * count, collections.Counter((a.status_code, a.text[:80]) for a in answers if a not in good)
    assert {served_by(a) for a in good} == {"gpt-good"}

    page = gateway.metrics()
    reasons = page.by_label(FAILURES, "error_type")
    expected = {"connection_refused", "read_timeout", "invalid_json", "403", "404", "429", "500", "502", "503", "504"}
    assert expected <= set(reasons), reasons
    attempts = page.total(SELECTIONS)
    assert attempts == count + sum(reasons.values())
    assert attempts == sum(int(a.headers["X-Pellucid-Attempts"]) for a in answers)
    # The circuit knows failures; refusals by 403 and 404 never open it.
    states = page.by_label(CIRCUIT, TARGET)
    assert states.get("openai/gpt-refused") == 2 and "openai/gpt-good" not in states and "openai/status-403" not in states

    roots = collector.wait_for_roots(count, timeout=60)
    assert len(roots) == count
    spans = until(lambda: (s := [x for x in collector.spans() if x.kind == names.CLIENT]) and len(s) == attempts and s, timeout=30, what="a span for every attempt")
    served = collections.Counter(s.trace_id for s in spans if s.status != names.STATUS_ERROR)
    assert set(served.values()) == {1} and len(served) == count
    failed = collections.Counter(s.attributes["error.type"] for s in spans if s.status == names.STATUS_ERROR)
    assert failed == collections.Counter({reason: int(number) for reason, number in reasons.items()})


def test_a_stream_that_does_not_begin_is_started_elsewhere(gateways, provider, client_of):
    targets = [target(provider.base, "cut-0"), target(provider.base, "tokens-4")]
    gateway = gateways(advanced(targets, failover_criteria=EVERY_CRITERION, own={"retry_pause": 0}))
    client = client_of(f"{gateway.url}/v1", key=None)
    for _ in range(4):
        chunks = list(client.chat.completions.create(model="chat", messages=HELLO, stream=True))
        assert "".join(c.choices[0].delta.content or "" for c in chunks if c.choices) == "t0 t1 t2 t3 "


def test_a_stream_cut_in_the_middle_ends_in_an_error_the_client_can_read(gateways, provider, client_of):
    targets = [target(provider.base, "cut-2"), target(provider.base, "cut-2")]
    gateway = gateways(advanced(targets, failover_criteria=EVERY_CRITERION))
    seen = []
    with pytest.raises(openai.APIError) as raised:
        for chunk in client_of(f"{gateway.url}/v1", key=None).chat.completions.create(model="chat", messages=HELLO, stream=True):
            seen.append(chunk.choices[0].delta.content)
    assert seen == ["t0 ", "t1 "]
    assert "before it was complete" in str(raised.value)
    assert gateway.metrics().total(SELECTIONS) == 1


def test_a_slow_target_is_hedged_by_another(gateways, provider, collector):
    """The first target never answers: the second one's answer is served, and the record shows both."""
    gateway = gateways(
        advanced([target(provider.base, "hang"), target(provider.base, "gpt-quick")], own={"hedge": {"delay": 50, "percent": 100}}),
        environment=configuration.telemetry_environment(collector),
    )
    answers = [post(gateway) for _ in range(6)]
    assert [a.status_code for a in answers] == [200] * 6
    assert {served_by(a) for a in answers} == {"gpt-quick"}
    # Every second request begins at the target that hangs.
    assert sorted(a.headers["X-Pellucid-Attempts"] for a in answers) == ["1", "1", "1", "2", "2", "2"]
    hedged = next(a for a in answers if a.headers["X-Pellucid-Attempts"] == "2").headers["X-Kong-Request-Id"]
    until(lambda: [r.cancelled is not None for r in provider.requests if r.model == "hang"] == [True] * 3, what="the losers' end")
    page = until(lambda: (m := gateway.metrics()).total(SELECTIONS) == 9 and m.total(IN_FLIGHT) == 0 and m, what="nine attempts, all ended")
    assert page.by_label("pellucid_balancer_hedges_total", "pellucid_balancer_hedge") == {"won": 3, "lost": 3}
    assert page.total(FAILURES) == 0, "a lost race is nobody's failure"
    line = until(lambda: next((line for line in gateway.audit.requests() if line["request"]["id"] == hedged), None), what="the audit line")
    assert [(t["target"], t["outcome"]) for t in line["tries"]] == [("openai/hang", "cancelled"), ("openai/gpt-quick", "passed")]
    root = until(lambda: next((s for s in collector.roots() if s.attributes[names.REQUEST_ID] == hedged), None), what="the request's trace")
    lost, won = sorted((s for s in collector.wait_for_trace(root.trace_id) if s.kind == names.CLIENT), key=lambda s: s.start)
    assert lost.attributes["error.type"] == "hedge_lost" and lost.attributes["pellucid.balancer.target"] == "openai/hang"
    assert (lost.attributes["pellucid.balancer.hedge"], won.attributes["pellucid.balancer.hedge"]) == ("lost", "won")
    assert won.attributes["pellucid.balancer.reason"] == "hedge" and won.attributes["gen_ai.usage.output_tokens"] > 0
    assert "gen_ai.usage.output_tokens" not in lost.attributes, "what the loser's provider counted is not known"


def test_hedges_are_a_share_of_the_requests(gateways, provider):
    gateway = gateways(advanced([target(provider.base, "hang"), target(provider.base, "hang")], read_timeout=400, own={"hedge": {"delay": 20, "percent": 10}}))
    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: post(gateway), range(20)))
    assert {a.status_code for a in answers} == {504}
    page = until(lambda: (m := gateway.metrics()).total(IN_FLIGHT) == 0 and m, what="the end of all attempts")
    # A tenth of twenty, and one a second.
    assert 1 <= page.total(SELECTIONS) - 20 <= 4


def test_a_client_that_leaves_ends_a_race(gateways, provider):
    gateway = gateways(advanced([target(provider.base, "hang")] * 2, own={"hedge": {"delay": 20, "percent": 100}}))
    with socket.create_connection(("127.0.0.1", gateway.proxy_port)) as connection:
        body = b'{"messages":[{"role":"user","content":"hi"}]}'
        head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        connection.sendall(head + body)
        until(lambda: len(provider.requests) == 2, what="both attempts")
    until(lambda: all(r.cancelled is not None for r in provider.requests), what="the end of both")
    until(lambda: gateway.metrics().total(IN_FLIGHT) == 0, what="the end of the attempts")


def test_a_client_that_leaves_ends_everything(gateways, provider):
    gateway = gateways(advanced([target(provider.base, "hang"), target(provider.base, "hang")], failover_criteria=EVERY_CRITERION))
    with socket.create_connection(("127.0.0.1", gateway.proxy_port)) as connection:
        body = b'{"messages":[{"role":"user","content":"hi"}]}'
        head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        connection.sendall(head + body)
        provider.wait_for(lambda r: True)
    record = provider.wait_for(lambda r: r.cancelled is not None)
    until(lambda: gateway.metrics().total(IN_FLIGHT) == 0, what="the end of the attempt")
    assert provider.requests == [record]


# Limits


def test_all_targets_out_of_service_answer_500_until_one_is_reconsidered(gateways, provider):
    port = free_port()
    gateway = gateways(advanced([target(f"http://127.0.0.1:{port}", "gpt-late")], max_fails=2, fail_timeout=1000, retries=0))
    assert [post(gateway).status_code for _ in range(3)] == [502, 502, 500]
    refused = post(gateway)
    assert refused.json()["error"]["code"] == "no_healthy_target"
    url = f"http://127.0.0.1:{gateway.admin_port}/explain/{refused.headers['x-kong-request-id']}"
    line = until(lambda: requests.get(url, timeout=5).json().get("record"), what="the request's explanation")
    assert line["ai"]["proxy"]["pellucid.balancer.skipped"] == "openai/gpt-late:open", line
    assert gateway.metrics().by_label(CIRCUIT, TARGET) == {"openai/gpt-late": 2}
    # Reconsidered after the timeout, and still down: out again.
    until(lambda: post(gateway).status_code == 502, timeout=5, what="a trial")
    assert post(gateway).status_code == 500
    gateway.write(advanced([target(f"http://127.0.0.1:{port}", "gpt-late", weight=7)], max_fails=2, fail_timeout=1000, retries=0))
    gateway.reload()
    until(lambda: "configuration reloaded" in gateway.stderr, what="the reload")
    assert gateway.metrics().by_label(CIRCUIT, TARGET), "a reload forgets no circuit"


def test_the_whole_request_has_a_deadline(gateways, provider):
    gateway = gateways(advanced([target(provider.base, "hang")] * 2, failover_criteria=EVERY_CRITERION, own={"total_timeout": 400, "retry_pause": 0}))
    begin = time.monotonic()
    response = post(gateway)
    assert response.status_code == 504
    assert 0.3 < time.monotonic() - begin < 3


def test_model_aliases_and_rules_choose_among_targets(gateways, provider):
    big, small = target(provider.base, "gpt-big"), target(provider.base, "gpt-small")
    big["model"]["model_alias"], small["model"]["model_alias"] = "powerful", "fast"
    rules = {"acls": {"deny": [{"match": [{"type": "header", "key": "x-plan", "values": ["free"]}, {"type": "model", "values": ["gpt-big"]}]}]}}
    gateway = gateways(advanced([big, small], config=rules))
    assert {served_by(post(gateway, model="fast")) for _ in range(3)} == {"gpt-small"}
    assert served_by(post(gateway, model="powerful")) == "gpt-big"
    assert post(gateway, model="chat").status_code == 400
    refused = requests.post(f"{gateway.url}/v1/chat/completions", json={**CHAT, "model": "powerful"}, headers={"X-Plan": "free"}, timeout=30)
    assert refused.status_code == 403


# Meaning, copies, health


def test_a_prompt_is_routed_by_meaning(gateways, provider, collector):
    first, second = target(provider.base, "gpt-first", description="everything there is"), target(provider.base, "gpt-rest", description="CATCHALL")
    semantic = {
        "embeddings": {"model": {"provider": "openai", "name": "embed-model", "options": {"upstream_url": f"{provider.base}/v1/embeddings"}}},
        "vectordb": {"strategy": "redis", "dimensions": 3, "distance_metric": "cosine", "threshold": 0.5},
    }
    gateway = gateways(advanced([first, second], config=semantic, algorithm="semantic"), environment=configuration.telemetry_environment(collector))
    # The fake model finds all texts alike.
    assert {served_by(post(gateway)) for _ in range(3)} == {"gpt-first"}
    asked = [r.json["input"] for r in provider.requests if r.path.endswith("/embeddings")]
    assert asked == [["everything there is", "hi"], ["hi"], ["hi"]]
    root = collector.wait_for_roots(1)[0]
    assert "embeddings" in {span.name for span in collector.wait_for_trace(root.trace_id)}
    semantic["vectordb"]["dimensions"] = 5
    gateway.write(advanced([first, second], config=semantic, algorithm="semantic"))
    gateway.reload()
    # Vectors of another length are none: the catch-all serves.
    until(lambda: served_by(post(gateway)) == "gpt-rest", what="the reload")


def test_a_copy_that_hangs_is_not_noticed(gateways, provider):
    gateway = gateways(advanced([target(provider.base, "gpt-own"), target(provider.base, "hang")], read_timeout=400, own={"mirror": {"target": "openai/hang"}}))
    begin = time.monotonic()
    assert {served_by(post(gateway)) for _ in range(5)} == {"gpt-own"}
    assert time.monotonic() - begin < 2
    duration = "pellucid_balancer_mirror_duration_seconds_count"
    until(lambda: gateway.metrics().total(duration, role="copy", error_type="timeout") == 5, what="the copies' outcomes")
    assert gateway.metrics().total(duration, role="original") == 5
    assert [r.json["model"] for r in provider.requests if r.model == "hang"] == ["hang"] * 5


def test_a_target_without_life_gets_no_requests(gateways, provider):
    port = free_port()
    targets = [target(f"http://127.0.0.1:{port}", "gpt-absent"), target(provider.base, "gpt-here")]
    gateway = gateways(advanced(targets, own={"health_check": {"interval": 50, "timeout": 500, "path": "/models"}}))
    until(lambda: gateway.metrics().by_label(CIRCUIT, TARGET) == {"openai/gpt-absent": 2}, what="the check that fails")
    answers = [post(gateway) for _ in range(6)]
    assert {(served_by(a), a.headers["X-Pellucid-Attempts"]) for a in answers} == {("gpt-here", "1")}
