"""Upstreams and targets of Kong's format: weights, hashing, stickiness, retries, passive and active health checks."""

import collections
import json

import pytest
import requests

from support.raw import Origin, respond
from support.waiting import until


class Targets:
    """Origins that say their number; some can be told to fail."""

    def __init__(self, count):
        self.failing: dict[int, str] = {}
        self.origins = [Origin(self._script(number)) for number in range(count)]

    def _script(self, number):
        def script(connection, request):
            how = self.failing.get(number)
            if how == "cut":
                return False
            respond(connection, f"{number}", status=how or "200 OK")

        return script

    def address(self, number) -> str:
        return f"127.0.0.1:{self.origins[number].port}"

    def stop(self):
        for origin in self.origins:
            origin.stop()


@pytest.fixture
def targets():
    made = Targets(3)
    yield made
    made.stop()


def pool(targets, weights=(100, 100, 100), service=None, more_targets=(), **upstream) -> dict:
    entries = [{"target": targets.address(number), "weight": weight} for number, weight in enumerate(weights)] + list(more_targets)
    return {
        "services": [{"name": "pool", "host": "pool.internal", "routes": [{"name": "pool", "paths": ["/pool"]}], **(service or {})}],
        "upstreams": [{"name": "pool.internal", "targets": entries, **upstream}],
    }


def ask(gateway, count=1, **options) -> collections.Counter:
    with requests.Session() as session:
        return collections.Counter(session.get(f"{gateway.url}/pool", timeout=10, **options).text for _ in range(count))


def test_round_robin_by_weight(gateways, targets):
    gateway = gateways(pool(targets, weights=(100, 200, 0)))
    assert ask(gateway, 30) == {"0": 10, "1": 20}


def test_the_host_sent_is_the_targets_unless_the_upstream_says_otherwise(gateways, targets):
    gateway = gateways(pool(targets, weights=(1,)))
    ask(gateway)
    assert targets.origins[0].requests[-1].header("Host") == targets.address(0)
    gateway = gateways(pool(targets, weights=(1,), host_header="api.example"))
    ask(gateway)
    assert targets.origins[0].requests[-1].header("Host") == "api.example"


def test_consistent_hashing_on_a_header_keeps_keys_when_a_target_goes(gateways, targets):
    hashing = {"hash_on": "header", "hash_on_header": "x-user"}
    gateway = gateways(pool(targets, **hashing))
    users = [f"user-{number}" for number in range(60)]

    def where(gateway):
        return {user: next(iter(ask(gateway, headers={"x-user": user}))) for user in users}

    before = where(gateway)
    assert where(gateway) == before
    assert set(before.values()) == {"0", "1", "2"}
    after = where(gateways(pool(targets, weights=(100, 100, 0), **hashing)))
    assert {user for user in users if before[user] != after[user]} == {user for user in users if before[user] == "2"}


def test_a_cookie_is_made_where_there_is_none_to_hash(gateways, targets):
    gateway = gateways(pool(targets, hash_on="cookie", hash_on_cookie="route"))
    with requests.Session() as session:
        answers = [session.get(f"{gateway.url}/pool", timeout=10) for _ in range(10)]
    assert "route" in answers[0].cookies and "Set-Cookie" not in answers[1].headers
    assert len({answer.text for answer in answers}) == 1


def test_sticky_sessions_keep_a_client_and_leave_a_target_that_is_gone(gateways, targets):
    gateway = gateways(pool(targets, algorithm="sticky-sessions", sticky_sessions_cookie="stuck", healthchecks={"passive": {"unhealthy": {"tcp_failures": 1}}}))
    with requests.Session() as session:
        first = session.get(f"{gateway.url}/pool", timeout=10).text
        assert {session.get(f"{gateway.url}/pool", timeout=10).text for _ in range(5)} == {first}
        targets.origins[int(first)].stop()
        assert session.get(f"{gateway.url}/pool", timeout=10).text != first


def test_a_target_that_cannot_be_reached_is_passed_over_by_a_retry(gateways, targets):
    targets.origins[1].stop()
    gateway = gateways(pool(targets))
    assert sum(ask(gateway, 30).values()) == 30
    assert ask(gateway, 6).keys() <= {"0", "2"}


