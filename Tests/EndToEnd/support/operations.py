"""OpenAI's operations beside chat, completions and embeddings, for the fake provider: enough of each for the official client."""

import json

from aiohttp import web

SOUND = b"ID3\x04" + bytes(range(256)) * 8
FILE = {"id": "file-1", "object": "file", "bytes": 3, "created_at": 1, "filename": "a.jsonl", "purpose": "batch", "status": "processed"}
BATCH = {
    "id": "batch_1", "object": "batch", "endpoint": "/v1/chat/completions", "input_file_id": "file-1", "completion_window": "24h", "status": "validating", "created_at": 1,
}
USAGE = {"input_tokens": 9, "input_tokens_details": {"cached_tokens": 4}, "output_tokens": 5, "output_tokens_details": {"reasoning_tokens": 2}, "total_tokens": 14}


def response(model: str, status: str = "completed") -> dict:
    content = [{"type": "output_text", "text": "Hello", "annotations": []}] if status == "completed" else []
    return {
        "id": "resp_1", "object": "response", "created_at": 1, "model": model, "status": status, "error": None, "incomplete_details": None, "instructions": None, "metadata": {},
        "output": [{"id": "msg_1", "type": "message", "role": "assistant", "status": status, "content": content}] if content else [], "parallel_tool_calls": True,
        "temperature": 1.0, "tool_choice": "auto", "tools": [], "top_p": 1.0, "usage": USAGE if content else None,
    }


async def stream(request: web.Request, model: str) -> web.StreamResponse:
    answer = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await answer.prepare(request)
    events = [
        {"type": "response.created", "response": response(model, "in_progress"), "sequence_number": 0},
        {"type": "response.output_text.delta", "item_id": "msg_1", "output_index": 0, "content_index": 0, "delta": "Hello", "logprobs": [], "sequence_number": 1},
        {"type": "response.completed", "response": response(model), "sequence_number": 2},
    ]
    for event in events:
        await answer.write(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode())
    await answer.write_eof()
    return answer


async def answer(request: web.Request, body: bytes) -> web.StreamResponse | None:
    """The answer to one of these operations; None for other requests."""
    path, method = request.path.split("/v1/", 1)[-1], request.method
    if path == "responses" and method == "POST":
        asked = json.loads(body)
        return await stream(request, asked["model"]) if asked.get("stream") else web.json_response(response(asked["model"]))
    if path.startswith("responses/") and method == "GET":
        return web.json_response(response("gpt-fake"))
    if path == "files":
        return web.json_response(FILE if method == "POST" else {"object": "list", "data": [FILE], "has_more": False})
    if path == "files/file-1/content":
        return web.Response(body=b"abc", content_type="application/octet-stream")
    if path == "files/file-1":
        return web.json_response({"id": "file-1", "object": "file", "deleted": True} if method == "DELETE" else FILE)
    if path.startswith("batches"):
        return web.json_response(BATCH)
    if path == "images/generations":
        return web.json_response({"created": 1, "data": [{"b64_json": "AAAA"}], "usage": {**USAGE, "input_tokens_details": {"text_tokens": 9, "image_tokens": 0}}})
    if path == "audio/transcriptions":
        return web.json_response({"text": "Hello", "usage": {"type": "tokens", "input_tokens": 14, "output_tokens": 3, "total_tokens": 17}})
    if path == "audio/speech":
        return web.Response(body=SOUND, content_type="audio/mpeg")
    return None
