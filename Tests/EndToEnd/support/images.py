"""Images in the formats of vendors other than OpenAI, for the fake provider: what their real APIs refuse, it refuses."""

import base64
import json
import urllib.parse

from aiohttp import web

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 16
JPEG = b"\xff\xd8\xff\xe0" + bytes(range(256))
URL = "https://dashscope-result.oss.test/image.png?Expires=1"
# What a filter stops.
FORBIDDEN = "forbidden"
# What a model answers with words alone.
CHATTY = "chatty"
# An image of this many bytes.
LARGE = 12 << 20


def encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()


def is_image(data: str) -> bool:
    return base64.b64decode(data, validate=True).startswith((PNG[:8], JPEG[:3]))


class GenerateContent:
    """https://ai.google.dev/gemini-api/docs/image-generation"""

    @staticmethod
    def matches(path: str, body: dict) -> bool:
        return path.endswith(":generateContent") and "IMAGE" in body.get("generationConfig", {}).get("responseModalities", [])

    @staticmethod
    def error(status: int, message: str) -> web.Response:
        return web.json_response({"error": {"code": status, "message": message, "status": "INVALID_ARGUMENT"}}, status=status)

    @classmethod
    def answer(cls, path: str, body: dict) -> web.Response:
        if unknown := set(body) - {"contents", "generationConfig", "safetySettings"}:
            return cls.error(400, f"Unknown name {sorted(unknown)}")
        configuration = body["generationConfig"].get("imageConfig", {})
        if unknown := set(configuration) - {"aspectRatio", "imageSize"} - ({"imageOutputOptions"} if "/publishers/" in path else set()):
            return cls.error(400, f"Unknown name {sorted(unknown)} at 'generation_config.image_config'")
        parts = body["contents"][0]["parts"]
        files = [part["inlineData"] for part in parts if "inlineData" in part]
        if not all(is_image(file["data"]) and file["mimeType"].startswith("image/") for file in files):
            return cls.error(400, "Unable to process input image.")
        prompt = next(part["text"] for part in parts if "text" in part)
        details = [{"modality": "TEXT", "tokenCount": 7}] + ([{"modality": "IMAGE", "tokenCount": 258 * len(files)}] if files else [])
        usage = {"promptTokenCount": 7 + 258 * len(files), "promptTokensDetails": details, "totalTokenCount": 7 + 258 * len(files)}
        if FORBIDDEN in prompt:
            return web.json_response({"candidates": [{"finishReason": "IMAGE_SAFETY", "finishMessage": "Unable to show it.", "index": 0}], "usageMetadata": usage})
        if CHATTY in prompt:
            return web.json_response({"candidates": [{"content": {"parts": [{"text": "I would rather talk."}]}, "finishReason": "STOP"}], "usageMetadata": usage})
        made = PNG + bytes(LARGE) if "large" in prompt else PNG
        image = {"inlineData": {"mimeType": "image/png", "data": encoded(made)}}
        usage |= {"candidatesTokenCount": 1290, "candidatesTokensDetails": [{"modality": "IMAGE", "tokenCount": 1290}], "totalTokenCount": usage["totalTokenCount"] + 1290}
        candidate = {"content": {"role": "model", "parts": [{"text": "Here it is."}, image]}, "finishReason": "STOP", "index": 0}
        return web.json_response({"candidates": [candidate], "usageMetadata": usage, "modelVersion": "gemini-fake", "responseId": "resp-fake"})


class Predict:
    """https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/imagen-api"""

    @staticmethod
    def matches(path: str, body: dict) -> bool:
        return path.endswith(":predict") and "prompt" in body.get("instances", [{}])[0]

    @classmethod
    def answer(cls, path: str, body: dict) -> web.Response:
        if unknown := set(body["parameters"]) - {"sampleCount", "includeRaiReason", "aspectRatio", "sampleImageSize", "outputOptions", "seed", "negativePrompt", "editMode"}:
            return GenerateContent.error(400, f"Unknown name {sorted(unknown)}")
        for reference in body["instances"][0].get("referenceImages", []):
            if not is_image(reference["referenceImage"]["bytesBase64Encoded"]) or ("MASK" in reference["referenceType"]) != ("maskImageConfig" in reference):
                return GenerateContent.error(400, "Invalid reference image.")
        if FORBIDDEN in body["instances"][0]["prompt"]:
            return web.json_response({"predictions": [{"raiFilteredReason": "The prompt was filtered. Support code: 58061214"}]})
        image = {"bytesBase64Encoded": encoded(PNG), "mimeType": "image/png", "prompt": "a longer prompt"}
        return web.json_response({"predictions": [image] * body["parameters"]["sampleCount"]})


