"""Fake clouds in one server: AWS (STS, IMDSv2, Bedrock), Google's and Microsoft's token endpoints, Cohere, Ollama.

Signed requests are checked with botocore: what the gateway signs is signed again with the same keys and compared.
"""

import base64
import json
import urllib.parse

import botocore.auth
from aiohttp import web
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from .eventstream import event_message
from .provider import ANSWER, Provider, embeddings, completion

REGION = "eu-west-1"
KEYS = {"AKIASTATIC": "static/secret+1", "AKIAENV": "environment-secret", "ASIAROLE": "role-secret", "ASIAIMDS": "imds-secret"}
SESSION_TOKENS = {"ASIAROLE": "role-token//x+y==", "ASIAIMDS": "imds-token"}
TOOL_INPUT = {"city": "Łódź"}


class Clouds(Provider):
    """The server; `tokens` counts what its token endpoints gave out, by endpoint."""

    def __init__(self):
        super().__init__()
        self.tokens: dict[str, int] = {}
        self.lifetime = 3600

    def reset(self) -> None:
        super().reset()
        self.tokens.clear()
        self.lifetime = 3600

    def _count(self, name: str) -> int:
        self.tokens[name] = self.tokens.get(name, 0) + 1
        return self.tokens[name]

    async def _answer(self, request, record) -> web.StreamResponse:
        path = request.path
        if path == "/sts":
            return self._sts(request, record)
        if path.startswith("/latest/"):
            return self._imds(request)
        if path in ("/rerank", "/retrieveAndGenerate", "/retrieveAndGenerateStream"):
            return self._bedrock_agent(request, record)
        if path.startswith("/model/"):
            return await self._bedrock(request, record)
        if path.startswith("/guardrail/"):
            return self._guardrail(request, record)
        if ":sanitize" in path:
            return self._model_armor(request, record)
        if path == "/gcp/token":
            return self._google(record)
        if path.startswith("/computeMetadata/"):
            if request.headers.get("Metadata-Flavor") != "Google":
                return web.Response(status=403)
            return web.json_response({"access_token": f"metadata-{self._count('metadata')}", "expires_in": self.lifetime, "token_type": "Bearer"})
        if path.endswith("/oauth2/v2.0/token") or path == "/metadata/identity/oauth2/token":
            return self._entra(request, record)
        if path in ("/v2/chat", "/v2/embed", "/v2/rerank"):
            return await self._cohere(request, record)
        if path in ("/api/chat", "/api/embed"):
            return await self._ollama(request, record)
        if path == "/tgi":
            return await self._text_generation(request, record)
        if path.startswith("/openai/"):
            body = json.loads(record.body)
            return web.json_response(completion(path, body, "gpt-fake", ANSWER, 5))
        return await super()._answer(request, record)

    # AWS

    def _sts(self, request, record) -> web.Response:
        form = dict(urllib.parse.parse_qsl(record.body.decode()))
        if form["Action"] == "AssumeRole" and (problem := signature_problem(request, record.body, "sts")):
            return web.Response(status=403, text=f"<ErrorResponse><Error><Code>SignatureDoesNotMatch</Code><Message>{problem}</Message></Error></ErrorResponse>")
        if form["RoleArn"].endswith("denied"):
            return web.Response(status=403, text="<ErrorResponse><Error><Code>AccessDenied</Code><Message>not you</Message></Error></ErrorResponse>")
        self._count(form["Action"])
        return web.Response(
            content_type="text/xml",
            text=f"""<{form["Action"]}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><{form["Action"]}Result><Credentials>
                <AccessKeyId>ASIAROLE</AccessKeyId><SecretAccessKey>{KEYS["ASIAROLE"]}</SecretAccessKey><SessionToken>{SESSION_TOKENS["ASIAROLE"]}</SessionToken>
                <Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></{form["Action"]}Result></{form["Action"]}Response>""",
        )

    def _imds(self, request) -> web.Response:
        if request.method == "PUT":
            return web.Response(text="session-token")
        if request.headers.get("X-aws-ec2-metadata-token") != "session-token":
            return web.Response(status=401)
        if request.path.endswith("/"):
            return web.Response(text="instance-role")
        self._count("imds")
        return web.json_response(
            {"AccessKeyId": "ASIAIMDS", "SecretAccessKey": KEYS["ASIAIMDS"], "Token": SESSION_TOKENS["ASIAIMDS"], "Expiration": "2099-01-01T00:00:00Z"}
        )

    def _bedrock_agent(self, request, record) -> web.Response:
        if problem := signature_problem(request, record.body, "bedrock"):
            return web.json_response({"message": problem}, status=403, headers={"x-amzn-ErrorType": "InvalidSignatureException"})
        if request.path == "/rerank":
            scores = [{"index": index, "relevanceScore": 1 / (index + 1)} for index, _ in enumerate(json.loads(record.body)["sources"])]
            return web.json_response({"results": scores})
        if request.path == "/retrieveAndGenerate":
            return web.json_response({"sessionId": "s-1", "output": {"text": ANSWER}, "citations": []})
        events = [("output", {"text": ANSWER[:9]}), ("output", {"text": ANSWER[9:]}), ("citation", {"citation": {"retrievedReferences": []}})]
        headers = {"Content-Type": "application/vnd.amazon.eventstream", "x-amzn-bedrock-knowledge-base-session-id": "s-1"}
        return web.Response(body=b"".join(event_message(*event) for event in events), headers=headers)

    async def _bedrock(self, request, record) -> web.StreamResponse:
        if problem := signature_problem(request, record.body, "bedrock"):
            return web.json_response({"message": problem}, status=403, headers={"x-amzn-ErrorType": "InvalidSignatureException"})
        _, _, model, action = request.path.split("/", 3)
        body = json.loads(record.body)
        if model.startswith("status-"):
            return web.json_response({"message": f"refused with {model[7:]}"}, status=int(model[7:]), headers={"x-amzn-ErrorType": "ThrottlingException", "Retry-After": "7"})
        if action == "invoke" and "inputText" in body:
            return web.json_response({"embedding": [0.25, -0.5, 0.75][: body.get("dimensions", 3)], "inputTextTokenCount": 5})
        if action == "invoke":
            return web.json_response({"completion": ANSWER, "usage": {"input_tokens": 4, "output_tokens": 5}})
        usage = {"inputTokens": 11, "outputTokens": 5, "totalTokens": 16}
        tools = body.get("toolConfig", {}).get("tools")
        if action == "converse":
            content = [{"toolUse": {"toolUseId": "tooluse_1", "name": tools[0]["toolSpec"]["name"], "input": TOOL_INPUT}}] if tools else [{"text": model[6:] if model.startswith("score-") else ANSWER}]
            return web.json_response(
                {"output": {"message": {"role": "assistant", "content": content}}, "stopReason": "tool_use" if tools else "end_turn", "usage": usage, "metrics": {"latencyMs": 9}}
            )
        events = [("messageStart", {"role": "assistant"})]
        if tools:
            events.append(("contentBlockStart", {"contentBlockIndex": 0, "start": {"toolUse": {"toolUseId": "tooluse_1", "name": tools[0]["toolSpec"]["name"]}}}))
            text = json.dumps(TOOL_INPUT, ensure_ascii=False)
            events += [("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"toolUse": {"input": text[n : n + 5]}}}) for n in range(0, len(text), 5)]
        else:
            events += [("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": part}, "p": "abcdefgh"}) for part in ANSWER.split(" ")]
        events += [("contentBlockStop", {"contentBlockIndex": 0}), ("messageStop", {"stopReason": "tool_use" if tools else "end_turn"}), ("metadata", {"usage": usage, "metrics": {"latencyMs": 9}})]
        if model == "throttled":
            events = events[:3] + [("throttlingException", {"message": "slow down, please"})]
        response = web.StreamResponse(headers={"Content-Type": "application/vnd.amazon.eventstream"})
        await response.prepare(request)
        # In pieces that have nothing to do with the messages' borders.
        data = b"".join(event_message(name, payload) for name, payload in events)
        for start in range(0, len(data), 37):
            await response.write(data[start : start + 37])
        await response.write_eof()
        return response

    def _guardrail(self, request, record) -> web.Response:
        """https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ApplyGuardrail.html"""
        if problem := signature_problem(request, record.body, "bedrock"):
            return web.json_response({"message": problem}, status=403, headers={"x-amzn-ErrorType": "InvalidSignatureException"})
        if "throttled" in request.path:
            return web.json_response({"message": "slow down"}, status=429, headers={"x-amzn-ErrorType": "ThrottlingException"})
        body = json.loads(record.body)
        text = " ".join(part["text"]["text"] for part in body["content"])
        if "poison" not in text:
            return web.json_response({"action": "NONE", "outputs": [], "assessments": [{}], "usage": {"contentPolicyUnits": 1}})
        topic = {"name": "poisons", "type": "DENY", "action": "BLOCKED"}
        return web.json_response(
            {"action": "GUARDRAIL_INTERVENED", "outputs": [{"text": f"No {body['source'].lower()} of that kind."}], "assessments": [{"topicPolicy": {"topics": [topic]}}], "usage": {}}
        )

    def _model_armor(self, request, record) -> web.Response:
        """https://cloud.google.com/security-command-center/docs/reference/model-armor/rest/v1/projects.locations.templates/sanitizeUserPrompt"""
        if not request.headers.get("Authorization", "").startswith("Bearer google-"):
            return web.json_response({"error": {"code": 401, "status": "UNAUTHENTICATED", "message": "no token"}}, status=401)
        body = json.loads(record.body)
        text = (body.get("userPromptData") or body.get("modelResponseData"))["text"]
        hit = "MATCH_FOUND" if "poison" in text else "NO_MATCH_FOUND"
        jailbreak = {"piAndJailbreakFilterResult": {"executionState": "EXECUTION_SUCCESS", "matchState": hit, "confidenceLevel": "HIGH"}}
        return web.json_response({"sanitizationResult": {"filterMatchState": hit, "invocationResult": "SUCCESS", "filterResults": {"pi_and_jailbreak": jailbreak}}})

    # Google and Microsoft

    def _google(self, record) -> web.Response:
        form = dict(urllib.parse.parse_qsl(record.body.decode()))
        claims = json.loads(base64.urlsafe_b64decode(form["assertion"].split(".")[1] + "=="))
        if form["grant_type"] != "urn:ietf:params:oauth:grant-type:jwt-bearer" or "@" not in claims["iss"]:
            return web.json_response({"error": "invalid_grant"}, status=400)
        return web.json_response({"access_token": f"google-{self._count('google')}", "expires_in": self.lifetime})

    def _entra(self, request, record) -> web.Response:
        if request.method == "GET":
            if request.headers.get("Metadata") != "true":
                return web.Response(status=400)
            return web.json_response({"access_token": f"managed-{self._count('managed')}", "expires_in": str(self.lifetime), "token_type": "Bearer"})
        form = dict(urllib.parse.parse_qsl(record.body.decode()))
        if form.get("client_secret") != "entra-secret&=":
            return web.json_response({"error": "invalid_client", "error_description": "AADSTS7000215: secret entra"}, status=401)
        return web.json_response({"access_token": f"entra-{self._count('entra')}", "expires_in": self.lifetime})

    # Cohere and Ollama

    async def _cohere(self, request, record) -> web.StreamResponse:
        body = json.loads(record.body)
        if request.headers.get("Authorization") != "Bearer cohere-key":
            return web.json_response({"message": "invalid api token"}, status=401)
        if request.path == "/v2/embed":
            vectors = [[0.25, -0.5, 0.75] for _ in body["texts"]]
            return web.json_response({"id": "e", "embeddings": {"float": vectors}, "texts": body["texts"], "meta": {"billed_units": {"input_tokens": 5 * len(vectors)}}})
        if request.path == "/v2/rerank":
            results = [{"index": n, "relevance_score": 1 - n / 10} for n in range(len(body["documents"]))]
            return web.json_response({"id": "r", "results": results, "meta": {"billed_units": {"search_units": 1}}})
        usage = {"billed_units": {"input_tokens": 11, "output_tokens": 5}, "tokens": {"input_tokens": 70, "output_tokens": 5}}
        call = {"id": "w_1", "type": "function", "function": {"name": body["tools"][0]["function"]["name"], "arguments": json.dumps(TOOL_INPUT)}} if body.get("tools") else None
        reason = "TOOL_CALL" if call else "COMPLETE"
        if not body.get("stream"):
            message = {"role": "assistant", "tool_plan": "I look it up.", "tool_calls": [call]} if call else {"role": "assistant", "content": [{"type": "text", "text": ANSWER}]}
            return web.json_response({"id": "c", "finish_reason": reason, "message": message, "usage": usage})
        events = [{"id": "c", "type": "message-start", "delta": {"message": {"role": "assistant", "content": [], "tool_plan": "", "tool_calls": [], "citations": []}}}]
        if call:
            empty = {**call, "function": {**call["function"], "arguments": ""}}
            events.append({"type": "tool-call-start", "index": 0, "delta": {"message": {"tool_calls": empty}}})
            events.append({"type": "tool-call-delta", "index": 0, "delta": {"message": {"tool_calls": {"function": {"arguments": call["function"]["arguments"]}}}}})
            events.append({"type": "tool-call-end", "index": 0})
        else:
            events.append({"type": "content-start", "index": 0, "delta": {"message": {"content": {"type": "text", "text": ""}}}})
            events += [{"type": "content-delta", "index": 0, "delta": {"message": {"content": {"text": part + " "}}}} for part in ANSWER.split(" ")]
            events.append({"type": "content-end", "index": 0})
        events.append({"id": "c", "type": "message-end", "delta": {"finish_reason": reason, "usage": usage}})
        return await stream(request, "text/event-stream", [f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in events])

    async def _ollama(self, request, record) -> web.StreamResponse:
        body = json.loads(record.body)
        if body["model"] == "missing":
            return web.json_response({"error": "model 'missing' not found"}, status=404)
        if request.path == "/api/embed":
            return web.json_response({"model": body["model"], "embeddings": [[0.25, -0.5, 0.75] for _ in body["input"]], "prompt_eval_count": 10})
        call = {"function": {"name": body["tools"][0]["function"]["name"], "arguments": TOOL_INPUT}} if body.get("tools") else None
        end = {"done_reason": "stop", "done": True, "prompt_eval_count": 11, "eval_count": 5}
        message = {"role": "assistant", "content": "" if call else ANSWER, **({"tool_calls": [call]} if call else {})}
        if not body.get("stream", True):
            return web.json_response({"model": body["model"], "created_at": "2026-01-01T00:00:00Z", "message": message, **end})
        pieces = [message] if call else [{"role": "assistant", "content": part + " "} for part in ANSWER.split(" ")]
        lines = [{"model": body["model"], "created_at": "2026-01-01T00:00:00Z", "message": piece, "done": False} for piece in pieces]
        lines.append({"model": body["model"], "created_at": "2026-01-01T00:00:00Z", "message": {"role": "assistant", "content": ""}, **end})
        return await stream(request, "application/x-ndjson", [json.dumps(line) + "\n" for line in lines])

    async def _text_generation(self, request, record) -> web.StreamResponse:
        body = json.loads(record.body)
        details = {"finish_reason": "length", "generated_tokens": 5, "input_length": 11, "seed": None, "prefill": [], "tokens": []}
        if not body.get("stream"):
            return web.json_response([{"generated_text": ANSWER, "details": details}])
        words = ANSWER.split(" ")
        events = [{"index": n, "token": {"id": n, "text": word + " ", "logprob": -1.0, "special": False}, "generated_text": None, "details": None} for n, word in enumerate(words)]
        events[-1] |= {"generated_text": ANSWER, "details": details}
        return await stream(request, "text/event-stream", [f"data:{json.dumps(event)}\n\n" for event in events])


