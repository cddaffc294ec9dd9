"""Signs generated requests with botocore, for the differential test of the gateway's own signer: writes vectors.json beside this file.

    pip install botocore==1.43.11 && python generate.py
"""

import datetime
import json
import pathlib
import random
import urllib.parse
from unittest import mock

import botocore.auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

CASES = 80
TEXT = "abcXYZ019-._~ /:+=,;@!$&'()*%\"<>\\^`{|}#?é€𝄞"
METHODS = ["GET", "POST", "PUT", "DELETE"]
TYPES = ["application/json", "application/x-www-form-urlencoded; charset=utf-8", "text/plain;  charset=utf-8", None]
REGIONS = ["us-east-1", "eu-central-1", "cn-north-1", "us-gov-west-1"]


def text(random, longest):
    return "".join(random.choice(TEXT) for _ in range(random.randrange(longest)))


def path(random):
    """A path as it is on the wire: segments encoded once, now and then empty or a dot segment."""
    segments = []
    for _ in range(random.randrange(6)):
        kind = random.randrange(10)
        segments.append("" if kind == 0 else "." if kind == 1 else ".." if kind == 2 else urllib.parse.quote(text(random, 12), safe=random.choice(["", "~:@!$&'()*+,;="])))
    return "/" + "/".join(segments)


def query(random):
    """Parameters as they are on the wire, some without a value, some twice."""
    pairs = []
    for _ in range(random.choice([0, 0, 1, 2, 5])):
        name, value = urllib.parse.quote(text(random, 8), safe=""), urllib.parse.quote(text(random, 12), safe="=")
        pairs += [f"{name}={value}"] * random.choice([1, 1, 2]) if name else []
    return "&".join(pairs)


def case(random, number):
    moment = datetime.datetime.fromtimestamp(random.randrange(1_000_000_000, 4_000_000_000), datetime.UTC)
    token = text(random, 300).encode("ascii", "ignore").decode().replace(" ", "") if random.randrange(2) else None
    credentials = Credentials("AKIA" + str(number), urllib.parse.quote(text(random, 40)) or "secret", token or None)
    host = random.choice(["bedrock-runtime.us-east-1.amazonaws.com", "127.0.0.1:9000", "example.com:8443"])
    target = path(random) + (f"?{q}" if (q := query(random)) else "")
    body = text(random, 200)
    content_type = random.choice(TYPES)
    region, service = random.choice(REGIONS), random.choice(["bedrock", "sts", "execute-api"])
    headers = {"Content-Type": content_type} if content_type else {}
    request = AWSRequest(random.choice(METHODS), f"http://{host}{target}", headers={"Host": host, **headers}, data=body.encode())
    with mock.patch.object(botocore.auth, "get_current_datetime", lambda *_, **__: moment.replace(tzinfo=None)):
        botocore.auth.SigV4Auth(credentials, service, region).add_auth(request)
    return {
        "method": request.method, "target": target, "host": host, "content_type": content_type, "body": body, "seconds": int(moment.timestamp()),
        "access_key": credentials.access_key, "secret_key": credentials.secret_key, "token": credentials.token, "region": region, "service": service,
        "authorization": request.headers["Authorization"], "date": request.headers["X-Amz-Date"],
    }  # fmt: skip


if __name__ == "__main__":
    source = random.Random(7)
    vectors = [case(source, number) for number in range(CASES)]
    file = pathlib.Path(__file__).with_name("vectors.json")
    file.write_text("[\n" + ",\n".join(json.dumps(vector, ensure_ascii=False) for vector in vectors) + "\n]\n")
