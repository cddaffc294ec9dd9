"""Wire formats of vendors other than OpenAI, for the fake provider: answers and streams shaped as their API references have them."""

import base64
import json
import urllib.parse

from aiohttp import web

from . import provider as openai_format
from .eventstream import event_message

THOUGHT = "I should say hello."
SIGNATURE = "c2lnbmF0dXJl"
# Samples of 16 bits, and a voice that Google has.
SOUND = bytes(range(40))
VOICE = "Kore"
TOOL_ARGUMENTS = {"city": "Łódź"}


class Anthropic:
    """https://docs.anthropic.com/en/api/messages"""

    ERRORS = {400: "invalid_request_error", 401: "authentication_error", 403: "permission_error", 404: "not_found_error", 429: "rate_limit_error", 529: "overloaded_error"}

    @staticmethod
    def matches(path: str) -> bool:
        return path.endswith("/messages") or path.endswith("/messages/count_tokens")

    @staticmethod
    def model(path: str, body: dict) -> str | None:
        return body.get("model")

    @staticmethod
    def asks_stream(path: str, body: dict) -> bool:
        return bool(body.get("stream"))

    @classmethod
    def error(cls, status: int, message: str) -> web.Response:
        headers = {"Retry-After": "7"} if status == 429 else {}
        body = {"type": "error", "error": {"type": cls.ERRORS.get(status, "api_error"), "message": message}, "request_id": "req_fake"}
        return web.json_response(body, status=status, headers=headers)

    @classmethod
    def problem(cls, request, body: dict) -> str | None:
        """What the real API would refuse."""
        if "anthropic-version" not in request.headers:
            return "anthropic-version: header is required"
        return None if request.path.endswith("/count_tokens") else cls.body_problem(body)

    @classmethod
    def body_problem(cls, body: dict) -> str | None:
        if not isinstance(body.get("max_tokens"), int):
            return "max_tokens: Field required"
        roles = [message["role"] for message in body["messages"]]
        if any(role not in ("user", "assistant") for role in roles):
            return f"messages: unexpected role in {roles}"
        for unknown in set(body) - {
            "model", "max_tokens", "messages", "system", "stream", "temperature", "top_p", "top_k", "stop_sequences", "tools", "tool_choice", "thinking", "metadata",
            "output_config", "service_tier", "cache_control",
        }:
            return f"{unknown}: Extra inputs are not permitted"
        return cls.sampling_problem(body)

    @staticmethod
    def sampling_problem(body: dict) -> str | None:
        """https://platform.claude.com/docs/en/build-with-claude/extended-thinking#feature-compatibility"""
        if (body.get("thinking") or {}).get("type") not in ("enabled", "adaptive"):
            return None
        if body.get("temperature", 1) != 1:
            return "`temperature` may only be set to 1 when thinking is enabled or in adaptive mode."
        if "top_k" in body:
            return "`top_k` must be unset when thinking is enabled."
        return "`top_p` must be greater than or equal to 0.95 or unset when thinking is enabled." if body.get("top_p", 1) < 0.95 else None

    @classmethod
    def blocks(cls, body: dict, tokens: list[str]) -> tuple[list[dict], str]:
        blocks = []
        if (body.get("thinking") or {}).get("type") in ("enabled", "adaptive"):
            blocks.append({"type": "thinking", "thinking": THOUGHT, "signature": SIGNATURE})
        if body.get("tools") and not has_tool_result(body):
            return blocks + [{"type": "tool_use", "id": "toolu_1", "name": body["tools"][0]["name"], "input": TOOL_ARGUMENTS}], "tool_use"
        return blocks + [{"type": "text", "text": "".join(tokens)}], "end_turn"

    @classmethod
    def answer(cls, path: str, body: dict, model: str, tokens: list[str]) -> dict:
        if path.endswith("/count_tokens"):
            return {"input_tokens": openai_format.PROMPT_TOKENS}
        blocks, reason = cls.blocks(body, tokens)
        return {
            "id": "msg_fake", "type": "message", "role": "assistant", "model": model, "content": blocks, "stop_reason": reason, "stop_sequence": None,
            "usage": {"input_tokens": openai_format.PROMPT_TOKENS, "output_tokens": len(tokens)},
        }

    @classmethod
    def frames(cls, path: str, body: dict, model: str, tokens: list[str]):
        """The stream as (bytes, is a token of the answer)."""

        def event(data: dict) -> bytes:
            return f"event: {data['type']}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n".encode()

        message = {
            "id": "msg_fake", "type": "message", "role": "assistant", "model": model, "content": [], "stop_reason": None, "stop_sequence": None,
            "usage": {"input_tokens": openai_format.PROMPT_TOKENS, "output_tokens": 1},
        }
        yield event({"type": "message_start", "message": message}), False
        yield event({"type": "ping"}), False
        blocks, reason = cls.blocks(body, tokens)
        for index, block in enumerate(blocks):
            if block["type"] == "thinking":
                start, deltas = {**block, "thinking": "", "signature": ""}, [
                    {"type": "thinking_delta", "thinking": THOUGHT[:6]}, {"type": "thinking_delta", "thinking": THOUGHT[6:]}, {"type": "signature_delta", "signature": SIGNATURE},
                ]
            elif block["type"] == "tool_use":
                text = json.dumps(block["input"], ensure_ascii=False)
                start, deltas = {**block, "input": {}}, [{"type": "input_json_delta", "partial_json": text[n : n + 4]} for n in range(0, len(text), 4)]
            else:
                start, deltas = {**block, "text": ""}, [{"type": "text_delta", "text": token} for token in tokens]
            yield event({"type": "content_block_start", "index": index, "content_block": start}), False
            for delta in deltas:
                yield event({"type": "content_block_delta", "index": index, "delta": delta}), delta["type"] == "text_delta"
            yield event({"type": "content_block_stop", "index": index}), False
        yield event({"type": "message_delta", "delta": {"stop_reason": reason, "stop_sequence": None}, "usage": {"output_tokens": len(tokens)}}), False
        yield event({"type": "message_stop"}), False


