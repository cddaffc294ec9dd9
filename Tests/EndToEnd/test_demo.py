"""`pellucid demo`: the main job with no key and no network, and a printed command that works."""

import re
import subprocess

import pytest
import requests

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
