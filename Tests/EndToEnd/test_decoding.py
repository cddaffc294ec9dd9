"""Content codings of upstreams: taken off where something reads the answer, passed on as they are where nothing does."""

import gzip
import json
import zlib

import brotli
import pytest
import requests

from support.configuration import llm_service, plain_service
from support.raw import Connection, Origin, respond

ANSWER = {
    "id": "1", "object": "chat.completion", "created": 1, "model": "m", "usage": {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7},
    "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "hello " * 5_000}}],
}  # fmt: skip
EVENTS = "".join(f'data: {{"id":"1","choices":[{{"index":0,"delta":{{"content":"t{n}"}}}}]}}\n\n' for n in range(50))
EVENTS += 'data: {"id":"1","choices":[],"usage":{"prompt_tokens":3,"completion_tokens":50,"total_tokens":53}}\n\ndata: [DONE]\n\n'
CODINGS = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "br": brotli.compress,
}


def raw_deflate(data: bytes) -> bytes:
    coder = zlib.compressobj(wbits=-15)
    return coder.compress(data) + coder.flush()


def origin_with(coding, encode, change=lambda data: data):
    def script(connection, request):
        is_stream = b'"stream": true' in request.body or b'"stream":true' in request.body
        kind = "text/event-stream" if is_stream else "application/json"
        body = change(encode(EVENTS.encode() if is_stream else json.dumps(ANSWER).encode()))
        respond(connection, body, headers={"Content-Type": kind, "Content-Encoding": coding, "ETag": '"tag"'})

    return Origin(script)


def ask(gateway, stream=False, **options):
    body = {"model": "m", "messages": [{"role": "user", "content": "hi"}], **({"stream": True} if stream else {})}
    return requests.post(f"{gateway.url}/v1/chat/completions", json=body, timeout=10, **options)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("coding, encode", [*CODINGS.items(), ("deflate", raw_deflate), ("gzip", lambda data: gzip.compress(data[:100]) + gzip.compress(data[100:]))])
def test_a_coded_answer_of_a_model_is_read(gateways, coding, encode, stream):
    origin = origin_with(coding, encode)
    try:
        gateway = gateways({"services": [llm_service(f"http://127.0.0.1:{origin.port}", logging={"log_statistics": True})]})
        answer = ask(gateway, stream)
        assert answer.status_code == 200 and "Content-Encoding" not in answer.headers
        assert origin.requests[0].header("Accept-Encoding") == "identity"
        if stream:
            assert answer.text.count("data: ") >= 51
        else:
            assert answer.json() == ANSWER
        line = gateway.audit.wait_for_requests(1)[0]
        assert line["ai"]["proxy"]["usage"]["completion_tokens"] == (50 if stream else 4)
    finally:
        origin.stop()


@pytest.mark.parametrize("change", [lambda data: data[: len(data) // 2], lambda data: data[:20] + b"\xff" * 20 + data[40:]])
def test_a_broken_coding_is_a_failure_of_the_upstream(gateways, change):
    origin = origin_with("gzip", gzip.compress, change)
    try:
        gateway = gateways({"services": [llm_service(f"http://127.0.0.1:{origin.port}", name="llm")]})
        try:
            answer = ask(gateway)
            assert answer.status_code >= 500
        except requests.RequestException:
            pass  # the head was out: the client sees that the answer is cut
        assert "content_coding" in str(gateway.audit.wait_for_requests(1)[0])
    finally:
        origin.stop()


@pytest.mark.parametrize("coding, encode", CODINGS.items())
def test_what_nobody_reads_passes_as_it_is(gateways, coding, encode):
    body = encode(b"plain text " * 1000)
    origin = Origin(lambda connection, request: respond(connection, body, headers={"Content-Encoding": coding}))
    try:
        gateway = gateways({"services": [plain_service(origin.port)]})
        with Connection.open(gateway.proxy_port) as raw:
            raw.send(f"GET /plain HTTP/1.1\r\nHost: a\r\nAccept-Encoding: {coding}\r\n\r\n")
            answer = raw.response()
        assert answer.body == body and answer.header("Content-Encoding") == coding
        assert origin.requests[0].header("Accept-Encoding") == coding
    finally:
        origin.stop()