class VertexAnthropic(Anthropic):
    """https://cloud.google.com/vertex-ai/generative-ai/docs/partner-models/claude/use-claude"""

    @staticmethod
    def matches(path: str) -> bool:
        return "/publishers/anthropic/models/" in path

    @staticmethod
    def model(path: str, body: dict) -> str | None:
        return path.rsplit("/", 1)[-1].rsplit(":", 1)[0].removeprefix("claude-")

    @classmethod
    def problem(cls, request, body: dict) -> str | None:
        rest = {key: value for key, value in body.items() if key != "anthropic_version"}
        if not isinstance(body.get("anthropic_version"), str):
            return "anthropic_version: Field required"
        if "/count-tokens:rawPredict" in request.path:
            return None if body.get("model", "").startswith("claude-") else "model: Field required"
        if "model" in body:
            return "model: Extra inputs are not permitted"
        if request.path.endswith(":streamRawPredict") != bool(body.get("stream")):
            return "stream: does not fit the method"
        return cls.body_problem(rest)

    @classmethod
    def answer(cls, path: str, body: dict, model: str, tokens: list[str]) -> dict:
        return super().answer("/count_tokens" if "/count-tokens:" in path else path, body, model, tokens)


class Gemini:
    """https://ai.google.dev/api/generate-content"""

    ERRORS = {400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: "NOT_FOUND", 429: "RESOURCE_EXHAUSTED", 503: "UNAVAILABLE"}
    METHODS = ("generateContent", "streamGenerateContent", "countTokens", "batchEmbedContents")

    @classmethod
    def matches(cls, path: str) -> bool:
        return path.rsplit(":", 1)[-1] in cls.METHODS and ":" in path

    @staticmethod
    def model(path: str, body: dict) -> str | None:
        return path.rsplit(":", 1)[0].rsplit("/", 1)[-1]

    @staticmethod
    def asks_stream(path: str, body: dict) -> bool:
        return path.endswith(":streamGenerateContent")

    @classmethod
    def error(cls, status: int, message: str) -> web.Response:
        headers = {"Retry-After": "7"} if status == 429 else {}
        return web.json_response({"error": {"code": status, "message": message, "status": cls.ERRORS.get(status, "INTERNAL")}}, status=status, headers=headers)

    @classmethod
    def problem(cls, request, body: dict) -> str | None:
        if request.path.endswith(":batchEmbedContents"):
            return None
        for unknown in set(body) - {"contents", "systemInstruction", "tools", "toolConfig", "safetySettings", "generationConfig", "cachedContent"}:
            return f'Invalid JSON payload received. Unknown name "{unknown}": Cannot find field.'
        if any(content.get("role") not in ("user", "model") for content in body["contents"]):
            return "Please use a valid role: user, model."
        configuration = body.get("generationConfig", {})
        if "AUDIO" in (modalities := configuration.get("responseModalities", [])) and modalities != ["AUDIO"]:
            return "The requested combination of response modalities is not supported by the model."
        voice = configuration.get("speechConfig", {}).get("voiceConfig", {}).get("prebuiltVoiceConfig", {}).get("voiceName", VOICE)
        return None if voice == VOICE else f"Voice name {voice} is not supported."

    @classmethod
    def parts(cls, body: dict, tokens: list[str]) -> list[dict]:
        parts = []
        # Names may come in snake case, as everywhere in Google's JSON.
        thinking = body.get("generationConfig", {}).get("thinkingConfig", {})
        if thinking.get("includeThoughts") or thinking.get("include_thoughts"):
            parts.append({"text": THOUGHT, "thought": True})
        if body.get("tools") and not has_tool_result(body):
            name = body["tools"][0]["functionDeclarations"][0]["name"]
            return parts + [{"functionCall": {"name": name, "args": TOOL_ARGUMENTS}, "thoughtSignature": SIGNATURE}]
        if body.get("generationConfig", {}).get("responseModalities") == ["AUDIO"]:
            pieces = [SOUND[:7], SOUND[7:8], SOUND[8:]]
            return parts + [{"inlineData": {"mimeType": "audio/L16;codec=pcm;rate=24000", "data": base64.b64encode(piece).decode()}} for piece in pieces]
        return parts + [{"text": token} for token in tokens]

    @staticmethod
    def chunk(model: str, parts: list[dict], tokens: int, reason: str | None) -> dict:
        candidate = {"content": {"parts": parts, "role": "model"}, "index": 0}
        if reason:
            candidate["finishReason"] = reason
        usage = {"promptTokenCount": openai_format.PROMPT_TOKENS, "candidatesTokenCount": tokens, "totalTokenCount": openai_format.PROMPT_TOKENS + tokens}
        return {"candidates": [candidate], "usageMetadata": usage, "modelVersion": model, "responseId": "resp-fake"}

    @classmethod
    def answer(cls, path: str, body: dict, model: str, tokens: list[str]) -> dict:
        if path.endswith(":countTokens"):
            return {"totalTokens": openai_format.PROMPT_TOKENS}
        if path.endswith(":batchEmbedContents"):
            return {"embeddings": [{"values": [0.25, -0.5, 0.75]} for _ in body["requests"]]}
        return cls.chunk(model, cls.parts(body, tokens), len(tokens), "STOP")

    @classmethod
    def frames(cls, path: str, body: dict, model: str, tokens: list[str]):
        parts = cls.parts(body, tokens)
        for index, part in enumerate(parts):
            last = index == len(parts) - 1
            chunk = cls.chunk(model, [part], index + 1 if not last else len(tokens), "STOP" if last else None)
            yield f"data: {json.dumps(chunk, ensure_ascii=False)}\r\n\r\n".encode(), "text" in part and not part.get("thought")


