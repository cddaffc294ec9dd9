"""The vendors' official clients behind one face, so that one test can ask the same of each."""

import base64
import dataclasses
import json

import anthropic
import boto3
import botocore.config
import botocore.exceptions
import cohere
import httpx
import ollama
import openai
import urllib3
from google import genai
from google.genai import types as gemini

# One red pixel.
IMAGE = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==")
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TIMEOUT = 30


@dataclasses.dataclass
class Answer:
    text: str = ""
    thought: str = ""
    calls: list = dataclasses.field(default_factory=list)
    input_tokens: int = 0
    output_tokens: int = 0
    finish: str = ""
    pieces: int = 0


@dataclasses.dataclass
class Failure:
    status: int
    message: str
    retry_after: str | None = None


class OpenAI:
    name = "openai"
    finishes = {"stop": "stop", "tools": "tool_calls"}

    def __init__(self, base: str, model: str):
        self.model = model
        self.client = openai.OpenAI(base_url=f"{base}/v1", api_key="client", max_retries=0, timeout=TIMEOUT)

    def ask(self, text: str, *, system=None, tools=False, image=False, think=False, schema=None, stream=False, history=(), **more) -> Answer:
        content = text if not image else [
            {"type": "text", "text": text},
            {"type": "image_url", "image_url": {"url": "data:image/png;base64," + base64.b64encode(IMAGE).decode()}},
        ]
        messages = ([{"role": "system", "content": system}] if system else []) + [{"role": "user", "content": content}, *history]
        options = {"model": self.model, "messages": messages, "max_tokens": 2000, **more}
        if tools:
            options["tools"] = [{"type": "function", "function": {"name": "weather", "description": "of a city", "parameters": SCHEMA}}]
        if think:
            options["reasoning_effort"] = "low"
        if schema:
            options["response_format"] = {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema, "strict": True}}
        if stream:
            return self._stream(options)
        answer = self.client.chat.completions.create(**options)
        message = answer.choices[0].message
        calls = [(call.function.name, json.loads(call.function.arguments)) for call in message.tool_calls or []]
        self.last = message
        return Answer(
            message.content or "", getattr(message, "reasoning_content", None) or "", calls, answer.usage.prompt_tokens, answer.usage.completion_tokens,
            answer.choices[0].finish_reason,
        )

    def _stream(self, options) -> Answer:
        answer, calls = Answer(), {}
        for chunk in self.client.chat.completions.create(**options, stream=True, stream_options={"include_usage": True}):
            if chunk.usage:
                answer.input_tokens, answer.output_tokens = chunk.usage.prompt_tokens, chunk.usage.completion_tokens
            for choice in chunk.choices:
                answer.text += choice.delta.content or ""
                answer.pieces += bool(choice.delta.content)
                answer.thought += getattr(choice.delta, "reasoning_content", None) or ""
                answer.finish = choice.finish_reason or answer.finish
                for call in choice.delta.tool_calls or []:
                    known = calls.setdefault(call.index, ["", ""])
                    known[0] += call.function.name or ""
                    known[1] += call.function.arguments or ""
        answer.calls = [(name, json.loads(arguments)) for name, arguments in calls.values()]
        return answer

    def history(self, result: str) -> list:
        """The last answer's call with what the tool gave back."""
        call = self.last.tool_calls[0]
        return [self.last.model_dump(exclude_none=True), {"role": "tool", "tool_call_id": call.id, "content": result}]

    def failure(self, text: str, **more) -> Failure:
        try:
            self.ask(text, **more)
        except openai.APIStatusError as error:
            return Failure(error.status_code, error.message, error.response.headers.get("retry-after"))
        except openai.APIError as error:
            return Failure(0, error.message)
        raise AssertionError("no error")


