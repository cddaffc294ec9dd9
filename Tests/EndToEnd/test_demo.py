"""`pellucid demo`: the main job with no key and no network, and a printed command that works."""

import os
import pathlib
import re
import subprocess

import pytest
import requests
import yaml

from support.gateway import binary
from support.ports import free_port
from support.waiting import until


@pytest.fixture(scope="module")
def demo(module_gateways):
    return module_gateways(verb="demo")


def test_the_printed_curl_works(demo):
    command = until(lambda: re.search(r"^\s*(curl (?:.*\\\n)*.*)", demo.stderr, re.M), what="a curl command")[1]
    result = subprocess.run(["bash", "-c", command + " -sS --max-time 20"], capture_output=True, text=True, timeout=30)
    assert result.returncode == 0, result.stderr
    assert "error" not in result.stdout.lower()[:200] and len(result.stdout) > 20


def chat_url(demo) -> str:
    return until(lambda: re.search(r"http://127\.0\.0\.1:\d+/\S*chat/completions", demo.stderr), what="the chat address")[0]


def test_chat_and_stream_with_the_official_client(demo, client_of):
    client = client_of(chat_url(demo).removesuffix("/chat/completions"), key=key_of(demo))
    model = until(lambda: re.search(r'"model":\s*"([^"]+)"', demo.stderr), what="a model name")[1]
    messages = [{"role": "user", "content": "Hello"}]
    assert client.chat.completions.create(model=model, messages=messages).choices[0].message.content
    assert len(list(client.chat.completions.create(model=model, messages=messages, stream=True))) > 2


def key_of(demo) -> str | None:
    found = re.search(r"apikey: ?([\w-]+)", demo.stderr)
    return found[1] if found else None


def test_metrics_show_the_traffic(demo):
    assert "http_server_request_duration_seconds_count" in requests.get(f"{demo.status_url}/metrics", timeout=5).text


def test_the_provider_serves_alone(client_of):
    """What the stack of containers is tried with: no gateway, no key, and a signal ends it."""
    command = [binary(), "demo", "--provider-listen", f"127.0.0.1:{free_port()}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as provider:
        try:
            address = re.search(r"http://127\.0\.0\.1:\d+", provider.stdout.readline())[0]
            client = client_of(f"{address}/v1", key="any")
            messages = [{"role": "user", "content": "Hello"}]
            assert client.chat.completions.create(model="demo-fast", messages=messages).usage.total_tokens > 0
            failing = requests.post(f"{address}/v1/chat/completions", json={"model": "demo-error-429", "messages": messages}, timeout=5)
            assert failing.status_code == 429
        finally:
            provider.terminate()
        assert provider.wait(timeout=10) == 0


def test_an_address_that_is_none_is_refused():
    result = subprocess.run([binary(), "demo", "--provider-listen", "nowhere"], capture_output=True, text=True, timeout=10)
    assert result.returncode != 0 and "nowhere" in result.stderr


def test_the_stack_of_containers_has_a_valid_configuration():
    """With the provider that the stack brings along, and with the environment that its compose file sets."""
    stack = pathlib.Path(__file__).parents[2] / "otel-collector" / "stack"
    gateway = yaml.safe_load((stack / "compose.yaml").read_text())["services"]["pellucid"]
    environment = {key: re.sub(r"\$\{\w+:-(.*)\}", r"\1", str(value)) for key, value in gateway["environment"].items()}
    result = subprocess.run([binary(), "validate", str(stack / "gateway.yaml")], capture_output=True, text=True, timeout=10, env={**os.environ, **environment})
    assert result.returncode == 0, result.stderr
