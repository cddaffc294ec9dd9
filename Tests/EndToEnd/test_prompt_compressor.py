"""ai-prompt-compressor with the official client: in the gateway itself, and by a stand-in for Kong's service."""

import http.server
import json
import threading

import openai
import pytest

from support.configuration import llm_service, plugin

TEXT = (
    "Please could you very kindly summarize the quarterly report for the board? It was really quite a good year, and we are just very happy about it. "
    "Revenue grew by 12.5% in Europe. Do not mention the lawsuit. Keep `let x = 41 + 1` and \"this exact quotation\"."
)


class Compressor(http.server.BaseHTTPRequestHandler):
    """Speaks Kong's compressor API: keeps the first word."""

    protocol_version = "HTTP/1.1"

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append((self.path, asked))
        texts = []
        for item in asked["text"]:
            counts = {"msg_id": item["msg_id"], "original_token_count": 50, "compress_token_count": 1, "save_token_count": 49}
            texts.append({"msg_id": item["msg_id"], "compress_prompt": item["text"].split()[0], "compressor_results": counts})
        body = json.dumps({"text": texts, "duration": 1}).encode()
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


@pytest.fixture
def compressor():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Compressor)
    server.asked, server.status = [], 200
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    thread.join(10)
    server.server_close()


def compressed(**config) -> dict:
    return plugin("ai-prompt-compressor", compression_ranges=[{"min_tokens": 0, "max_tokens": 100_000, "value": 0.5}], **config)


def sent(provider) -> str:
    return json.loads(provider.requests[-1].body)["messages"][-1]["content"]


def test_a_prompt_becomes_shorter_and_the_evidence_says_by_how_much(gateways, client_of, provider):
    gateway = gateways({"services": [llm_service(provider.base, prefix="/zip", name="zip", plugins=[compressed()])]})
    client_of(f"{gateway.url}/zip/v1", key=None).chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": TEXT}])
    said = sent(provider)
    assert len(said) < 0.75 * len(TEXT)
    for kept in ["12.5%", "`let x = 41 + 1`", '"this exact quotation"', "not", "lawsuit"]:
        assert kept in said
    evidence = gateway.audit.wait_for_requests(1)[-1]["ai"]["compressor"]
    assert evidence["save_token_count"] == evidence["original_token_count"] - evidence["compress_token_count"] > 10
    # The catalog's price of a million input tokens.
    assert evidence["save_cost"] == pytest.approx(evidence["save_token_count"] * 2.5 / 1e6)
    assert "lawsuit" not in gateway.audit_path.read_text()


def test_kongs_service_compresses_and_its_failure_ends_the_request_unless_told_otherwise(gateways, client_of, provider, compressor):
    url = f"http://127.0.0.1:{compressor.server_address[1]}"
    gateway = gateways(
        {
            "services": [
                llm_service(provider.base, prefix="/svc", name="svc", plugins=[compressed(compressor_url=url)]),
                llm_service(provider.base, prefix="/soft", name="soft", plugins=[compressed(compressor_url=url, stop_on_error=False)]),
            ]
        }
    )

    def say(prefix: str):
        return client_of(f"{gateway.url}/{prefix}/v1", key=None).chat.completions.create(model="m", messages=[{"role": "user", "content": TEXT}])

    say("svc")
    assert sent(provider) == "Please"
    path, asked = compressor.asked[0]
    assert path == "/llm/v1/compressPrompt" and asked["compressor_type"] == "rate" and asked["text"] == [{"msg_id": 1, "text": TEXT}]
    compressor.status = 503
    with pytest.raises(openai.InternalServerError):
        say("svc")
    say("soft")
    assert sent(provider) == TEXT
    line = gateway.audit.wait_for_requests(3)[-1]
    assert line["ai"]["compressor"]["error"] == "compressor_service_status"