class Cohere:
    """https://docs.cohere.com/reference/chat"""

    @staticmethod
    def matches(path: str) -> bool:
        return path.endswith("/v2/chat")

    @staticmethod
    def model(path: str, body: dict) -> str | None:
        return body.get("model")

    @staticmethod
    def asks_stream(path: str, body: dict) -> bool:
        return bool(body.get("stream"))

    @staticmethod
    def error(status: int, message: str) -> web.Response:
        return web.json_response({"id": "c-fake", "message": message}, status=status, headers={"Retry-After": "7"} if status == 429 else {})

    @staticmethod
    def problem(request, body: dict) -> str | None:
        for unknown in set(body) - {
            "model", "messages", "stream", "tools", "strict_tools", "tool_choice", "documents", "citation_options", "response_format", "safety_mode", "max_tokens",
            "stop_sequences", "temperature", "seed", "frequency_penalty", "presence_penalty", "k", "p", "logprobs", "thinking", "priority",
        }:
            return f"unknown field: parameter '{unknown}' is not a valid field"
        if any(message.get("role") not in ("system", "user", "assistant", "tool") for message in body["messages"]):
            return "invalid role"
        return None

    @staticmethod
    def message(body: dict, tokens: list[str]) -> tuple[dict, str]:
        if body.get("tools") and not has_tool_result(body):
            function = {"name": body["tools"][0]["function"]["name"], "arguments": json.dumps(TOOL_ARGUMENTS, ensure_ascii=False)}
            return {"role": "assistant", "tool_plan": THOUGHT, "tool_calls": [{"id": "w_1", "type": "function", "function": function}]}, "TOOL_CALL"
        thoughts = [{"type": "thinking", "thinking": THOUGHT}] if (body.get("thinking") or {}).get("type") == "enabled" else []
        return {"role": "assistant", "content": [*thoughts, {"type": "text", "text": "".join(tokens)}]}, "COMPLETE"

    @staticmethod
    def usage(tokens: list[str]) -> dict:
        counts = {"input_tokens": openai_format.PROMPT_TOKENS, "output_tokens": len(tokens)}
        # Cohere's own preamble is seen by the model, but not billed.
        return {"billed_units": counts, "tokens": {**counts, "input_tokens": counts["input_tokens"] + 59}}

    @classmethod
    def answer(cls, path: str, body: dict, model: str, tokens: list[str]) -> dict:
        message, reason = cls.message(body, tokens)
        return {"id": "c-fake", "finish_reason": reason, "message": message, "usage": cls.usage(tokens)}

    @classmethod
    def frames(cls, path: str, body: dict, model: str, tokens: list[str]):
        def event(kind: str, message: dict | None = None, **more) -> bytes:
            data = {"type": kind, **more, **({"delta": {"message": message}} if message is not None else {})}
            return f"event: {kind}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n".encode()

        message, reason = cls.message(body, tokens)
        yield event("message-start", {"role": "assistant", "content": [], "tool_plan": "", "tool_calls": [], "citations": []}, id="c-fake"), False
        if plan := message.get("tool_plan"):
            yield event("tool-plan-delta", {"tool_plan": plan}), False
        for index, call in enumerate(message.get("tool_calls", [])):
            yield event("tool-call-start", {"tool_calls": {**call, "function": {**call["function"], "arguments": ""}}}, index=index), False
            text = call["function"]["arguments"]
            for start in range(0, len(text), 4):
                yield event("tool-call-delta", {"tool_calls": {"function": {"arguments": text[start : start + 4]}}}, index=index), False
            yield event("tool-call-end", index=index), False
        for index, block in enumerate(message.get("content", [])):
            kind = block["type"]
            yield event("content-start", {"content": {"type": kind, kind: ""}}, index=index), False
            for piece in tokens if kind == "text" else [THOUGHT[:6], THOUGHT[6:]]:
                yield event("content-delta", {"content": {kind: piece}}, index=index), kind == "text"
            yield event("content-end", index=index), False
        yield event("message-end", id="c-fake", delta={"finish_reason": reason, "usage": cls.usage(tokens)}), False