class InvokeModel:
    """https://docs.aws.amazon.com/nova/latest/userguide/image-gen-req-resp-structure.html and …/bedrock/latest/userguide/model-parameters-stability-diffusion.html"""

    TASKS = {"TEXT_IMAGE": "textToImageParams", "INPAINTING": "inPaintingParams", "IMAGE_VARIATION": "imageVariationParams"}

    @staticmethod
    def matches(path: str, body: dict) -> bool:
        return path.endswith("/invoke") and ("taskType" in body or "stability." in urllib.parse.unquote(path))

    @staticmethod
    def error(status: int, message: str) -> web.Response:
        return web.json_response({"message": message}, status=status, headers={"x-amzn-ErrorType": "ValidationException"})

    @classmethod
    def answer(cls, path: str, body: dict) -> web.Response:
        return cls.amazon(body) if "taskType" in body else cls.stability(body)

    @classmethod
    def amazon(cls, body: dict) -> web.Response:
        parameters = cls.TASKS[body["taskType"]]
        if set(body) != {"taskType", parameters, "imageGenerationConfig"}:
            return cls.error(400, f"Malformed input request: {sorted(body)}")
        configuration, own = body["imageGenerationConfig"], body[parameters]
        if unknown := set(configuration) - {"numberOfImages", "width", "height", "quality", "cfgScale", "seed"}:
            return cls.error(400, f"Malformed input request: #/imageGenerationConfig: extraneous key {sorted(unknown)}")
        if configuration.get("quality", "standard") not in ("standard", "premium"):
            return cls.error(400, "Malformed input request: quality")
        if not all(is_image(image) for image in [*own.get("images", []), *(own[key] for key in ("image", "maskImage") if key in own)]):
            return cls.error(400, "Malformed input request: not an image")
        if FORBIDDEN in own["text"]:
            return web.json_response({"images": [], "error": "This request has been blocked by our content filters."})
        return web.json_response({"images": [encoded(PNG)] * configuration["numberOfImages"]})

    @classmethod
    def stability(cls, body: dict) -> web.Response:
        if unknown := set(body) - {"prompt", "negative_prompt", "seed", "output_format", "aspect_ratio", "mode", "image", "mask", "strength"}:
            return cls.error(400, f"required key missing or extraneous key {sorted(unknown)}")
        if not all(is_image(body[key]) for key in ("image", "mask") if key in body):
            return cls.error(400, "not an image")
        if FORBIDDEN in body["prompt"]:
            return web.json_response({"seeds": [1], "finish_reasons": ["Filter reason: prompt"], "images": []})
        return web.json_response({"seeds": [1], "finish_reasons": [None], "images": [encoded(JPEG if body.get("output_format") == "jpeg" else PNG)]})


class DashScope:
    """https://help.aliyun.com/zh/model-studio/qwen-image-edit-api"""

    @staticmethod
    def matches(path: str, body: dict) -> bool:
        return path.endswith("/multimodal-generation/generation")

    @classmethod
    def answer(cls, path: str, body: dict) -> web.Response:
        if set(body) != {"model", "input", "parameters"} or "x" in body["parameters"].get("size", ""):
            return web.json_response({"code": "InvalidParameter", "message": f"url error: {sorted(body)}", "request_id": "q"}, status=400)
        content = body["input"]["messages"][0]["content"]
        if not all(part["image"].startswith(("data:image/", "https://")) for part in content if "image" in part):
            return web.json_response({"code": "InvalidParameter", "message": "not an image", "request_id": "q"}, status=400)
        if any(FORBIDDEN in part.get("text", "") for part in content):
            return web.json_response({"code": "DataInspectionFailed", "message": "Input data may contain inappropriate content.", "request_id": "q"}, status=400)
        count = body["parameters"].get("n", 1)
        message = {"role": "assistant", "content": [{"image": URL}] * count}
        return web.json_response({"output": {"choices": [{"finish_reason": "stop", "message": message}]}, "usage": {"image_count": count, "width": 1024, "height": 1024}, "request_id": "q"})


VENDORS = (GenerateContent, Predict, InvokeModel, DashScope)


def answer(path: str, body: bytes) -> web.Response | None:
    """The answer to a request for images; None for other requests."""
    try:
        request = json.loads(body)
    except ValueError:
        return None
    if not isinstance(request, dict):
        return None
    vendor = next((vendor for vendor in VENDORS if vendor.matches(path, request)), None)
    return vendor.answer(path, request) if vendor else None
