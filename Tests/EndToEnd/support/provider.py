"""A fake LLM provider that speaks OpenAI's format, Anthropic's below `/messages` and Gemini's below `:generateContent`, and misbehaves on demand.

The request's model (or the header `x-fake-model`, which wins) says how to answer:

    anything             a good answer
    status-N             an error N in OpenAI's shape; 429 carries Retry-After
    tokens-N             a stream (or answer) of N tokens
    mute-N               the same in OpenAI's format, without usage
    slow-N-M             N tokens, M milliseconds apart
    gate                 one token, then nothing until `release()`
    hang                 no answer at all until `release()`
    cut-N                N tokens, then the connection is cut
    garbage              200 with half a JSON document
    huge-N               an answer with N bytes of content
    says-HEX             what the hexadecimal digits spell in UTF-8, a character an event
"""

import asyncio
import base64
import dataclasses
import json
import struct
import threading
import time

from aiohttp import web

from .ports import free_port
from .waiting import until

ANSWER = "Hello from the fake provider."
PROMPT_TOKENS = 11


@dataclasses.dataclass
class Recorded:
    """One request as the provider saw it."""

    method: str
    path: str
    query: dict
    headers: list
    body: bytes
    started: float
    model: str = ""
    finished: float | None = None
    cancelled: float | None = None

    @property
    def json(self) -> dict:
        return json.loads(self.body)

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)

    def header_names(self) -> list[str]:
        return [key.lower() for key, _ in self.headers]


class Provider:
    """The server, in a thread of its own with its own event loop."""

    def __init__(self):
        self.port = free_port()
        self.base = f"http://127.0.0.1:{self.port}"
        self.requests: list[Recorded] = []
        self._loop = asyncio.new_event_loop()
        self._released = None
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._started = threading.Event()

    def start(self) -> "Provider":
        self._thread.start()
        assert self._started.wait(10), "the fake provider did not start"
        return self

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def release(self) -> None:
        """Lets everything that waits at the gate go on, now and later, until `close_gate`."""
        self._loop.call_soon_threadsafe(self._released.set)

    def close_gate(self) -> None:
        self._loop.call_soon_threadsafe(self._released.clear)

    def reset(self) -> None:
        self.requests.clear()
        self.close_gate()

    def wait_for(self, condition, timeout: float = 10) -> Recorded:
        """The first recorded request that meets `condition`."""
        return until(lambda: next((r for r in list(self.requests) if condition(r)), None), timeout=timeout, what="a request at the provider")

    def last(self) -> Recorded:
        return self.requests[-1]

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._released = asyncio.Event()
        self._loop.run_until_complete(self._start())
        self._started.set()
        self._loop.run_forever()
        self._loop.run_until_complete(self._runner.cleanup())

    async def _start(self) -> None:
        app = web.Application(client_max_size=64 << 20)
        app.router.add_route("*", "/{path:.*}", self._handle)
        # handler_cancellation: a client that goes away is noticed at once.
        self._runner = web.AppRunner(app, handler_cancellation=True, access_log=None, shutdown_timeout=0.5, keepalive_timeout=300)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port, backlog=1024).start()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        # `requests` lists a request as soon as its head is there; the body follows.
        record = Recorded(request.method, request.path, dict(request.query), list(request.headers.items()), b"", time.monotonic())
        self.requests.append(record)
        try:
            record.body = await request.read()
            return await self._answer(request, record)
        except (asyncio.CancelledError, ConnectionError):
            record.cancelled = time.monotonic()
            raise
        finally:
            record.finished = time.monotonic()

    async def _answer(self, request, record) -> web.StreamResponse:
        if request.path.endswith("/models"):
            return web.json_response({"object": "list", "data": [{"id": "gpt-fake", "object": "model", "created": 1, "owned_by": "fake"}]})
        from . import images, operations, vendors

        if (answer := await operations.answer(request, record.body) or images.answer(request.path, record.body)) is not None:
            return answer
        try:
            body = json.loads(record.body or b"{}")
        except ValueError:
            return error(400, "the body is not JSON")
        vendor = vendors.vendor_of(request.path)
        named = vendor.model(request.path, body) if vendor else body.get("model")
        model = record.model = request.headers.get("x-fake-model") or named or "gpt-fake"
        refuse = vendor.error if vendor else error
        # Vertex AI's name of a Llama model has its publisher in front.
        word, *numbers = model.removeprefix("meta/llama-").split("-")
        numbers = [int(n) for n in numbers if n.isdigit()]
        if word == "status":
            return refuse(numbers[0], f"refused with {numbers[0]} as asked")
        if word == "google":
            return vendors.Gemini.error(numbers[0], f"refused with {numbers[0]} by Google")
        if word == "hang":
            await self._released.wait()
        if word == "garbage":
            return web.Response(body=b'{"id": "broken", "choices": [', content_type="application/json")
        if request.path.endswith("/embeddings"):
            return web.json_response(embeddings(body, model))
        if vendor and (problem := vendor.problem(request, body)):
            return refuse(400, problem)
        tokens = [f"t{n} " for n in range(numbers[0])] if word in ("tokens", "slow", "cut", "mute") else ANSWER.split(" ")
        tokens = [token if token.endswith(" ") or index == len(tokens) - 1 else token + " " for index, token in enumerate(tokens)]
        if word == "score":
            tokens = [f"I give it {numbers[0]}."]
        if word == "huge":
            tokens = ["x" * numbers[0]]
        if word == "says":
            tokens = list(bytes.fromhex(model.rpartition("-")[2]).decode())
        if vendor.asks_stream(request.path, body) if vendor else body.get("stream"):
            delay = numbers[1] / 1000 if word == "slow" else 0
            if vendor:
                return await self._stream_of(vendor, request, body, model, tokens, delay, word)
            return await self._stream(request, body, model, tokens, delay, word)
        if word == "cut":
            request.transport.abort()
        if word == "slow":
            await asyncio.sleep(numbers[0] * numbers[1] / 1000)
        if vendor:
            return web.json_response(vendor.answer(request.path, body, model, tokens), headers=LIMIT_HEADERS)
        answer = completion(request.path, body, model, "".join(tokens), len(tokens))
        if word == "mute":
            del answer["usage"]
        return web.json_response(answer, headers=LIMIT_HEADERS)

    async def _stream_of(self, vendor, request, body, model, tokens, delay, word) -> web.StreamResponse:
        kind = getattr(vendor, "CONTENT_TYPE", "text/event-stream")
        response = web.StreamResponse(headers={"Content-Type": kind, "Cache-Control": "no-cache", **LIMIT_HEADERS})
        await response.prepare(request)
        sent = 0
        for frame, is_token in vendor.frames(request.path, body, model, tokens):
            # Gemini's last token says that the answer is complete: the cut comes before it.
            if word == "cut" and sent == max(1, len(tokens) - 1):
                request.transport.abort()
                return response
            await response.write(frame)
            sent += is_token
            if word == "gate" and is_token:
                await self._released.wait()
            if delay:
                await asyncio.sleep(delay)
        await response.write_eof()
        return response

    async def _stream(self, request, body, model, tokens, delay, word) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-cache", **LIMIT_HEADERS})
        await response.prepare(request)
        is_chat = "chat" in request.path
        base = {"id": "chatcmpl-fake", "object": "chat.completion.chunk" if is_chat else "text_completion", "created": 1, "model": model}

        async def send(choices, **more):
            await response.write(b"data: " + json.dumps({**base, "choices": choices, **more}).encode() + b"\n\n")

        wants_usage = (body.get("stream_options") or {}).get("include_usage") and word != "mute"
        null_usage = {"usage": None} if wants_usage else {}
        if is_chat and wants_tool(body):
            for delta in tool_deltas(body):
                await send([{"index": 0, "delta": delta, "finish_reason": None}], **null_usage)
        else:
            for index, token in enumerate(tokens):
                part = {"delta": {"content": token, **({"role": "assistant"} if index == 0 else {})}} if is_chat else {"text": token}
                await send([{"index": 0, **part, "finish_reason": None}], **null_usage)
                if word == "gate":
                    await self._released.wait()
                if delay:
                    await asyncio.sleep(delay)
            if word == "cut":
                request.transport.abort()
                return response
        end = {"delta": {}} if is_chat else {"text": ""}
        await send([{"index": 0, **end, "finish_reason": "tool_calls" if is_chat and wants_tool(body) else "stop"}], **null_usage)
        if wants_usage:
            await send([], usage=usage(len(tokens)))
        await response.write(b"data: [DONE]\n\n")
        await response.write_eof()
        return response


