"""A fake server of OpenAI's Realtime API: sessions over WebSockets, each answer with its usage.

The text that a client sends last says what comes: `cut` breaks the connection off in the middle of an answer, `tool` is answered by a call, anything else by words and sound.
"""

import asyncio
import http
import json
import threading
import urllib.parse

from websockets.asyncio.server import serve

SESSION = "sess_1"
USAGE = {
    "total_tokens": 275, "input_tokens": 127, "output_tokens": 148,
    "input_token_details": {"text_tokens": 119, "audio_tokens": 8, "image_tokens": 0, "cached_tokens": 64, "cached_tokens_details": {"text_tokens": 64, "audio_tokens": 0}},
    "output_token_details": {"text_tokens": 36, "audio_tokens": 112},
}  # fmt: skip


class RealtimeServer:
    """The server, in a thread of its own with its own event loop."""

    def __init__(self, key: str = ""):
        self.key = key
        self.requests = []
        self.closed = []
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        threading.Thread(target=self._run, daemon=True).start()
        assert self._ready.wait(10), "the fake realtime server did not start"

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._serve())

    async def _serve(self) -> None:
        async with serve(self._session, "127.0.0.1", 0, max_size=None, process_request=self._admit, select_subprotocol=self._choose) as server:
            self.port = server.sockets[0].getsockname()[1]
            self._ready.set()
            await asyncio.get_running_loop().create_future()

    @staticmethod
    def _choose(_, offered):
        return "realtime" if "realtime" in offered else None

    def _admit(self, connection, request):
        self.requests.append(request)
        if self.key and request.headers.get("Authorization") != f"Bearer {self.key}":
            response = connection.respond(http.HTTPStatus.UNAUTHORIZED, json.dumps({"error": {"message": "no such key", "type": "invalid_request_error", "code": "invalid_api_key"}}))
            del response.headers["Content-Type"]
            response.headers["Content-Type"] = "application/json"
            return response
        if "busy" in request.path:
            return connection.respond(http.HTTPStatus.TOO_MANY_REQUESTS, "later")
        return None

    def query(self) -> dict:
        """Of the last handshake."""
        return dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(self.requests[-1].path).query))

    async def _session(self, connection) -> None:
        model = self.query().get("model", "")
        session = {"type": "realtime", "object": "realtime.session", "id": SESSION, "model": model, "output_modalities": ["text"]}
        said, count = "", 0

        async def send(kind: str, **more) -> None:
            nonlocal count
            count += 1
            await connection.send(json.dumps({"event_id": f"event_{count}", **more, "type": kind}))

        try:
            await send("session.created", session=session)
            async for text in connection:
                event = json.loads(text)
                if event["type"] == "session.update":
                    session = {**session, **event["session"]}
                    await send("session.updated", session=session)
                elif event["type"] == "conversation.item.create":
                    said = event["item"]["content"][0]["text"]
                    await send("conversation.item.added", previous_item_id=None, item={"id": "item_1", "status": "completed", **event["item"]})
                elif event["type"] == "response.create":
                    await self._answer(connection, send, said)
                else:
                    await send("error", error={"type": "invalid_request_error", "code": "unknown_event", "message": "no such event", "param": None, "event_id": None})
        finally:
            self.closed.append(connection.close_code)

    async def _answer(self, connection, send, said: str) -> None:
        response = {"object": "realtime.response", "id": "resp_1", "status": "in_progress", "status_details": None, "output": [], "usage": None}
        place = {"response_id": "resp_1", "item_id": "item_2", "output_index": 0, "content_index": 0}
        await send("response.created", response=response)
        if said == "cut":
            connection.transport.abort()
            return
        if said == "tool":
            item = {"id": "item_2", "type": "function_call", "status": "completed", "name": "weather", "call_id": "call_1", "arguments": '{"city": "Rome"}'}
            await send("response.function_call_arguments.done", response_id="resp_1", item_id="item_2", output_index=0, call_id="call_1", name="weather", arguments=item["arguments"])
        else:
            item = {"id": "item_2", "type": "message", "role": "assistant", "status": "completed", "content": [{"type": "output_text", "text": "Hello"}]}
            for delta in ["Hel", "lo"]:
                await send("response.output_text.delta", **place, delta=delta)
            await send("response.output_audio.delta", **place, delta="AAAA" * 20_000)
            await send("response.output_text.done", **place, text="Hello")
        await send("response.done", response={**response, "status": "completed", "output": [item], "usage": USAGE})
