"""ai-sanitizer with the official client and a model that repeats what it is told, piece by piece."""

import http.server
import json
import subprocess
import threading

import openai
import pytest

from support.configuration import llm_service, plugin
from support.gateway import binary
from support.waiting import until

TEXT = 'Mail jane@example.com or call (555) 123-4567, card 4111 1111 1111 1111, again jane@example.com'
REDACTED = "Mail PLACEHOLDER1 or call PLACEHOLDER2, card PLACEHOLDER3, again PLACEHOLDER1"


class Echo(http.server.BaseHTTPRequestHandler):
    """Answers with the last message, one character an event where a stream is asked for."""

    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        said = body["messages"][-1]["content"]
        self.server.seen.append(said)
        said = self.server.rewrite(said)
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
    server.rewrite = lambda said: said
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


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_what_comes_back_and_what_stands_for_nothing_is_counted(gateway, client_of, echo, stream):
    client = client_of(f"{gateway.url}/clean/v1", key=None)
    # The model makes up a third placeholder where the request has two.
    echo.rewrite = lambda said: said + ", PLACEHOLDER7"
    answer = client.chat.completions.create(model="m", messages=[{"role": "user", "content": "jane@example.com, (555) 123-4567"}], stream=stream)
    said = "".join(c.choices[0].delta.content or "" for c in answer) if stream else answer.choices[0].message.content
    assert said == "jane@example.com, (555) 123-4567, PLACEHOLDER7"

    def counts():
        page = gateway.metrics()
        return [page.total(f"pellucid_sanitizer_placeholders_{name}_total") for name in ("restored", "unknown")]

    until(lambda: counts() == [2, 1], what="the counters")


def test_a_prompt_with_personal_data_is_refused_where_that_is_configured(gateway, client_of, echo):
    with pytest.raises(openai.BadRequestError) as caught:
        client_of(f"{gateway.url}/strict/v1", key=None).chat.completions.create(model="m", messages=[{"role": "user", "content": TEXT}])
    assert "EMAIL_ADDRESS (2)" in caught.value.body["message"]
    assert not echo.seen
    assert gateway.audit.wait_for_requests(1)[-1]["ai"]["sanitizer"]["input_block_source"] == "ai-sanitizer"


def test_kongs_default_finds_people_and_places_in_nine_languages(gateways, client_of, echo):
    texts = {
        "My name is Emily Carter and I live in Boston.": "My name is PLACEHOLDER1 and I live in PLACEHOLDER2.",
        "Ich heiße Hans Müller und wohne in Hamburg.": "Ich heiße PLACEHOLDER1 und wohne in PLACEHOLDER2.",
        "Je m'appelle Camille Dupont et j'habite à Lyon.": "Je m'appelle PLACEHOLDER1 et j'habite à PLACEHOLDER2.",
        "Me llamo Lucía Fernández y vivo en Sevilla.": "Me llamo PLACEHOLDER1 y vivo en PLACEHOLDER2.",
        "Mi chiamo Giulia Bianchi e abito a Torino.": "Mi chiamo PLACEHOLDER1 e abito a PLACEHOLDER2.",
        "Meu nome é João Pereira e moro em Lisboa.": "Meu nome é PLACEHOLDER1 e moro em PLACEHOLDER2.",
        "Benim adım Mehmet Yılmaz ve İzmir'de yaşıyorum.": "Benim adım PLACEHOLDER1 ve PLACEHOLDER2'de yaşıyorum.",
        "私の名前は佐藤健一です。横浜市に住んでいます。": "私の名前はPLACEHOLDER1です。PLACEHOLDER2に住んでいます。",
        "제 이름은 김영수이고 부산에 살고 있습니다.": "제 이름은 PLACEHOLDER1이고 PLACEHOLDER2에 살고 있습니다.",
    }
    base = f"http://127.0.0.1:{echo.server_address[1]}"
    gateway = gateways({"services": [llm_service(base, prefix="/all", name="all", plugins=[plugin("ai-sanitizer")])]})
    client = client_of(f"{gateway.url}/all/v1", key=None)
    for text in texts:
        answer = client.chat.completions.create(model="m", messages=[{"role": "user", "content": text}])
        assert answer.choices[0].message.content == text
    assert echo.seen == list(texts.values())