LIMIT_HEADERS = {"x-request-id": "req-fake-1", "x-ratelimit-remaining-requests": "99", "x-ratelimit-remaining-tokens": "9999"}


def usage(completion_tokens: int) -> dict:
    return {"prompt_tokens": PROMPT_TOKENS, "completion_tokens": completion_tokens, "total_tokens": PROMPT_TOKENS + completion_tokens}


def error(status: int, message: str) -> web.Response:
    headers = {"Retry-After": "7"} if status == 429 else {}
    body = {"error": {"message": message, "type": "fake_error", "param": None, "code": f"fake_{status}"}}
    return web.json_response(body, status=status, headers=headers)


def completion(path: str, body: dict, model: str, text: str, tokens: int) -> dict:
    base = {"id": "chatcmpl-fake", "created": 1, "model": model, "usage": usage(tokens)}
    if "chat" not in path:
        return {**base, "object": "text_completion", "choices": [{"index": 0, "text": text, "finish_reason": "stop", "logprobs": None}]}
    message = {"role": "assistant", "content": text, "refusal": None}
    reason = "stop"
    if wants_tool(body):
        name = body["tools"][0]["function"]["name"]
        message = {"role": "assistant", "content": None, "tool_calls": [tool_call(name)]}
        reason = "tool_calls"
    return {**base, "object": "chat.completion", "choices": [{"index": 0, "message": message, "finish_reason": reason, "logprobs": None}]}


def wants_tool(body: dict) -> bool:
    """Whether the answer is to be a call: a tool is there, and has not been called yet."""
    return bool(body.get("tools")) and not any(message.get("role") == "tool" for message in body.get("messages", []))


def tool_call(name: str) -> dict:
    return {"id": "call_1", "type": "function", "function": {"name": name, "arguments": '{"city": "Łódź"}'}}


def tool_deltas(body: dict) -> list[dict]:
    call = tool_call(body["tools"][0]["function"]["name"])
    arguments = call["function"]["arguments"]
    first = {**call, "index": 0, "function": {**call["function"], "arguments": ""}}
    rest = [{"index": 0, "function": {"arguments": arguments[n : n + 4]}} for n in range(0, len(arguments), 4)]
    return [{"role": "assistant", "content": None, "tool_calls": [first]}] + [{"tool_calls": [item]} for item in rest]


def embeddings(body: dict, model: str) -> dict:
    inputs = body["input"] if isinstance(body["input"], list) else [body["input"]]
    vector = [0.25, -0.5, 0.75]
    encoded = base64.b64encode(struct.pack("<3f", *vector)).decode() if body.get("encoding_format") == "base64" else vector
    data = [{"object": "embedding", "index": n, "embedding": encoded} for n in range(len(inputs))]
    return {"object": "list", "data": data, "model": model, "usage": {"prompt_tokens": 5 * len(inputs), "total_tokens": 5 * len(inputs)}}
