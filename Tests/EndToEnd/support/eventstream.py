"""AWS's event stream framing (https://docs.aws.amazon.com/AmazonS3/latest/API/RESTSelectObjectAppendix.html), written apart from the gateway's own writer."""

import json
import struct
import zlib


def event_message(name: str, payload: dict) -> bytes:
    """One message: an event, or an exception where its name ends so."""
    kind = "exception" if name.endswith("Exception") else "event"
    headers = b""
    for key, value in ((f":{kind}-type", name), (":content-type", "application/json"), (":message-type", kind)):
        headers += struct.pack("!B", len(key)) + key.encode() + b"\x07" + struct.pack("!H", len(value)) + value.encode()
    body = json.dumps(payload, ensure_ascii=False).encode()
    prelude = struct.pack("!II", 16 + len(headers) + len(body), len(headers))
    message = prelude + struct.pack("!I", zlib.crc32(prelude)) + headers + body
    return message + struct.pack("!I", zlib.crc32(message))
