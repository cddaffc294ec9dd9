"""Images that clients name by URL, for providers that want the content: fetched by the gateway, under rules."""

import base64
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import openai
import pytest

from support import configuration
from support.configuration import plugin
from support.provider import ANSWER

PNG = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")


@pytest.fixture(scope="module")
def images():
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            path = self.path.split("?")[0]
            self.server.seen.append(self.path)
            if path == "/moved":
                self.send_response(302)
                self.send_header("Location", "/a.png")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            content, kind = (b"<p>", "text/html") if path == "/page" else (PNG * 100, "image/png") if path == "/large" else (PNG, "image/png")
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.seen = []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    server.url = f"http://127.0.0.1:{server.server_port}"
    yield server
    server.shutdown()


def routes(provider, **media) -> dict:
    proxy = plugin("ai-proxy", route_type="llm/v1/chat", auth={"header_name": "x-key", "header_value": "sk-up"}, model={"provider": "gemini", "options": {"upstream_url": provider.base}})
    return {"services": [{"name": "llm", "url": provider.base, "routes": [{"name": "gemini", "paths": ["/gemini"], "plugins": [{**proxy, "_pellucid": {"media": media}}]}]}]}


LOCAL = {"allow_http": True, "allowed_networks": ["127.0.0.0/8"], "maximum_bytes": 4096}


def ask(gateway, url: str):
    with openai.OpenAI(base_url=f"{gateway.url}/gemini", api_key="k", max_retries=0, timeout=30) as client:
        content = [{"type": "text", "text": "What is this?"}, {"type": "image_url", "image_url": {"url": url}}]
        return client.chat.completions.create(model="fake", messages=[{"role": "user", "content": content}])


def inline(provider) -> str | None:
    """What the provider got as the image."""
    return next((part["inlineData"]["data"] for part in provider.last().json["contents"][0]["parts"] if "inlineData" in part), None)


@pytest.mark.parametrize("path", ["/a.png?secret=1", "/moved"])
def test_an_image_is_fetched_and_sent_inline(gateways, provider, images, collector, path):
    gateway = gateways(routes(provider, **LOCAL), environment=configuration.telemetry_environment(collector))
    assert ask(gateway, images.url + path).choices[0].message.content == ANSWER
    assert inline(provider) == base64.b64encode(PNG).decode()
    root = collector.wait_for_roots(1)[0]
    span = next(span for span in collector.trace(root.trace_id) if span.name == "media fetch")
    assert span.attributes["server.address"] == "127.0.0.1" and span.attributes["http.response.status_code"] == 200
    assert b"secret" not in collector.everything()
    assert "secret" not in json.dumps(gateway.audit.wait_for_requests(1)[0])


@pytest.mark.parametrize(
    ("media", "url", "why"),
    [
        ({"allow_http": True}, "{}/a.png", "address"),
        ({"allow_http": True, "allowed_networks": ["10.0.0.0/8"]}, "{}/a.png", "address"),
        ({"allow_http": True}, "http://localhost:{port}/a.png", "address"),
        ({"allow_http": True}, "http://[::ffff:127.0.0.1]:{port}/a.png", "address"),
        ({"allow_http": True}, "http://2130706433:{port}/a.png", "address"),
        ({}, "{}/a.png", "https"),
        (LOCAL, "{}/large", "larger"),
        (LOCAL, "{}/page", "kind"),
    ],
)
def test_what_may_not_be_fetched_is_refused(gateways, provider, images, media, url, why):
    gateway = gateways(routes(provider, **media))
    seen, asked = len(images.seen), len(provider.requests)
    with pytest.raises(openai.BadRequestError, match=why) as refused:
        ask(gateway, url.replace("{}", images.url).replace("{port}", str(images.server_port)))
    assert refused.value.param == "messages[].content[].image_url"
    assert len(provider.requests) == asked
    if why in ("address", "https"):
        assert len(images.seen) == seen
