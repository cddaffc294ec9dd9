"""ai-sanitizer with the official client and a model that repeats what it is told, piece by piece."""

import http.server
import json
import threading

import openai
import pytest

from support.configuration import llm_service, plugin

TEXT = 'Mail jane@example.com or call (555) 123-4567, card 4111 1111 1111 1111, again jane@example.com'
REDACTED = "Mail PLACEHOLDER1 or call PLACEHOLDER2, card PLACEHOLDER3, again PLACEHOLDER1"


class Echo(http.server.BaseHTTPRequestHandler):
    """Answers with the last message, one character an event where a stream is asked for."""

    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        said = body["messages"][-1]["content"]
        self.server.seen.append(said)
        if body.get("stream"):
            events = [{"index": 0, "delta": {"content": character}, "finish_reason": None} for character in said] + [{"index": 0, "delta": {}, "finish_reason": "stop"}]
            data = "".join(f"data: {json.dumps({'id': 'c', 'object': 'chat.completion.chunk', 'created': 1, 'model': 'm', 'choices': [event]})}\n\n" for event in events)
            self.answer("text/event-stream", (data + "data: [DONE]\n\n").encode())
        else:
            choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": said}}
            self.answer("application/json", json.dumps({"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice]}).encode())

    def answer(self, kind: str, body: bytes):
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


@pytest.fixture
def echo():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    server.seen = []
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    thread.join(10)
    server.server_close()


@pytest.fixture
def gateway(gateways, echo):
    base = f"http://127.0.0.1:{echo.server_address[1]}"
    kinds = ["email", "phone", "creditcard"]
    return gateways(
        {
            "services": [
                llm_service(base, prefix="/clean", name="clean", plugins=[plugin("ai-sanitizer", anonymize=kinds)]),
                llm_service(base, prefix="/strict", name="strict", plugins=[plugin("ai-sanitizer", anonymize=kinds, block_if_detected=True)]),
            ]
        }
    )


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
def test_the_model_sees_placeholders_and_the_client_its_own_data(gateway, client_of, echo, stream):
    client = client_of(f"{gateway.url}/clean/v1", key=None)
    answer = client.chat.completions.create(model="m", messages=[{"role": "user", "content": TEXT}], stream=stream)
    said = "".join(chunk.choices[0].delta.content or "" for chunk in answer) if stream else answer.choices[0].message.content
    assert said == TEXT
    assert echo.seen == [REDACTED]
    line = gateway.audit.wait_for_requests(1)[-1]
    assert line["ai"]["sanitizer"]["pii_identified"] == 4
    assert line["ai"]["sanitizer"]["restored_count"] == 4
    evidence = gateway.audit_path.read_text() + gateway.stderr
    assert "jane@" not in evidence and "4111" not in evidence and "123-4567" not in evidence


def test_a_prompt_with_personal_data_is_refused_where_that_is_configured(gateway, client_of, echo):
    with pytest.raises(openai.BadRequestError) as caught:
        client_of(f"{gateway.url}/strict/v1", key=None).chat.completions.create(model="m", messages=[{"role": "user", "content": TEXT}])
    assert "EMAIL_ADDRESS (2)" in caught.value.body["message"]
    assert not echo.seen
    assert gateway.audit.wait_for_requests(1)[-1]["ai"]["sanitizer"]["input_block_source"] == "ai-sanitizer"


def test_what_is_not_detected_is_refused_before_the_gateway_starts(gateways):
    gateway = gateways({"services": [llm_service("http://127.0.0.1:9", plugins=[plugin("ai-sanitizer")])]}, wait=False)
    gateway.wait_for_failure()
    assert "all_and_credentials cannot be served yet" in gateway.stderr
