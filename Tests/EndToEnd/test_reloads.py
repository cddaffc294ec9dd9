"""Many reloads under load: no request fails, and nothing is left behind by the configurations that went."""

import json
import pathlib
import threading

import requests

from support import names
from support.configuration import consumer, key_auth, plain_service, plugin
from support.receivers import JSONReceiver
from support.waiting import until


def configuration(gateway, origin, number: int) -> str:
    """Services, upstreams, consumers and credentials enough that a leak of one of them shows. JSON, which is written faster than YAML."""
    target = {"target": f"127.0.0.1:{origin.port}", "weight": number % 7 + 1}
    services = [plain_service(origin.port)] + [
        {"name": f"s{index}", "host": f"up{index}.internal", "routes": [{"name": f"r{index}", "paths": [f"/s{index}/{number}"]}]} for index in range(50)
    ]
    document = {
        "_format_version": "3.0",
        "_pellucid": {"audit": {"path": str(gateway.audit_path)}},
        "services": services,
        "upstreams": [{"name": f"up{index}.internal", "targets": [target]} for index in range(50)],
        "consumers": [consumer(f"user-{index}-{number}", f"key-{index}-{number}") for index in range(50)] + [consumer()],
        "plugins": [key_auth()],
    }
    return json.dumps(document)


def test_reloads_under_load(gateways, origin, pytestconfig):
    reloads = pytestconfig.getoption("--reloads")
    gateway = gateways({"services": [plain_service(origin.port)], "consumers": [consumer()], "plugins": [key_auth()]})
    failures, over, served = [], threading.Event(), [0] * 4

    def load(index):
        with requests.Session() as session:
            while not over.is_set():
                try:
                    answer = session.get(f"{gateway.url}/plain", headers={"apikey": consumer()["keyauth_credentials"][0]["key"]}, timeout=10)
                    if answer.text != "hello":
                        failures.append((answer.status_code, answer.text[:200]))
                    served[index] += 1
                except requests.RequestException as problem:
                    failures.append(repr(problem))

    threads = [threading.Thread(target=load, args=(index,)) for index in range(4)]
    for thread in threads:
        thread.start()
    try:
        warm = 0
        for number in range(1, reloads + 1):
            before = active(gateway)
            gateway.write(configuration(gateway, origin, number))
            gateway.reload()
            until(lambda before=before: active(gateway) != before, what=f"reload {number}", timeout=20, interval=0.002)
            if number == reloads // 4:
                warm = gateway.resident_bytes()
                descriptors = open_descriptors(gateway)
    finally:
        over.set()
        for thread in threads:
            thread.join()
    assert not failures, failures[:5]
    assert min(served) > 0
    # What a quarter of the reloads reached is what all of them may have, give or take what allocators keep.
    assert gateway.resident_bytes() - warm < 24 << 20
    assert open_descriptors(gateway) <= descriptors + 8
    page = gateway.metrics()
    assert page.total("pellucid_config_reloads_total", result="success") > reloads
    assert page.total("pellucid_config_reloads_total", result="failure") == 0


def active(gateway) -> str:
    """The hash of the configuration that serves now."""
    return requests.get(f"{gateway.status_url}/status", timeout=10).json()["configuration_hash"]


def open_descriptors(gateway) -> int:
    return len(list(pathlib.Path(f"/proc/{gateway.pid}/fd").iterdir()))


def test_a_configuration_that_is_refused_leaves_no_sink_behind(gateways, origin, collector):
    """What is wrong with it shows only once its plugins are made: by then its log plugins have theirs."""
    gateway = gateways({"services": [plain_service(origin.port)]})
    pushed = {"endpoint": f"{collector.endpoint}/v1/metrics", "push_interval": 0.05}
    bad = {"name": "ai-prompt-decorator", "config": {"llm_format": "gemini", "prompts": {"prepend": [{"role": "system", "content": "x"}]}}}
    # The gateway watches its file; a signal besides would load it twice.
    gateway.write({"services": [plain_service(origin.port)], "plugins": [{"name": "opentelemetry", "config": {"metrics": pushed}}, bad]})
    until(lambda: "configuration not reloaded" in gateway.stderr, what="the refusal")
    until(lambda: "a sink is no longer configured and was closed" in gateway.stderr, what="the sink of the refused configuration to be closed")
    before = len(collector.everything())
    with requests.Session() as session:
        for _ in range(20):
            assert session.get(f"{gateway.url}/plain", timeout=5).text == "hello"
            threading.Event().wait(0.02)
    assert len(collector.everything()) == before, "metrics are still pushed where a refused configuration wanted them"


def test_logs_that_wait_survive_a_reload_that_changes_their_plugin(gateways, origin):
    """The receiver is away, a timeout is changed, the receiver comes back: every request is there, without a restart."""
    receiver = JSONReceiver()
    receiver.script = [503] * 100_000
    queue = {"max_coalescing_delay": 0.05, "initial_retry_delay": 0.05, "max_retry_delay": 0.2}

    def configuration(timeout: int) -> dict:
        return {"services": [plain_service(origin.port)], "plugins": [plugin("http-log", http_endpoint=receiver.url, timeout=timeout, queue=queue)]}

    try:
        gateway = gateways(configuration(5000))
        for _ in range(3):
            assert requests.get(f"{gateway.url}/plain", timeout=5).text == "hello"
        until(lambda: len(receiver.script) < 100_000, what="a first try")
        gateway.write(configuration(4000))
        gateway.reload()
        until(lambda: "a sink is no longer configured and was closed" in gateway.stderr, what="the first sink to be closed")
        assert requests.get(f"{gateway.url}/plain", timeout=5).text == "hello"
        receiver.script = []
        entries = receiver.wait_for(4)
        assert {entry["request"]["id"] for entry in entries} == {line["request"]["id"] for line in gateway.audit.wait_for_requests(4)}
        assert gateway.metrics().total("pellucid_telemetry_dropped_total", consumer="http-log") == 0
        until(lambda: gateway.metrics().total(names.UNACCOUNTED) == 0, what="the conservation gauge at 0")
    finally:
        receiver.stop()
