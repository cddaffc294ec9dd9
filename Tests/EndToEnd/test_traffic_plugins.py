"""Small traffic plugins in front of a real origin."""

import pytest
import requests

from support.configuration import plain_service, plugin


@pytest.fixture
def gateway(gateways, origin):
    services = [
        plain_service(origin.port, name="ended", path="/ended", plugins=[plugin("request-termination", status_code=410, message="moved away")]),
        plain_service(origin.port, name="small", path="/small", plugins=[plugin("request-size-limiting", allowed_payload_size=10, size_unit="bytes")]),
        plain_service(origin.port, name="inside", path="/inside", plugins=[plugin("ip-restriction", allow=["127.0.0.0/8"])]),
        plain_service(origin.port, name="outside", path="/outside", plugins=[plugin("ip-restriction", deny=["127.0.0.0/8"])]),
    ]
    return gateways({"services": services})


def chunks():
    yield b"x" * 8
    yield b"y" * 8


@pytest.mark.parametrize(
    ("path", "body", "status", "message"),
    [
        ("/ended", None, 410, "moved away"),
        ("/small", b"0123456789", 200, None),
        ("/small", b"0123456789a", 413, "Request size limit exceeded"),
        ("/small", chunks, 413, "Request size limit exceeded"),
        ("/inside", None, 200, None),
        ("/outside", None, 403, "IP address not allowed: 127.0.0.1"),
    ],
)
def test_requests_are_let_through_or_refused_as_kong_does(gateway, path, body, status, message):
    answer = requests.post(gateway.url + path, data=body() if callable(body) else body, timeout=10)
    assert answer.status_code == status
    if message:
        assert answer.json()["message"] == message
    line = gateway.audit.wait_for_requests(1)[-1]
    assert line["response"]["status"] == status