def test_passive_checks_take_a_failing_target_out(gateways, targets):
    checks = {"passive": {"unhealthy": {"http_failures": 3, "http_statuses": [503]}}}
    gateway = gateways(pool(targets, healthchecks=checks))
    targets.failing[1] = "503 Busy"
    statuses = [requests.get(f"{gateway.url}/pool", timeout=10).status_code for _ in range(60)]
    assert statuses.count(503) == 3
    assert "a target is unhealthy" in gateway.stderr
    # A reload that keeps the target keeps what is known of it.
    gateway.write(pool(targets, healthchecks=checks, service={"retries": 4}))
    gateway.reload()
    until(lambda: gateway.metrics().total("pellucid_config_reloads_total", result="success") >= 2, what="the reload")
    assert ask(gateway, 12).keys() == {"0", "2"}


def test_active_checks_take_a_target_out_and_back(gateways, targets):
    checks = {
        "active": {
            "http_path": "/health", "healthy": {"interval": 0.1, "successes": 2}, "unhealthy": {"interval": 0.1, "http_failures": 2, "tcp_failures": 2},
            "headers": {"x-probe": ["yes"]},
        }
    }  # fmt: skip
    gateway = gateways(pool(targets, healthchecks=checks))
    targets.failing[0] = "500 Broken"
    until(lambda: "a target is unhealthy" in gateway.stderr, what="the probe's finding")
    assert ask(gateway, 12).keys() == {"1", "2"}
    probe = next(request for request in targets.origins[0].requests if request.target == "/health")
    assert probe.header("x-probe") == "yes"
    del targets.failing[0]
    until(lambda: "a target is healthy again" in gateway.stderr, what="the recovery")
    assert ask(gateway, 12).keys() == {"0", "1", "2"}


def test_failover_targets_serve_only_when_all_others_are_out(gateways, targets):
    checks = {"passive": {"unhealthy": {"http_failures": 1, "http_statuses": [503]}}}
    gateway = gateways(pool(targets, weights=(100, 100), more_targets=[{"target": targets.address(2), "failover": True}], healthchecks=checks))
    assert ask(gateway, 10).keys() == {"0", "1"}
    targets.failing = {0: "503 Down", 1: "503 Down"}
    ask(gateway, 2)
    assert ask(gateway, 10) == {"2": 10}


def test_without_a_healthy_target_the_answer_is_503(gateways, targets):
    gateway = gateways(pool(targets, weights=(100,), healthchecks={"passive": {"unhealthy": {"tcp_failures": 1}}}))
    targets.failing[0] = "cut"
    requests.get(f"{gateway.url}/pool", timeout=10)
    answer = requests.get(f"{gateway.url}/pool", timeout=10)
    assert answer.status_code == 503
    assert json.loads(answer.text)["message"] == "failure to get a peer from the ring-balancer"


def test_a_target_by_name(gateways, targets):
    entries = [{"target": f"localhost:{targets.origins[0].port}"}]
    configuration = pool(targets, weights=())
    configuration["upstreams"][0]["targets"] = entries
    assert ask(gateways(configuration), 4) == {"0": 4}


def test_the_health_of_targets_is_a_metric_by_our_name_and_by_kongs(gateways, targets):
    checks = {"passive": {"unhealthy": {"http_failures": 1, "http_statuses": [503]}}}
    configuration = pool(targets, weights=(100, 100), healthchecks=checks)
    configuration["plugins"] = [{"name": "prometheus", "config": {"upstream_health_metrics": True}}]
    gateway = gateways(configuration)
    ask(gateway, 4)
    kong = {"upstream": "pool.internal", "target": targets.address(1), "address": targets.address(1), "subsystem": "http"}

    def states(page) -> dict:
        return {state: page.values("kong_upstream_target_health", state=state, **kong) for state in ("healthchecks_off", "healthy", "unhealthy", "dns_error")}

    page = gateway.metrics()
    assert states(page) == {"healthchecks_off": [0], "healthy": [1], "unhealthy": [0], "dns_error": [0]}
    assert page.values("pellucid_upstream_target_healthy", upstream="pool.internal") == [1, 1]
    targets.failing[1] = "503 Busy"
    ask(gateway, 4)
    page = gateway.metrics()
    assert states(page) == {"healthchecks_off": [0], "healthy": [0], "unhealthy": [1], "dns_error": [0]}
    assert page.values("pellucid_upstream_target_healthy", target=targets.address(1)) == [0]
    assert page.total("pellucid_upstream_target_in_flight") == 0
    # A target that a reload takes away is shown no more.
    gateway.write(pool(targets, weights=(100,)))
    gateway.reload()
    until(lambda: gateway.metrics().total("pellucid_config_reloads_total", result="success") >= 2, what="the reload")
    page = gateway.metrics()
    assert page.values("pellucid_upstream_target_healthy", upstream="pool.internal") == [1]
    assert "kong_upstream_target_health" not in page.names()
