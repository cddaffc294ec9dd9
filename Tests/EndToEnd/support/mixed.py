"""Mixed traffic of known composition: served, blocked, failed, unrouted, streamed and cancelled requests."""

import collections
import concurrent.futures
import dataclasses
import json
import random

import requests

from .configuration import CLIENT_KEY
from .raw import Connection

CHAT = "/v1/chat/completions"
THREADS = 8


@dataclasses.dataclass
class Sent:
    """What was sent and what came back, by kind."""

    total: int = 0
    by_kind: collections.Counter = dataclasses.field(default_factory=collections.Counter)
    by_status: collections.Counter = dataclasses.field(default_factory=collections.Counter)


def body(model: str, **more) -> bytes:
    return json.dumps({"model": model, "messages": [{"role": "user", "content": "mixed"}], **more}).encode()


class Mixed:
    """Sends requests of every kind; `run(count)` returns what was sent."""

    def __init__(self, gateway):
        self.gateway = gateway
        self.headers = {"apikey": CLIENT_KEY, "Content-Type": "application/json"}
        self.kinds = {
            "chat": (8, lambda s: self.post(s, body("gpt-fake"))),
            "stream": (4, lambda s: self.post(s, body("tokens-10", stream=True))),
            "embeddings": (2, lambda s: self.post(s, b'{"model": "embed-fake", "input": "x"}', path="/v1/embeddings")),
            "plain": (4, lambda s: s.get(f"{gateway.url}/plain", headers=self.headers, timeout=30).status_code),
            "no key": (3, lambda s: self.post(s, body("gpt-fake"), headers={"Content-Type": "application/json"})),
            "wrong key": (1, lambda s: self.post(s, body("gpt-fake"), headers={**self.headers, "apikey": "wrong"})),
            "no route": (2, lambda s: s.get(f"{gateway.url}/nowhere", timeout=30).status_code),
            "provider 429": (2, lambda s: self.post(s, body("status-429"))),
            "provider 500": (2, lambda s: self.post(s, body("status-500"))),
            "upstream down": (1, lambda s: s.get(f"{gateway.url}/down", headers=self.headers, timeout=30).status_code),
            "not JSON": (1, lambda s: self.post(s, b"{")),
            "cancelled stream": (2, lambda s: self.cancel(body("slow-50-20", stream=True), after_head=True)),
            "cancelled wait": (1, lambda s: self.cancel(body("slow-50-20"), after_head=False)),
        }

    def post(self, session, data: bytes, path: str = CHAT, headers: dict | None = None) -> int:
        return session.post(self.gateway.url + path, data=data, headers=self.headers if headers is None else headers, timeout=30).status_code

    def cancel(self, data: bytes, *, after_head: bool) -> int:
        """Sends a request and leaves: after the response head, or once the gateway has surely read the request."""
        with Connection.open(self.gateway.proxy_port, 30) as connection:
            connection.send(
                f"POST {CHAT} HTTP/1.1\r\nHost: a\r\napikey: {CLIENT_KEY}\r\nContent-Type: application/json\r\nExpect: 100-continue\r\n"
                f"Content-Length: {len(data)}\r\n\r\n"
            )
            # The interim answer proves that the request counts; what follows is then cancelled, not ignored.
            assert connection.head().status == 100
            connection.send(data)
            if after_head:
                connection.response(to_head=True)
        return 0

    def run(self, count: int) -> Sent:
        names = [name for name, (weight, _) in self.kinds.items() for _ in range(weight)]
        plan = [names[index % len(names)] for index in range(count)]
        random.Random(7).shuffle(plan)
        sent = Sent()
        with concurrent.futures.ThreadPoolExecutor(THREADS) as pool:
            shares = [pool.submit(self._share, plan[n::THREADS]) for n in range(THREADS)]
            for share in shares:
                for kind, status in share.result():
                    sent.total += 1
                    sent.by_kind[kind] += 1
                    sent.by_status[status] += 1
        return sent

    def _share(self, plan: list[str]) -> list[tuple[str, int]]:
        with requests.Session() as session:
            return [(kind, self.kinds[kind][1](session)) for kind in plan]
