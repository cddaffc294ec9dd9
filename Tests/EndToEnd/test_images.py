"""Images of providers that speak other formats than OpenAI's, through OpenAI's official client."""

import base64

import openai
import pytest

from support import images, names
from support.configuration import plugin, telemetry_environment
from support.waiting import until

KEY = {"header_name": "x-goog-api-key", "header_value": "sk-up"}
BEARER = {"header_name": "Authorization", "header_value": "Bearer sk-up"}
AWS = {"aws_access_key_id": "sk-up", "aws_secret_access_key": "secret"}
VERTEX = {"gemini": {"api_endpoint": "{base}", "project_id": "p1", "location_id": "eu"}}
BEDROCK = {"upstream_url": "{base}", "bedrock": {"aws_region": "us-east-1"}}
# Provider, model of the two routes, options, authentication, and where the requests go.
VENDORS = {
    "gemini": ("gemini", ("gemini-2.5-flash-image",) * 2, {"upstream_url": "{base}"}, KEY, ":generateContent"),
    "vertex": ("gemini", ("gemini-3-pro-image-preview",) * 2, VERTEX, BEARER, ":generateContent"),
    "imagen": ("gemini", ("imagen-4.0-generate-001", "imagen-3.0-capability-001"), VERTEX, BEARER, ":predict"),
    "nova": ("bedrock", ("amazon.nova-canvas-v1:0",) * 2, BEDROCK, AWS, "/invoke"),
    "titan": ("bedrock", ("amazon.titan-image-generator-v2:0",) * 2, BEDROCK, AWS, "/invoke"),
    "stability": ("bedrock", ("stability.sd3-5-large-v1:0", "us.stability.stable-image-inpaint-v1:0"), BEDROCK, AWS, "/invoke"),
    "dashscope": ("dashscope", ("qwen-image-plus", "qwen-image-edit-plus"), {"upstream_url": "{base}"}, BEARER, "/multimodal-generation/generation"),
}
# Vendors that answer with URLs, with several images, and that take masks.
URLS = {"dashscope"}
SEVERAL = {"imagen", "nova", "titan", "dashscope"}
MASKS = {"imagen", "nova", "titan", "stability"}


def filled(options, base: str):
    return {key: filled(value, base) for key, value in options.items()} if isinstance(options, dict) else options.replace("{base}", base)


def route(vendor: str, base: str, operation: str, **own) -> dict:
    provider, models, options, auth, _ = VENDORS[vendor]
    proxy = plugin(
        "ai-proxy", route_type=f"image/v1/images/{operation}", genai_category="image/generation", auth=auth, max_request_body_size=1 << 20, logging={"log_statistics": True},
        model={"provider": provider, "name": models[operation == "edits"], "options": {**filled(options, base), "input_cost": 1.0, "output_cost": 30.0}},
    )
    prefix = f"/strict-{vendor}" if own else f"/{vendor}"
    return {"name": f"{prefix[1:]}-{operation}", "paths": [f"{prefix}/v1/images/{operation}"], "plugins": [{**proxy, **({"_pellucid": own} if own else {})}]}


@pytest.fixture(scope="module")
def gateway(module_gateways, shared_provider):
    routes = [route(vendor, shared_provider.base, operation) for vendor in VENDORS for operation in ("generations", "edits")]
    routes.append(route("gemini", shared_provider.base, "generations", on_unsupported="error"))
    return module_gateways({"services": [{"name": "llm", "url": shared_provider.base, "routes": routes}]})


@pytest.fixture
def client_for(gateway, provider, client_of):
    return lambda vendor: client_of(f"{gateway.url}/{vendor}/v1", key=None)


def content(image) -> bytes:
    return image.url.encode() if image.url else base64.b64decode(image.b64_json)


@pytest.mark.parametrize("vendor", VENDORS)
class TestVendors:
    def test_images_are_made(self, vendor, client_for, provider):
        count = 2 if vendor in SEVERAL else 1
        answer = client_for(vendor).images.generate(model=VENDORS[vendor][1][0], prompt="a red circle", n=count, size="1024x1024")
        assert [content(image) for image in answer.data] == [images.URL.encode() if vendor in URLS else images.PNG] * count
        assert answer.created > 1_700_000_000
        assert provider.last().path.endswith(VENDORS[vendor][4])
        assert provider.last().header("content-type") == "application/json"
        assert "sk-up" in "".join(value for _, value in provider.last().headers)

    def test_images_are_edited(self, vendor, client_for, provider):
        mask = {"mask": ("mask.png", images.PNG)} if vendor in MASKS else {}
        answer = client_for(vendor).images.edit(model=VENDORS[vendor][1][1], image=("a.png", images.JPEG), prompt="with a hat", **mask)
        assert content(answer.data[0]) == (images.URL.encode() if vendor in URLS else images.PNG)
        sent = provider.last()
        assert sent.header("content-type") == "application/json" and images.encoded(images.JPEG) in sent.body.decode()
        assert (images.encoded(images.PNG) in sent.body.decode()) == (vendor in MASKS)

    def test_what_a_filter_stops_is_an_error_to_the_client(self, vendor, client_for):
        with pytest.raises(openai.BadRequestError) as caught:
            client_for(vendor).images.generate(model=VENDORS[vendor][1][0], prompt=images.FORBIDDEN)
        assert caught.value.body["code"] == "moderation_blocked" and caught.value.body["message"]

    def test_too_large_an_image_goes_nowhere(self, vendor, client_for, provider):
        with pytest.raises(openai.APIStatusError) as caught:
            client_for(vendor).images.edit(model=VENDORS[vendor][1][1], image=("a.png", images.PNG + bytes(1 << 20)), prompt="with a hat")
        assert caught.value.status_code == 413 and "max_request_body_size" in caught.value.body["message"]
        assert not provider.requests


