"""Many reloads under load: no request fails, and nothing is left behind by the configurations that went."""

import json
import pathlib
import threading

import requests

from support.configuration import consumer, key_auth, plain_service
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