class Anthropic:
    name = "anthropic"
    finishes = {"stop": "end_turn", "tools": "tool_use"}

    def __init__(self, base: str, model: str):
        self.model = model
        self.client = anthropic.Anthropic(base_url=base, api_key="client", max_retries=0, timeout=TIMEOUT)

    def ask(self, text: str, *, system=None, tools=False, image=False, think=False, schema=None, stream=False, history=(), **more) -> Answer:
        content = text if not image else [
            {"type": "text", "text": text},
            {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": base64.b64encode(IMAGE).decode()}},
        ]
        options = {"model": self.model, "max_tokens": 2000, "messages": [{"role": "user", "content": content}, *history], **more}
        if system:
            options["system"] = system
        if tools:
            options["tools"] = [{"name": "weather", "description": "of a city", "input_schema": SCHEMA}]
        if think:
            options["thinking"] = {"type": "enabled", "budget_tokens": 1024}
        if schema:
            options["output_config"] = {"format": {"type": "json_schema", "schema": schema}}
        if not stream:
            return self._answer(self.client.messages.create(**options))
        with self.client.messages.stream(**options) as events:
            pieces = sum(1 for _ in events.text_stream)
            answer = self._answer(events.get_final_message())
        answer.pieces = pieces
        return answer

    def _answer(self, message) -> Answer:
        self.last = message
        return Answer(
            "".join(block.text for block in message.content if block.type == "text"), "".join(block.thinking for block in message.content if block.type == "thinking"),
            [(block.name, block.input) for block in message.content if block.type == "tool_use"], message.usage.input_tokens, message.usage.output_tokens, message.stop_reason,
        )

    def history(self, result: str) -> list:
        call = next(block for block in self.last.content if block.type == "tool_use")
        return [
            {"role": "assistant", "content": [block.model_dump(exclude_none=True) for block in self.last.content]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": call.id, "content": result}]},
        ]

    def failure(self, text: str, **more) -> Failure:
        try:
            self.ask(text, **more)
        except anthropic.APIStatusError as error:
            return Failure(error.status_code, error.message, error.response.headers.get("retry-after"))
        except anthropic.APIError as error:
            return Failure(0, error.message)
        raise AssertionError("no error")


class Gemini:
    name = "gemini"
    finishes = {"stop": "STOP", "tools": "STOP"}

    def __init__(self, base: str, model: str):
        self.model = model
        self.client = genai.Client(api_key="client", http_options=gemini.HttpOptions(base_url=base, api_version="v1beta", timeout=TIMEOUT * 1000))

    def ask(self, text: str, *, system=None, tools=False, image=False, think=False, schema=None, stream=False, history=(), **more) -> Answer:
        parts = [gemini.Part(text=text)] + ([gemini.Part.from_bytes(data=IMAGE, mime_type="image/png")] if image else [])
        contents = [gemini.Content(role="user", parts=parts), *history]
        options = {"max_output_tokens": 2000, **more}
        if system:
            options["system_instruction"] = system
        if tools:
            declaration = {"name": "weather", "description": "of a city", "parameters_json_schema": SCHEMA}
            options["tools"] = [gemini.Tool(function_declarations=[declaration])]
        if think:
            options["thinking_config"] = gemini.ThinkingConfig(thinking_budget=1024, include_thoughts=True)
        if schema:
            options |= {"response_mime_type": "application/json", "response_json_schema": schema}
        call = {"model": self.model, "contents": contents, "config": gemini.GenerateContentConfig(**options)}
        if not stream:
            return self._answer([self.client.models.generate_content(**call)])
        return self._answer(list(self.client.models.generate_content_stream(**call)))

    def _answer(self, chunks) -> Answer:
        answer, kept = Answer(), []
        for chunk in chunks:
            if chunk.usage_metadata:
                answer.input_tokens, answer.output_tokens = chunk.usage_metadata.prompt_token_count, chunk.usage_metadata.candidates_token_count or 0
            candidate = chunk.candidates[0]
            answer.finish = candidate.finish_reason.name if candidate.finish_reason else answer.finish
            for part in (candidate.content and candidate.content.parts) or []:
                kept.append(part)
                if part.function_call:
                    answer.calls.append((part.function_call.name, dict(part.function_call.args)))
                elif part.thought:
                    answer.thought += part.text or ""
                elif part.text:
                    answer.text += part.text
                    answer.pieces += 1
        self.last = kept
        return answer

    def history(self, result: str) -> list:
        call = next(part for part in self.last if part.function_call).function_call
        response = gemini.FunctionResponse(id=call.id, name=call.name, response={"output": result})
        return [gemini.Content(role="model", parts=self.last), gemini.Content(role="user", parts=[gemini.Part(function_response=response)])]

    def failure(self, text: str, **more) -> Failure:
        try:
            self.ask(text, **more)
        except genai.errors.APIError as error:
            headers = getattr(error.response, "headers", None) or {}
            return Failure(error.code, error.message or "", headers.get("retry-after"))
        raise AssertionError("no error")


class Cohere:
    name = "cohere"
    finishes = {"stop": "COMPLETE", "tools": "TOOL_CALL"}

    def __init__(self, base: str, model: str):
        self.model = model
        self.client = cohere.ClientV2(api_key="client", base_url=base, timeout=TIMEOUT)

    def ask(self, text: str, *, system=None, tools=False, image=False, think=False, schema=None, stream=False, history=(), **more) -> Answer:
        content = text if not image else [
            {"type": "text", "text": text},
            {"type": "image_url", "image_url": {"url": "data:image/png;base64," + base64.b64encode(IMAGE).decode()}},
        ]
        messages = ([{"role": "system", "content": system}] if system else []) + [{"role": "user", "content": content}, *history]
        options = {"model": self.model, "messages": messages, "max_tokens": 2000, **more}
        if tools:
            options["tools"] = [{"type": "function", "function": {"name": "weather", "description": "of a city", "parameters": SCHEMA}}]
        if think:
            options["thinking"] = {"type": "enabled", "token_budget": 1024}
        if schema:
            options["response_format"] = {"type": "json_object", "json_schema": schema}
        if stream:
            return self._stream(options)
        answer = self.client.chat(**options, request_options={"max_retries": 0})
        self.last = answer.message
        blocks = answer.message.content or []
        calls = [(call.function.name, json.loads(call.function.arguments)) for call in answer.message.tool_calls or []]
        return Answer(
            "".join(block.text for block in blocks if block.type == "text"), "".join(block.thinking for block in blocks if block.type == "thinking"), calls,
            answer.usage.billed_units.input_tokens, answer.usage.billed_units.output_tokens, answer.finish_reason,
        )

    def _stream(self, options) -> Answer:
        answer, calls = Answer(), {}
        for event in self.client.chat_stream(**options, request_options={"max_retries": 0}):
            message = getattr(getattr(event, "delta", None), "message", None)
            match event.type:
                case "content-delta":
                    answer.text += message.content.text or ""
                    answer.pieces += bool(message.content.text)
                    answer.thought += message.content.thinking or ""
                case "tool-call-start":
                    calls[event.index] = [message.tool_calls.function.name, ""]
                case "tool-call-delta":
                    calls[event.index][1] += message.tool_calls.function.arguments
                case "message-end":
                    if event.delta.error:
                        raise StreamFailure(event.delta.error)
                    answer.finish = event.delta.finish_reason
                    answer.input_tokens, answer.output_tokens = event.delta.usage.billed_units.input_tokens, event.delta.usage.billed_units.output_tokens
        if not answer.finish:
            raise StreamFailure("the stream has no end")
        answer.calls = [(name, json.loads(arguments)) for name, arguments in calls.values()]
        return answer

    def history(self, result: str) -> list:
        call = self.last.tool_calls[0]
        assistant = {"role": "assistant", "tool_calls": [call.model_dump()], "tool_plan": self.last.tool_plan or "I look it up."}
        return [assistant, {"role": "tool", "tool_call_id": call.id, "content": [{"type": "document", "document": {"data": {"result": result}}}]}]

    def failure(self, text: str, **more) -> Failure:
        try:
            self.ask(text, **more)
        except cohere.core.ApiError as error:
            return Failure(error.status_code, error.body["message"], (error.headers or {}).get("retry-after"))
        except (StreamFailure, httpx.HTTPError) as error:
            return Failure(0, str(error))
        raise AssertionError("no error")


class Bedrock:
    name = "bedrock"
    finishes = {"stop": "end_turn", "tools": "tool_use"}

    def __init__(self, base: str, model: str):
        self.model = model
        config = botocore.config.Config(retries={"total_max_attempts": 1}, read_timeout=TIMEOUT)
        keys = {"aws_access_key_id": "AKIACLIENT", "aws_secret_access_key": "client-secret"}
        self.client = boto3.client("bedrock-runtime", endpoint_url=base, region_name="us-west-2", config=config, **keys)

    def ask(self, text: str, *, system=None, tools=False, image=False, think=False, schema=None, stream=False, history=(), **more) -> Answer:
        content = [{"text": text}] + ([{"image": {"format": "png", "source": {"bytes": IMAGE}}}] if image else [])
        options = {"modelId": self.model, "messages": [{"role": "user", "content": content}, *history], "inferenceConfig": {"maxTokens": 2000}, **more}
        if system:
            options["system"] = [{"text": system}]
        if tools:
            options["toolConfig"] = {"tools": [{"toolSpec": {"name": "weather", "description": "of a city", "inputSchema": {"json": SCHEMA}}}]}
        if think:
            options["additionalModelRequestFields"] = {"thinking": {"type": "enabled", "budget_tokens": 1024}}
        if schema:
            structure = {"jsonSchema": {"schema": json.dumps(schema), "name": "answer"}}
            options["outputConfig"] = {"textFormat": {"type": "json_schema", "structure": structure}}
        if stream:
            return self._stream(options)
        answer = self.client.converse(**options)
        self.last = answer["output"]["message"]
        blocks = self.last["content"]
        return Answer(
            "".join(block.get("text", "") for block in blocks), "".join(block["reasoningContent"]["reasoningText"]["text"] for block in blocks if "reasoningContent" in block),
            [(block["toolUse"]["name"], block["toolUse"]["input"]) for block in blocks if "toolUse" in block], answer["usage"]["inputTokens"],
            answer["usage"]["outputTokens"], answer["stopReason"],
        )

    def _stream(self, options) -> Answer:
        answer, calls = Answer(), {}
        for event in self.client.converse_stream(**options)["stream"]:
            (kind, data), = event.items()
            match kind:
                case "contentBlockStart" if "toolUse" in data["start"]:
                    calls[data["contentBlockIndex"]] = [data["start"]["toolUse"]["name"], ""]
                case "contentBlockDelta":
                    delta = data["delta"]
                    answer.text += delta.get("text", "")
                    answer.pieces += bool(delta.get("text"))
                    answer.thought += delta.get("reasoningContent", {}).get("text", "")
                    if "toolUse" in delta:
                        calls[data["contentBlockIndex"]][1] += delta["toolUse"]["input"]
                case "messageStop":
                    answer.finish = data["stopReason"]
                case "metadata":
                    answer.input_tokens, answer.output_tokens = data["usage"]["inputTokens"], data["usage"]["outputTokens"]
        if not answer.finish:
            raise StreamFailure("the stream has no end")
        answer.calls = [(name, json.loads(arguments)) for name, arguments in calls.values()]
        return answer

    def history(self, result: str) -> list:
        call = next(block["toolUse"] for block in self.last["content"] if "toolUse" in block)
        return [self.last, {"role": "user", "content": [{"toolResult": {"toolUseId": call["toolUseId"], "content": [{"text": result}]}}]}]

    def failure(self, text: str, **more) -> Failure:
        try:
            self.ask(text, **more)
        except botocore.exceptions.ClientError as error:
            told = error.response.get("ResponseMetadata", {})
            return Failure(told.get("HTTPStatusCode", 0), error.response["Error"]["Message"], told.get("HTTPHeaders", {}).get("retry-after"))
        except (StreamFailure, botocore.exceptions.HTTPClientError, urllib3.exceptions.ProtocolError) as error:
            return Failure(0, str(error))
        raise AssertionError("no error")


class Ollama:
    name = "ollama"
    finishes = {"stop": "stop", "tools": "stop"}

    def __init__(self, base: str, model: str):
        self.model = model
        self.answered = {}
        hooks = {"response": [lambda response: self.answered.update(response.headers)]}
        self.client = ollama.Client(host=base, timeout=TIMEOUT, headers={"authorization": "Bearer client"}, event_hooks=hooks)

    def ask(self, text: str, *, system=None, tools=False, image=False, think=False, schema=None, stream=False, history=(), **more) -> Answer:
        question = {"role": "user", "content": text, **({"images": [IMAGE]} if image else {})}
        messages = ([{"role": "system", "content": system}] if system else []) + [question, *history]
        options = {"model": self.model, "messages": messages, "options": {"num_predict": 2000}, **more}
        if tools:
            options["tools"] = [{"type": "function", "function": {"name": "weather", "description": "of a city", "parameters": SCHEMA}}]
        if think:
            options["think"] = True
        if schema:
            options["format"] = schema
        answer = Answer()
        for piece in self.client.chat(**options, stream=True) if stream else [self.client.chat(**options)]:
            message = self.last = piece.message
            answer.text += message.content or ""
            answer.pieces += bool(message.content)
            answer.thought += message.thinking or ""
            answer.calls += [(call.function.name, dict(call.function.arguments)) for call in message.tool_calls or []]
            if piece.done:
                answer.finish, answer.input_tokens, answer.output_tokens = piece.done_reason, piece.prompt_eval_count, piece.eval_count
        if not answer.finish:
            raise StreamFailure("the stream has no end")
        return answer

    def history(self, result: str) -> list:
        return [self.last, {"role": "tool", "tool_name": self.last.tool_calls[0].function.name, "content": result}]

    def failure(self, text: str, **more) -> Failure:
        try:
            self.ask(text, **more)
        except ollama.ResponseError as error:
            return Failure(error.status_code, error.error, self.answered.get("retry-after"))
        except (StreamFailure, httpx.HTTPError) as error:
            return Failure(0, str(error))
        raise AssertionError("no error")


class StreamFailure(Exception):
    """An error that a client finds in a stream's last event."""


CLIENTS = (OpenAI, Anthropic, Gemini, Cohere, Bedrock, Ollama)