def test_several_images_are_edited_together(client_for, provider):
    client_for("gemini").images.edit(model="gemini-2.5-flash-image", image=[("a.png", images.PNG), ("b.jpg", images.JPEG)], prompt="side by side")
    types = [part["inlineData"]["mimeType"] for part in provider.last().json["contents"][0]["parts"] if "inlineData" in part]
    assert types == ["image/png", "image/jpeg"]


def test_tokens_are_told_as_openai_does(client_for):
    usage = client_for("gemini").images.edit(model="gemini-2.5-flash-image", image=("a.png", images.PNG), prompt="with a hat").usage
    assert (usage.input_tokens, usage.output_tokens, usage.total_tokens) == (265, 1290, 1555)
    assert (usage.input_tokens_details.text_tokens, usage.input_tokens_details.image_tokens) == (7, 258)


def test_imagen_tells_the_prompt_it_wrote(client_for):
    assert client_for("imagen").images.generate(model="imagen-4.0-generate-001", prompt="a cat").data[0].revised_prompt == "a longer prompt"


def test_gemini_gets_what_only_it_understands(client_for, provider):
    """As https://developer.konghq.com/how-to/use-gemini-3-image-config/ has it."""
    own = {"generationConfig": {"imageConfig": {"aspectRatio": "16:9", "imageSize": "2K"}}}
    client_for("vertex").images.generate(model="gemini-3-pro-image-preview", prompt="a landscape", n=1, extra_body=own)
    assert provider.last().json["generationConfig"] == {"responseModalities": ["IMAGE"], "imageConfig": {"aspectRatio": "16:9", "imageSize": "2K"}}


def test_a_large_image_comes_whole(client_for):
    image = client_for("gemini").images.generate(model="gemini-2.5-flash-image", prompt="a large circle").data[0]
    assert content(image) == images.PNG + bytes(images.LARGE)


def test_what_is_lost_refuses_a_request_where_that_is_configured(client_for, provider):
    with pytest.raises(openai.BadRequestError) as caught:
        client_for("strict-gemini").images.generate(model="gemini-2.5-flash-image", prompt="a cat", background="transparent")
    assert caught.value.body["param"] == "background" and not provider.requests


def test_partial_images_are_refused(client_for, provider):
    with pytest.raises(openai.BadRequestError) as caught:
        client_for("gemini").images.generate(model="gemini-2.5-flash-image", prompt="a cat", stream=True, partial_images=2)
    assert caught.value.body["param"] == "stream" and not provider.requests


def test_words_alone_are_no_answer(client_for):
    with pytest.raises(openai.InternalServerError) as caught:
        client_for("gemini").images.generate(model="gemini-2.5-flash-image", prompt=images.CHATTY)
    assert caught.value.status_code == 502


def test_the_audit_line_has_operation_usage_and_cost(client_for, gateway):
    client_for("gemini").images.generate(model="gemini-2.5-flash-image", prompt="a cat for the audit")
    line = until(lambda: next((line for line in reversed(gateway.audit.requests()) if line["route"]["name"] == "gemini-generations" and line["response"]["status"] == 200), None), what="the audit line")
    assert line["ai"]["proxy"]["usage"]["prompt_tokens"] == 7 and line["ai"]["proxy"]["usage"]["completion_tokens"] == 1290
    assert line["ai"]["proxy"]["usage"]["cost"] == pytest.approx(0.038707)
    assert "a cat for the audit" not in str(line)


def test_the_span_names_the_operation_and_counts_the_images(gateways, shared_provider, provider, collector, client_of):
    routes = [route("nova", shared_provider.base, "generations")]
    gateway = gateways({"services": [{"name": "llm", "url": shared_provider.base, "routes": routes}]}, environment=telemetry_environment(collector))
    client_of(f"{gateway.url}/nova/v1", key=None).images.generate(model="amazon.nova-canvas-v1:0", prompt="a cat", n=3, user="u")
    spans = collector.wait_for_trace(collector.wait_for_roots(1)[0].trace_id)
    attempt = next(span for span in spans if span.kind == names.CLIENT)
    assert attempt.name == "image_generation amazon.nova-canvas-v1:0"
    wanted = {
        "gen_ai.operation.name": "image_generation", "gen_ai.output.type": "image", "gen_ai.provider.name": "aws.bedrock", "gen_ai.request.choice.count": 3, "pellucid.images": 3,
        "pellucid.translation.dropped": "user",
    }
    assert {key: attempt.attributes.get(key) for key in wanted} == wanted
