"""A real Phoenix (https://pypi.org/project/arize-phoenix/) receives the spans of a gateway and reads them back. Run by `make test-phoenix`, outside
the default run, because its packages take a gigabyte."""

import os
import pathlib
import subprocess
import sys

import openai
import pytest
import requests

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "Tests" / "EndToEnd"))

from support.configuration import CLIENT_KEY, everything, telemetry_environment  # noqa: E402
from support.gateway import Gateway  # noqa: E402
from support.ports import free_port  # noqa: E402
from support.provider import Provider  # noqa: E402
from support.waiting import until  # noqa: E402

HELLO = [{"role": "user", "content": "hi"}]


class Phoenix:
    def __init__(self, directory: pathlib.Path):
        self.port = free_port()
        self.endpoint = f"http://127.0.0.1:{self.port}"
        self._log = open(directory / "phoenix.log", "wb")
        environment = {
            **os.environ, "PHOENIX_WORKING_DIR": str(directory), "PHOENIX_HOST": "127.0.0.1", "PHOENIX_PORT": str(self.port), "PHOENIX_GRPC_PORT": str(free_port()),
            "PHOENIX_TELEMETRY_ENABLED": "false",
        }  # fmt: skip
        command = [str(ROOT / ".venv-phoenix" / "bin" / "phoenix"), "serve"]
        self.process = subprocess.Popen(command, env=environment, stdout=self._log, stderr=self._log, stdin=subprocess.DEVNULL)

        def answers():
            assert self.process.poll() is None, (directory / "phoenix.log").read_text()[-3000:]
            try:
                return requests.get(f"{self.endpoint}/healthz", timeout=2).ok
            except requests.ConnectionError:
                return False

        until(answers, timeout=180, what="Phoenix", interval=0.5)

    def spans(self) -> list[dict]:
        answer = requests.get(f"{self.endpoint}/v1/projects/default/spans", params={"limit": 1000}, timeout=20)
        answer.raise_for_status()
        return answer.json()["data"]

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(30)
        self._log.close()


@pytest.fixture
def phoenix(tmp_path):
    server = Phoenix(tmp_path)
    yield server
    server.stop()


@pytest.fixture
def provider():
    server = Provider().start()
    yield server
    server.stop()


def test_phoenix_reads_back_what_was_sent(phoenix, provider, tmp_path):
    directory = tmp_path / "gateway"
    directory.mkdir()
    gateway = Gateway(everything(provider), directory=directory, environment=telemetry_environment(phoenix)).wait_ready()
    try:
        client = openai.OpenAI(base_url=f"{gateway.url}/v1", api_key="unused", default_headers={"apikey": CLIENT_KEY}, max_retries=0)
        client.chat.completions.create(model="gpt-fake", messages=HELLO)
        list(client.chat.completions.create(model="tokens-9", messages=HELLO, stream=True, stream_options={"include_usage": True}))
        with pytest.raises(openai.InternalServerError):
            client.chat.completions.create(model="status-500", messages=HELLO)
        assert requests.get(f"{gateway.url}/v1/models", timeout=5).status_code in (401, 404)
        lines = gateway.audit.wait_for_requests(4)
        traces = {line["trace_id"]: line for line in lines}
        expected = sum(1 + len(line["stages"]) + len(line["tries"]) for line in lines)
        spans = until(lambda: len(found := [span for span in phoenix.spans() if span["context"]["trace_id"] in traces]) >= expected and found, timeout=60, what=f"{expected} spans in Phoenix")
    finally:
        assert gateway.stop() == 0
    assert len(spans) == expected and {span["context"]["trace_id"] for span in spans} == set(traces)
    ids = {span["context"]["span_id"] for span in spans}
    assert all(span["parent_id"] is None or span["parent_id"] in ids for span in spans), "no span hangs in the air"
    chats = [span for span in spans if span["name"].startswith("chat ")]
    assert {span["name"] for span in chats} == {"chat gpt-fake", "chat tokens-9", "chat status-500"}

    def usage(span: dict) -> tuple:
        flat = span["attributes"]
        return flat.get("gen_ai.usage.input_tokens"), flat.get("gen_ai.usage.output_tokens")

    for span in chats:
        line = traces[span["context"]["trace_id"]]
        if line["usage"]["source"] != "none":
            assert usage(span) == (line["usage"]["input_tokens"], line["usage"]["output_tokens"])
    assert next(span for span in chats if span["name"] == "chat status-500")["status_code"] == "ERROR"