class Bedrock:
    """https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html, for models of Anthropic's"""

    CONTENT_TYPE = "application/vnd.amazon.eventstream"
    ERRORS = {400: "ValidationException", 403: "AccessDeniedException", 404: "ResourceNotFoundException", 429: "ThrottlingException", 503: "ServiceUnavailableException"}
    # A model's own format in AWS's framing, here Anthropic's.
    INVOKE_STREAM = "/invoke-with-response-stream"
    ACTIONS = ("converse", "converse-stream", "count-tokens", INVOKE_STREAM[1:])

    @classmethod
    def matches(cls, path: str) -> bool:
        return path.split("/")[-3:-2] == ["model"] and path.rsplit("/", 1)[-1] in cls.ACTIONS

    @staticmethod
    def model(path: str, body: dict) -> str | None:
        return urllib.parse.unquote(path.split("/")[-2]).removeprefix("anthropic.")

    @staticmethod
    def asks_stream(path: str, body: dict) -> bool:
        return path.endswith(("/converse-stream", Bedrock.INVOKE_STREAM))

    @classmethod
    def error(cls, status: int, message: str) -> web.Response:
        headers = {"x-amzn-ErrorType": cls.ERRORS.get(status, "InternalServerException"), **({"Retry-After": "7"} if status == 429 else {})}
        return web.json_response({"message": message}, status=status, headers=headers)

    @classmethod
    def problem(cls, request, body: dict) -> str | None:
        if not request.headers.get("Authorization", "").startswith("AWS4-HMAC-SHA256 "):
            return "Missing Authentication Token"
        if request.path.endswith("/count-tokens"):
            return None if "converse" in body.get("input", {}) else "input: is required"
        if request.path.endswith(cls.INVOKE_STREAM):
            # The model stands in the path, the version in the body.
            own = {key: value for key, value in body.items() if key != "anthropic_version"}
            return Anthropic.body_problem(own) if "anthropic_version" in body else "anthropic_version: Field required"
        for unknown in set(body) - {
            "messages", "system", "inferenceConfig", "toolConfig", "guardrailConfig", "additionalModelRequestFields", "additionalModelResponseFieldPaths", "promptVariables",
            "requestMetadata", "performanceConfig", "outputConfig", "serviceTier",
        }:
            return f"The request has an unknown member {unknown}"
        roles = [message["role"] for message in body["messages"]]
        if any(role not in ("user", "assistant") for role in roles) or any(a == b for a, b in zip(roles, roles[1:])):
            return f"roles must alternate between user and assistant: {roles}"
        for block in (block for message in body["messages"] for block in message["content"]):
            if len(block) != 1 or not set(block) <= {"text", "image", "document", "video", "audio", "toolUse", "toolResult", "guardContent", "cachePoint", "reasoningContent"}:
                return f"a content block of {sorted(block)} is no union with one member"
        return None

    @staticmethod
    def usage(tokens: list[str]) -> dict:
        return {"inputTokens": openai_format.PROMPT_TOKENS, "outputTokens": len(tokens), "totalTokens": openai_format.PROMPT_TOKENS + len(tokens)}

    @staticmethod
    def blocks(body: dict, tokens: list[str]) -> tuple[list[dict], str]:
        blocks = []
        if body.get("additionalModelRequestFields", {}).get("thinking", {}).get("type") in ("enabled", "adaptive"):
            blocks.append({"reasoningContent": {"reasoningText": {"text": THOUGHT, "signature": SIGNATURE}}})
        if body.get("toolConfig", {}).get("tools") and not has_tool_result(body):
            use = {"toolUseId": "tooluse_1", "name": body["toolConfig"]["tools"][0]["toolSpec"]["name"], "input": TOOL_ARGUMENTS}
            return blocks + [{"toolUse": use}], "tool_use"
        return blocks + [{"text": "".join(tokens)}], "end_turn"

    @classmethod
    def answer(cls, path: str, body: dict, model: str, tokens: list[str]) -> dict:
        if path.endswith("/count-tokens"):
            return {"inputTokens": openai_format.PROMPT_TOKENS}
        blocks, reason = cls.blocks(body, tokens)
        return {"output": {"message": {"role": "assistant", "content": blocks}}, "stopReason": reason, "usage": cls.usage(tokens), "metrics": {"latencyMs": 9}}

    @classmethod
    def frames(cls, path: str, body: dict, model: str, tokens: list[str]):
        if path.endswith(cls.INVOKE_STREAM):
            for frame, is_token in Anthropic.frames(path, body, model, tokens):
                event = frame.split(b"data: ", 1)[1].strip()
                yield event_message("chunk", {"bytes": base64.b64encode(event).decode(), "p": "ab"}), is_token
            return
        # What pads an event against guessing its length by that of its message.
        yield event_message("messageStart", {"role": "assistant", "p": "abcde"}), False
        blocks, reason = cls.blocks(body, tokens)
        for index, block in enumerate(blocks):
            if use := block.get("toolUse"):
                start = {"toolUse": {"toolUseId": use["toolUseId"], "name": use["name"]}}
                yield event_message("contentBlockStart", {"contentBlockIndex": index, "start": start}), False
                text = json.dumps(use["input"], ensure_ascii=False)
                deltas = [{"toolUse": {"input": text[n : n + 4]}} for n in range(0, len(text), 4)]
            elif "reasoningContent" in block:
                deltas = [{"reasoningContent": piece} for piece in ({"text": THOUGHT[:6]}, {"text": THOUGHT[6:]}, {"signature": SIGNATURE})]
            else:
                deltas = [{"text": token} for token in tokens]
            for delta in deltas:
                yield event_message("contentBlockDelta", {"contentBlockIndex": index, "delta": delta, "p": "ab"}), "text" in delta
            yield event_message("contentBlockStop", {"contentBlockIndex": index}), False
        yield event_message("messageStop", {"stopReason": reason}), False
        yield event_message("metadata", {"usage": cls.usage(tokens), "metrics": {"latencyMs": 9}}), False


