"""A fake server of Gemini's Live API: the model in the first message, JSON in binary messages, counts with each turn (https://ai.google.dev/api/live)."""

import asyncio
import http
import json
import threading

from websockets.asyncio.server import serve

USAGE = {
    "promptTokenCount": 100, "responseTokenCount": 20, "totalTokenCount": 120, "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 100}],
    "responseTokensDetails": [{"modality": "AUDIO", "tokenCount": 15}, {"modality": "TEXT", "tokenCount": 5}],
}  # fmt: skip


class LiveServer:
    """The server, in a thread of its own with its own event loop."""

    def __init__(self, key: str):
        self.key = key
        self.requests = []
        self.setups = []
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        threading.Thread(target=self._run, daemon=True).start()
        assert self._ready.wait(10), "the fake live server did not start"

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._serve())

    async def _serve(self) -> None:
        async with serve(self._session, "127.0.0.1", 0, max_size=None, process_request=self._admit) as server:
            self.port = server.sockets[0].getsockname()[1]
            self._ready.set()
            await asyncio.get_running_loop().create_future()

    def _admit(self, connection, request):
        self.requests.append(request)
        if request.headers.get_all("x-goog-api-key") != [self.key]:
            return connection.respond(http.HTTPStatus.UNAUTHORIZED, "no such key")
        return None

    async def _session(self, connection) -> None:
        async def send(**message) -> None:
            await connection.send(json.dumps(message).encode())

        async for text in connection:
            message = json.loads(text)
            if "setup" in message:
                self.setups.append(message["setup"])
                await send(setupComplete={"sessionId": "live-session-1"})
            elif message.keys() & {"clientContent", "client_content"}:
                for word in ("Hel", "lo"):
                    await send(serverContent={"modelTurn": {"parts": [{"text": word}]}})
                await send(serverContent={"modelTurn": {"parts": [{"inlineData": {"mimeType": "audio/pcm", "data": "AAAA" * 20_000}}]}}, usageMetadata={**USAGE, "responseTokenCount": 4})
                await send(serverContent={"turnComplete": True}, usageMetadata=USAGE)