class PIIService(http.server.BaseHTTPRequestHandler):
    """Speaks Kong's PII service API: replaces one name, or fails."""

    protocol_version = "HTTP/1.1"

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append((self.path, asked))
        texts = []
        for item in asked["text"]:
            found = "Emil" in item["text"]
            result = {"start": 0, "end": 4, "entity_type": "PERSON", "original_text": "Emil", "redact_text": "PLACEHOLDER1"}
            texts.append({"msg_id": item["msg_id"], "sanitized_text": item["text"].replace("Emil", "PLACEHOLDER1"), "analyzer_results": [result] if found else []})
        body = json.dumps({"text": texts, "identified_pii": ["general"], "anonymized_pii": ["general"], "detected_languages": ["en"], "duration": 1}).encode()
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


@pytest.fixture
def pii_service():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), PIIService)
    server.asked, server.status = [], 200
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    thread.join(10)
    server.server_close()


def ask(client, text: str, stream: bool) -> str:
    answer = client.chat.completions.create(model="m", messages=[{"role": "user", "content": text}], stream=stream)
    return "".join(chunk.choices[0].delta.content or "" for chunk in answer) if stream else answer.choices[0].message.content


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
def test_answers_are_cleaned_whole_and_one_character_an_event(gateways, client_of, echo, stream):
    base = f"http://127.0.0.1:{echo.server_address[1]}"
    gateway = gateways({"services": [llm_service(base, prefix="/out", name="out", plugins=[plugin("ai-sanitizer", sanitization_mode="OUTPUT")])]})
    text = "Ask Peter Miller at bob@example.org. He is in Hamburg! His number is (555) 123-4567.\nThat is all."
    said = ask(client_of(f"{gateway.url}/out/v1", key=None), text, stream)
    assert echo.seen == [text]
    assert said == "Ask PLACEHOLDER1 at PLACEHOLDER2. He is in PLACEHOLDER3! His number is PLACEHOLDER4.\nThat is all."
    line = gateway.audit.wait_for_requests(1)[-1]
    assert line["ai"]["sanitizer"]["output_pii_sanitized"] == 4
    evidence = gateway.audit_path.read_text() + gateway.stderr
    assert "Miller" not in evidence and "bob@" not in evidence


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
def test_synthetic_values_go_to_the_model_and_the_originals_come_back(gateways, client_of, echo, stream):
    base = f"http://127.0.0.1:{echo.server_address[1]}"
    gateway = gateways({"services": [llm_service(base, prefix="/fake", name="fake", plugins=[plugin("ai-sanitizer", redact_type="synthetic")])]})
    text = "I am Emily Carter, mail jane@corp.example.com, card 4111 1111 1111 1111, Emily Carter again."
    assert ask(client_of(f"{gateway.url}/fake/v1", key=None), text, stream) == text
    (sent,) = echo.seen
    assert "Emily" not in sent and "jane@" not in sent and "4111 1111 1111 1111" not in sent and "PLACEHOLDER" not in sent
    assert "@example.com" in sent


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
def test_kongs_service_is_asked_where_it_is_named(gateways, client_of, echo, pii_service, stream):
    base = f"http://127.0.0.1:{echo.server_address[1]}"
    port = pii_service.server_address[1]
    sanitizer = plugin("ai-sanitizer", host="127.0.0.1", port=port, anonymize=["general"], sanitization_mode="BOTH")
    gateway = gateways({"services": [llm_service(base, prefix="/svc", name="svc", plugins=[sanitizer])]})
    client = client_of(f"{gateway.url}/svc/v1", key=None)
    assert ask(client, "I am Emil.", stream) == "I am Emil."
    assert echo.seen == ["I am PLACEHOLDER1."]
    path, asked = pii_service.asked[0]
    assert path == "/llm/v1/sanitize" and asked["anonymize"] == ["general"] and asked["options"] == {"redact_type": "placeholder"}
    pii_service.status = 503
    with pytest.raises(openai.InternalServerError):
        ask(client, "I am Emil.", stream)
    assert len(echo.seen) == 1


def test_the_detector_by_itself():
    lines = '{"text": "I am Emily Carter"}\nno json\n{"text": "nothing here"}\n'
    done = subprocess.run([binary(), "pii", "scan"], input=lines, capture_output=True, text=True, timeout=30)
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 1
    assert answers[0] == {"spans": [{"start": 5, "end": 17, "type": "PERSON", "score": 0.94}]}
    assert "error" in answers[1] and answers[1]["spans"] == [] and answers[2] == {"spans": []}
    only = subprocess.run([binary(), "pii", "scan", "--plain", "--types", "EMAIL_ADDRESS"], input="Emily a@example.com\n", capture_output=True, text=True, timeout=30)
    assert only.returncode == 0 and json.loads(only.stdout)["spans"] == [{"start": 6, "end": 19, "type": "EMAIL_ADDRESS", "score": 0.99}]