async def stream(request, content_type: str, parts: list[str]) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": content_type})
    await response.prepare(request)
    for part in parts:
        await response.write(part.encode())
    await response.write_eof()
    return response


def signature_problem(request, body: bytes, service: str) -> str | None:
    """What is wrong with a request's signature; None when botocore makes the same."""
    given = request.headers.getall("Authorization", [])
    if len(given) != 1 or not given[0].startswith("AWS4-HMAC-SHA256 "):
        return f"{len(given)} authorizations"
    parts = dict(part.strip().split("=", 1) for part in given[0].removeprefix("AWS4-HMAC-SHA256 ").split(","))
    key, _, region, scope_service, _ = parts["Credential"].split("/")
    if region != REGION or scope_service != service or key not in KEYS:
        return f"scope {region} {scope_service} {key}"
    if request.headers.get("X-Amz-Security-Token") != SESSION_TOKENS.get(key):
        return "session token"
    signed = {name: request.headers[name] for name in parts["SignedHeaders"].split(";")}
    again = AWSRequest(request.method, f"http://{request.headers['Host']}{request.raw_path}", headers=signed, data=body)
    again.context["timestamp"] = request.headers["X-Amz-Date"]
    auth = botocore.auth.SigV4Auth(Credentials(key, KEYS[key]), service, region)
    expected = auth.signature(auth.string_to_sign(again, auth.canonical_request(again)), again)
    return None if expected == parts["Signature"] else "signature"
