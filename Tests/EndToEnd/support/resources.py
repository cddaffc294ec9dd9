"""Vendors' own APIs beside prompts, for the fake clouds: batches, files, videos, jobs. Each answers as its vendor does, which hands out addresses of its own."""

import base64
import json
import urllib.parse

from aiohttp import web

from .clouds import Clouds, signature_problem

ANTHROPIC_KEY = "anthropic-key"
GEMINI_KEY = "gemini-key"
CONTENT = b"batch results, or a video \x00\xff" * 2000
ARN = "arn:aws:bedrock:eu-west-1:123456789012:async-invoke/abc123"
JOB = "arn:aws:bedrock:eu-west-1:123456789012:model-invocation-job/job123"
MODEL = "veo-3.1-generate-001"


class Resources(Clouds):
    """The server; what it hands out as an address of the vendor's is `origin`."""

    def __init__(self, origin: str | None = None):
        super().__init__()
        self.origin = origin or self.base
        self.uploads: dict[str, bytearray] = {}
        self.polls = 0

    def reset(self) -> None:
        super().reset()
        self.uploads.clear()
        self.polls = 0

    async def _answer(self, request, record) -> web.StreamResponse:
        path = request.path
        if "/messages/batches" in path:
            return self._anthropic(request, record)
        if path.startswith(("/v1beta/", "/upload/", "/download/")):
            return self._gemini(request, record)
        if "/batchPredictionJobs" in path or ":fetchPredictOperation" in path or ":predictLongRunning" in path or ":rank" in path:
            return self._vertex(request, record)
        if path.startswith(("/async-invoke", "/model-invocation-job")):
            return self._jobs(request, record)
        return await super()._answer(request, record)

    # Anthropic: https://docs.anthropic.com/en/api/creating-message-batches

    def _anthropic(self, request, record) -> web.Response:
        if request.headers.getall("x-api-key", []) != [ANTHROPIC_KEY] or "anthropic-version" not in request.headers:
            return web.json_response({"type": "error", "error": {"type": "authentication_error", "message": "invalid x-api-key"}}, status=401)
        name, _, action = request.path.split("/messages/batches", 1)[1].strip("/").partition("/")
        if action == "results":
            usage = {"input_tokens": 10, "output_tokens": 5}
            message = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude", "content": [{"type": "text", "text": "Hi"}], "stop_reason": "end_turn", "stop_sequence": None, "usage": usage}
            lines = [json.dumps({"custom_id": f"r{n}", "result": {"type": "succeeded", "message": message}}) for n in range(3)]
            return web.Response(text="\n".join(lines) + "\n", content_type="application/x-jsonl")
        if request.method == "DELETE":
            return web.json_response({"id": name, "type": "message_batch_deleted"})
        status = "canceling" if action == "cancel" else "ended" if name else "in_progress"
        batch = {
            "id": "msgbatch_1", "type": "message_batch", "processing_status": status, "created_at": "2026-01-01T00:00:00Z", "expires_at": "2026-01-02T00:00:00Z", "ended_at": None,
            "archived_at": None, "cancel_initiated_at": None, "request_counts": {"processing": 0, "succeeded": 3, "errored": 0, "canceled": 0, "expired": 0},
            "results_url": "https://api.anthropic.com/v1/messages/batches/msgbatch_1/results" if status == "ended" else None,
        }  # fmt: skip
        if request.method == "GET" and not name:
            return web.json_response({"data": [batch], "has_more": False, "first_id": "msgbatch_1", "last_id": "msgbatch_1"})
        return web.json_response(batch)

    # Google: https://ai.google.dev/api/files, https://ai.google.dev/gemini-api/docs/video

    def _gemini(self, request, record) -> web.Response:
        if request.query.get("key", request.headers.get("x-goog-api-key")) != GEMINI_KEY or ("key" in request.query) == ("x-goog-api-key" in request.headers):
            return web.json_response({"error": {"code": 401, "status": "UNAUTHENTICATED", "message": "no key, or two"}}, status=401)
        path, method = request.path, request.method
        if path == "/upload/v1beta/files":
            return self._upload(request, record)
        if path.endswith(":download"):
            if path.startswith("/v1beta/"):
                # As the vendor does: elsewhere on its own host, with the key that it was asked with.
                query = {**request.query, "redirected": "1"}
                return web.Response(status=302, headers={"Location": f"{self.origin}/download{path}?{urllib.parse.urlencode(query)}"})
            return web.Response(body=CONTENT, content_type="video/mp4")
        if path.startswith("/v1beta/files"):
            if method == "DELETE":
                return web.json_response({})
            return web.json_response({"files": [self._file()]} if path == "/v1beta/files" else self._file())
        operation = {"name": f"models/{MODEL}/operations/op1"}
        if ":predictLongRunning" in path:
            return web.json_response(operation)
        if "/operations/" in path:
            self.polls += 1
            if self.polls < 2:
                return web.json_response(operation)
            video = {"video": {"uri": f"{self.origin}/v1beta/files/vid1:download?alt=media"}}
            return web.json_response({**operation, "done": True, "response": {"generateVideoResponse": {"generatedSamples": [video]}}})
        if path.endswith(":cancel") or method == "DELETE":
            return web.json_response({})
        batch = {
            "name": "batches/b1",
            "metadata": {"@type": "type.googleapis.com/google.ai.generativelanguage.v1main.GenerateContentBatch", "state": "BATCH_STATE_PENDING", "model": "models/gemini-2.5-flash", "name": "batches/b1"},
        }
        return web.json_response({"operations": [batch]} if path == "/v1beta/batches" else batch)

    def _file(self) -> dict:
        return {"name": "files/f1", "displayName": "notes", "mimeType": "text/plain", "sizeBytes": "9", "state": "ACTIVE", "uri": f"{self.origin}/v1beta/files/f1"}

    def _upload(self, request, record) -> web.Response:
        command = request.headers.get("X-Goog-Upload-Command")
        if command == "start":
            self.uploads["u1"] = bytearray()
            query = {**request.query, "upload_id": "u1", "upload_protocol": "resumable"}
            address = f"{self.origin}/upload/v1beta/files?{urllib.parse.urlencode(query)}"
            return web.json_response({}, headers={"X-Goog-Upload-URL": address, "X-Goog-Upload-Control-URL": address, "X-Goog-Upload-Status": "active"})
        content = self.uploads[request.query["upload_id"]]
        if int(request.headers["X-Goog-Upload-Offset"]) != len(content):
            return web.json_response({"error": {"code": 400, "status": "INVALID_ARGUMENT", "message": "offset"}}, status=400)
        content += record.body
        if "finalize" not in command:
            return web.Response(headers={"X-Goog-Upload-Status": "active"})
        return web.json_response({"file": self._file()}, headers={"X-Goog-Upload-Status": "final"})

    # Vertex AI

    def _vertex(self, request, record) -> web.Response:
        if not request.headers.get("Authorization", "").startswith("Bearer google-"):
            return web.json_response({"error": {"code": 401, "status": "UNAUTHENTICATED", "message": "no token"}}, status=401)
        if not request.path.startswith(("/v1/projects/own/locations/eu-1/", "/v1/projects/own/locations/global/rankingConfigs/")):
            return web.json_response({"error": {"code": 403, "status": "PERMISSION_DENIED", "message": request.path}}, status=403)
        if ":rank" in request.path:
            return web.json_response({"records": [{"id": "1", "score": 0.9}]})
        operation = {"name": f"projects/own/locations/eu-1/publishers/google/models/{MODEL}/operations/op1"}
        if ":predictLongRunning" in request.path:
            return web.json_response(operation)
        if ":fetchPredictOperation" in request.path:
            self.polls += 1
            if self.polls < 2:
                return web.json_response(operation)
            video = {"bytesBase64Encoded": base64.b64encode(CONTENT).decode(), "mimeType": "video/mp4"}
            return web.json_response({**operation, "done": True, "response": {"videos": [video], "raiMediaFilteredCount": 0}})
        job = {"name": "projects/own/locations/eu-1/batchPredictionJobs/7", "displayName": "job", "state": "JOB_STATE_PENDING", "model": "publishers/google/models/gemini-2.5-flash"}
        if request.method == "DELETE" or request.path.endswith(":cancel"):
            return web.json_response({})
        return web.json_response({"batchPredictionJobs": [job]} if request.method == "GET" and request.path.endswith("batchPredictionJobs") else job)

    # Bedrock: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_StartAsyncInvoke.html, …/API_CreateModelInvocationJob.html

    def _jobs(self, request, record) -> web.Response:
        if problem := signature_problem(request, record.body, "bedrock"):
            return web.json_response({"message": problem}, status=403, headers={"x-amzn-ErrorType": "InvalidSignatureException"})
        output = {"s3OutputDataConfig": {"s3Uri": "s3://bucket/videos"}}
        invocation = {"invocationArn": ARN, "modelArn": "arn:aws:bedrock:eu-west-1::foundation-model/amazon.nova-reel-v1:1", "status": "Completed", "submitTime": "2026-01-01T00:00:00Z", "outputDataConfig": output}
        job = {
            "jobArn": JOB, "jobName": "nightly", "modelId": "amazon.nova-lite-v1:0", "status": "InProgress", "submitTime": "2026-01-01T00:00:00Z", "roleArn": "arn:aws:iam::1:role/r",
            "inputDataConfig": {"s3InputDataConfig": {"s3Uri": "s3://in"}}, "outputDataConfig": {"s3OutputDataConfig": {"s3Uri": "s3://out"}},
        }  # fmt: skip
        name = urllib.parse.unquote(request.raw_path.split("?")[0])
        if request.path.startswith("/async-invoke"):
            if request.method == "POST":
                return web.json_response({"invocationArn": ARN})
            return web.json_response({"asyncInvokeSummaries": [invocation]} if request.path == "/async-invoke" else invocation)
        if request.path == "/model-invocation-jobs":
            return web.json_response({"invocationJobSummaries": [job]})
        if name.endswith("/stop") or request.method == "POST":
            return web.json_response({} if name.endswith("/stop") else {"jobArn": JOB})
        return web.json_response(job)
