"""Which requests are exported as traces: by ratio, by the caller, by rate, and by how they ended."""

import requests

from support import names
from support.configuration import CLIENT_KEY, everything, llm_service, plain_service, telemetry_environment
from support.waiting import until

HELLO = [{"role": "user", "content": "hi"}]


def start(gateways, provider, origin, collector, sampling: dict, **more):
    # The sampler of the environment would win over the file's.
    environment = {**telemetry_environment(collector)}
    del environment["OTEL_TRACES_SAMPLER"]
    own = {"sampling": sampling}
    settings = everything(provider, origin, **more)
    gateway = gateways({**settings, "_pellucid": own}, environment=environment)
    return gateway


def decisions(gateway, count: int) -> dict:
    """The counters by decision and reason, once all requests are in."""

    def counted():
        found = {}
        for sample in gateway.metrics().samples:
            if sample.name == "pellucid_sampling_decisions_total" and sample.value:
                found[(sample.labels["decision"], sample.labels["reason"])] = sample.value
        return found if sum(found.values()) == count else None

    return until(counted, what=f"{count} sampling decisions")


def test_failed_and_blocked_requests_are_kept_although_nothing_is_sampled(gateways, provider, origin, collector, client_of):
    gateway = start(gateways, provider, origin, collector, {"ratio": 0})
    headers = {"apikey": CLIENT_KEY}
    for _ in range(5):
        requests.get(f"{gateway.url}/plain", headers=headers, timeout=5)
    requests.get(f"{gateway.url}/plain", timeout=5)
    requests.get(f"{gateway.url}/down", headers=headers, timeout=10)
    roots = collector.wait_for_roots(2)
    assert sorted(root.attributes[names.STATUS_CODE] for root in roots) == [401, 502]
    assert decisions(gateway, 7) == {("dropped", "ratio"): 5, ("sampled", "blocked"): 1, ("sampled", "failed"): 1}
    until(lambda: gateway.metrics().total(names.UNACCOUNTED) == 0, what="the conservation gauge at 0")
    page = gateway.metrics()
    assert page.total("pellucid_telemetry_sampled_out_total", consumer="otlp") == 5
    assert origin.requests[-1].header("traceparent").endswith("-00"), "what is propagated is the head decision"


def test_slow_and_costly_requests_are_kept(gateways, provider, origin, collector, client_of):
    gateway = start(gateways, provider, origin, collector, {"ratio": 0, "keep_failures": False, "keep_slower_than_seconds": 0.3, "keep_costlier_than": 0.00001})
    client = client_of(f"{gateway.url}/v1")
    client.chat.completions.create(model="gpt-fake", messages=HELLO)
    client.chat.completions.create(model="slow-4-100", messages=HELLO)
    requests.get(f"{gateway.url}/plain", timeout=5)
    assert len(collector.wait_for_roots(1)) == 1
    assert decisions(gateway, 3) == {("dropped", "ratio"): 2, ("sampled", "slow"): 1}


def test_a_callers_no_wins_unless_configured_otherwise(gateways, provider, origin, collector):
    no = {"traceparent": "00-463ac35c9f6413ad48485a3953bb6124-a2fb4a1d1a96d312-00"}
    gateway = start(gateways, provider, origin, collector, {})
    requests.get(f"{gateway.url}/plain", headers=no, timeout=5)
    requests.get(f"{gateway.url}/plain", timeout=5)
    collector.wait_for_roots(1)
    assert decisions(gateway, 2) == {("dropped", "parent"): 1, ("sampled", "ratio"): 1}
    insistent = start(gateways, provider, origin, collector, {"override_parent": True})
    requests.get(f"{insistent.url}/plain", headers=no, timeout=5)
    assert decisions(insistent, 1) == {("sampled", "blocked"): 1}


def test_each_route_has_its_rate(gateways, provider, origin, collector):
    quiet = plain_service(origin.port, name="quiet", path="/quiet")
    settings = {"services": [plain_service(origin.port), quiet, llm_service(provider.base)], "_pellucid": {"sampling": {"maximum_per_second": 2, "keep_failures": False}}}
    environment = telemetry_environment(collector)
    del environment["OTEL_TRACES_SAMPLER"]
    gateway = gateways(settings, environment=environment)
    with requests.Session() as session:
        for _ in range(40):
            session.get(f"{gateway.url}/plain", timeout=5)
        session.get(f"{gateway.url}/quiet", timeout=5)
    found = decisions(gateway, 41)
    # Two a second and a burst of two; 40 requests take well under five seconds.
    assert 2 <= found[("sampled", "ratio")] - 1 <= 12 and found[("dropped", "rate_limited")] == 41 - found[("sampled", "ratio")]
    until(lambda: any(root.attributes[names.ROUTE] == "quiet-route" for root in collector.roots()), what="the trace of the quiet route")