class Ollama:
    """https://docs.ollama.com/api/chat"""

    CONTENT_TYPE = "application/x-ndjson"

    @staticmethod
    def matches(path: str) -> bool:
        return path.endswith("/api/chat")

    @staticmethod
    def model(path: str, body: dict) -> str | None:
        return body.get("model")

    @staticmethod
    def asks_stream(path: str, body: dict) -> bool:
        return body.get("stream", True)

    @staticmethod
    def error(status: int, message: str) -> web.Response:
        return web.json_response({"error": message}, status=status, headers={"Retry-After": "7"} if status == 429 else {})

    @staticmethod
    def problem(request, body: dict) -> str | None:
        for message in body["messages"]:
            if message.get("role") not in ("system", "user", "assistant", "tool"):
                return "invalid role"
            if not isinstance(message.get("content", ""), str):
                return "json: cannot unmarshal array into Go struct field ChatRequest.messages.content of type string"
            if any(not isinstance(call["function"]["arguments"], dict) for call in message.get("tool_calls", [])):
                return "json: cannot unmarshal string into Go struct field ToolCallFunction.arguments"
        return None

    @staticmethod
    def message(body: dict, tokens: list[str]) -> dict:
        message = {"role": "assistant", "content": "".join(tokens), **({"thinking": THOUGHT} if body.get("think") else {})}
        if body.get("tools") and not has_tool_result(body):
            return {**message, "content": "", "tool_calls": [{"function": {"name": body["tools"][0]["function"]["name"], "arguments": TOOL_ARGUMENTS}}]}
        return message

    @staticmethod
    def end(tokens: list[str]) -> dict:
        return {"done": True, "done_reason": "stop", "total_duration": 9, "prompt_eval_count": openai_format.PROMPT_TOKENS, "eval_count": len(tokens), "eval_duration": 9}

    @classmethod
    def answer(cls, path: str, body: dict, model: str, tokens: list[str]) -> dict:
        return {"model": model, "created_at": "2026-01-01T00:00:00.000001Z", "message": cls.message(body, tokens), **cls.end(tokens)}

    @classmethod
    def frames(cls, path: str, body: dict, model: str, tokens: list[str]):
        def line(message: dict, **more) -> bytes:
            data = {"model": model, "created_at": "2026-01-01T00:00:00.000001Z", "message": {"role": "assistant", "content": "", **message}, **(more or {"done": False})}
            return json.dumps(data, ensure_ascii=False).encode() + b"\n"

        whole = cls.message(body, tokens)
        if thought := whole.get("thinking"):
            yield line({"thinking": thought[:6]}), False
            yield line({"thinking": thought[6:]}), False
        if calls := whole.get("tool_calls"):
            yield line({"tool_calls": calls}), False
        else:
            for token in tokens:
                yield line({"content": token}), True
        yield line({}, **cls.end(tokens)), False


def has_tool_result(body: dict) -> bool:
    text = json.dumps(body.get("messages") or body.get("contents") or [])
    return '"tool_result"' in text or '"functionResponse"' in text or '"role": "tool"' in text or '"toolResult"' in text


VENDORS = (Anthropic, VertexAnthropic, Gemini, Cohere, Bedrock, Ollama)


def vendor_of(path: str):
    return next((vendor for vendor in VENDORS if vendor.matches(path)), None)
