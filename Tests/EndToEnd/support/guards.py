"""Fake guard services: Lakera Guard v2, Azure AI Content Safety, OpenAI's moderation and one of one's own, each by its vendor's reference, on one server.

A text is flagged when it holds the word of the URL's `flag` parameter. `misbehave` makes every answer go wrong:

    status-N    an error status
    garbage     200 with half a JSON document
    hang        no answer until `release()`
    reset       the connection is cut
"""

import asyncio
import dataclasses
import threading

from aiohttp import web

from .ports import free_port


@dataclasses.dataclass
class Asked:
    service: str
    headers: dict
    query: dict
    json: dict

    @property
    def text(self) -> str:
        if self.service == "lakera":
            return "\n".join(message["content"] for message in self.json["messages"])
        return self.json["input"] if self.service == "moderation" else self.json["text"]


class GuardServices:
    """The server, in a thread of its own with its own event loop."""

    def __init__(self):
        self.port = free_port()
        self.base = f"http://127.0.0.1:{self.port}"
        self.asked: list[Asked] = []
        self.misbehave = ""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._started = threading.Event()

    def start(self) -> "GuardServices":
        self._thread.start()
        assert self._started.wait(10), "the fake guard services did not start"
        return self

    def stop(self) -> None:
        self.release()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def release(self) -> None:
        self._loop.call_soon_threadsafe(self._released.set)

    def reset(self) -> None:
        self.asked.clear()
        self.misbehave = ""
        self._loop.call_soon_threadsafe(self._released.clear)

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._released = asyncio.Event()
        self._loop.run_until_complete(self._start())
        self._started.set()
        self._loop.run_forever()
        self._loop.run_until_complete(self._runner.cleanup())

    async def _start(self) -> None:
        app = web.Application(client_max_size=16 << 20)
        app.router.add_post("/lakera/v2/guard", self._handler("lakera", lakera))
        app.router.add_post("/contentsafety/text:analyze", self._handler("azure", azure))
        app.router.add_post("/v1/moderations", self._handler("moderation", moderation))
        app.router.add_post("/own/{source}", self._handler("own", own))
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port).start()

    def _handler(self, service, answer):
        async def handle(request: web.Request) -> web.StreamResponse:
            asked = Asked(service, {k.lower(): v for k, v in request.headers.items()}, dict(request.query), await request.json())
            self.asked.append(asked)
            word, _, number = self.misbehave.partition("-")
            if word == "status":
                return web.json_response({"error": {"code": "fake", "message": asked.text}}, status=int(number))
            if word == "garbage":
                return web.Response(body=b'{"flagged": ', content_type="application/json")
            if word == "reset":
                request.transport.abort()
            if word == "hang":
                await self._released.wait()
            flag = asked.query.get("flag", "poison")
            return answer(asked, flag in asked.text)

        return handle


def lakera(asked: Asked, is_flagged: bool) -> web.Response:
    """https://docs.lakera.ai/docs/api/guard"""
    if asked.headers.get("authorization") != "Bearer lakera-key":
        return web.json_response({"error": {"message": "invalid API key"}}, status=401)
    ids = {"project_id": asked.json.get("project_id", "default"), "policy_id": "policy-1"}
    breakdown = [
        {**ids, "detector_id": "detector-1", "detector_type": "prompt_attack", "detected": is_flagged, "message_id": 0},
        {**ids, "detector_id": "detector-2", "detector_type": "pii/email", "detected": False, "message_id": 0},
    ]
    return web.json_response({"flagged": is_flagged, "breakdown": breakdown, "metadata": {"request_uuid": "uuid-1"}})


def azure(asked: Asked, is_flagged: bool) -> web.Response:
    """https://learn.microsoft.com/rest/api/contentsafety/text-operations/analyze-text"""
    if asked.headers.get("ocp-apim-subscription-key") != "azure-key":
        return web.json_response({"error": {"code": "401", "message": "Access denied"}}, status=401)
    if "api-version" not in asked.query or len(asked.json["text"]) > 10_000:
        return web.json_response({"error": {"code": "InvalidRequestBody", "message": "bad request"}}, status=400)
    categories = asked.json.get("categories") or ["Hate", "SelfHarm", "Sexual", "Violence"]
    analysis = [{"category": name, "severity": 4 if is_flagged and name == "Violence" else 0} for name in categories]
    return web.json_response({"blocklistsMatch": [], "categoriesAnalysis": analysis})


def moderation(asked: Asked, is_flagged: bool) -> web.Response:
    """https://platform.openai.com/docs/api-reference/moderations"""
    if asked.headers.get("authorization") != "Bearer moderation-key":
        return web.json_response({"error": {"message": "Incorrect API key provided", "type": "invalid_request_error", "code": "invalid_api_key"}}, status=401)
    categories = {"harassment": False, "hate": False, "illicit/violent": is_flagged, "violence": is_flagged}
    result = {"flagged": is_flagged, "categories": categories, "category_scores": {name: 0.97 if hit else 0.01 for name, hit in categories.items()}}
    return web.json_response({"id": "modr-1", "model": asked.json["model"], "results": [result]})


def own(asked: Asked, is_flagged: bool) -> web.Response:
    return web.json_response({"score": 0.9 if is_flagged else 0.1, "labels": ["toxic"] if is_flagged else []})
