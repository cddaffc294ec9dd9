"""key-auth as Kong does it."""

import pytest
import requests

from support import names
from support.configuration import CLIENT_KEY, consumer, key_auth, plain_service
from support.raw import Connection, Origin, hello


@pytest.fixture(scope="module")
def shared_origin():
    server = Origin()
    yield server
    server.stop()


@pytest.fixture
def origin(shared_origin):
    shared_origin.script = hello
    shared_origin.requests.clear()
    return shared_origin


@pytest.fixture(scope="module")
def gateway(module_gateways, shared_origin):
    def service(name, **config):
        return plain_service(shared_origin.port, name=name, path=f"/{name}", plugins=[key_auth(**config)])

    return module_gateways(
        {
            "services": [
                service("default"),
                service("shown", hide_credentials=False),
                service("named", key_names=["X-Api-Key", "token"]),
                service("bearer", key_names=["Authorization"]),
                service("body", key_in_body=True),
                service("headeronly", key_in_query=False),
                service("queryonly", key_in_header=False),
                service("anonymous", anonymous="guest"),
                service("realm", realm="inner"),
                service("preflight", run_on_preflight=False),
            ],
            "consumers": [consumer(), consumer("bob", "Bearer bobs-key"), {"username": "guest"}],
        }
    )


def get(gateway, path, **options):
    return requests.get(gateway.url + path, timeout=10, **options)


def test_a_key_in_the_header(gateway, origin):
    assert get(gateway, "/default", headers={"apikey": CLIENT_KEY}).status_code == 200
    seen = origin.requests[-1]
    assert "apikey" not in seen.names(), "hidden by default"
    assert seen.header("X-Consumer-Username") == "alice"
    assert seen.header("X-Consumer-ID")
    assert seen.header("X-Credential-Identifier")
    assert seen.header("X-Anonymous-Consumer") is None


def test_a_key_in_the_query(gateway, origin):
    assert get(gateway, f"/default?a=1&apikey={CLIENT_KEY}&b=2").status_code == 200
    assert origin.requests[-1].target == "/?a=1&b=2"


def test_credentials_are_shown_where_asked(gateway, origin):
    assert get(gateway, f"/shown?apikey={CLIENT_KEY}").status_code == 200
    assert CLIENT_KEY in origin.requests[-1].target
    assert get(gateway, "/shown", headers={"apikey": CLIENT_KEY}).status_code == 200
    assert origin.requests[-1].header("apikey") == CLIENT_KEY


@pytest.mark.parametrize("header", ["x-api-key", "X-API-KEY", "token"])
def test_other_names_whatever_their_case(gateway, header):
    assert get(gateway, "/named", headers={header: CLIENT_KEY}).status_code == 200


def test_an_openai_clients_bearer_token_as_the_key(gateway, origin):
    assert get(gateway, "/bearer", headers={"Authorization": "Bearer bobs-key"}).status_code == 200
    assert origin.requests[-1].header("X-Consumer-Username") == "bob"


@pytest.mark.parametrize("kind", ["json", "form"])
def test_a_key_in_the_body(gateway, origin, kind):
    fields = {"apikey": CLIENT_KEY, "other": "kept"}
    answer = requests.post(f"{gateway.url}/body", **({"json": fields} if kind == "json" else {"data": fields}), timeout=10)
    assert answer.status_code == 200
    assert CLIENT_KEY.encode() not in origin.requests[-1].body
    assert b"kept" in origin.requests[-1].body


def test_places_can_be_switched_off(gateway):
    assert get(gateway, f"/headeronly?apikey={CLIENT_KEY}").status_code == 401
    assert get(gateway, "/headeronly", headers={"apikey": CLIENT_KEY}).status_code == 200
    assert get(gateway, "/queryonly", headers={"apikey": CLIENT_KEY}).status_code == 401
    assert get(gateway, f"/queryonly?apikey={CLIENT_KEY}").status_code == 200


@pytest.mark.parametrize(
    ("headers", "message"),
    [({}, names.NO_API_KEY), ({"apikey": ""}, names.NO_API_KEY), ({"apikey": "wrong"}, names.UNAUTHORIZED), ({"apikey": CLIENT_KEY[:-1]}, names.UNAUTHORIZED)],
    ids=["none", "empty", "wrong", "almost"],
)
def test_refusals(gateway, origin, headers, message):
    answer = get(gateway, "/default", headers=headers)
    assert answer.status_code == 401
    assert answer.json()["message"] == message
    assert answer.json()["request_id"] == answer.headers["X-Kong-Request-Id"]
    assert answer.headers["WWW-Authenticate"] == "Key"
    assert not origin.requests


def test_the_realm_is_named(gateway):
    assert get(gateway, "/realm").headers["WWW-Authenticate"] == 'Key realm="inner"'


def test_two_keys_are_one_too_many(gateway):
    with Connection.open(gateway.proxy_port) as connection:
        connection.send(f"GET /default HTTP/1.1\r\nHost: a\r\napikey: {CLIENT_KEY}\r\napikey: {CLIENT_KEY}\r\n\r\n")
        answer = connection.response()
    assert answer.status == 401 and names.DUPLICATE_API_KEY.encode() in answer.body


def test_anonymous_consumers_are_let_through_and_named(gateway, origin):
    assert get(gateway, "/anonymous").status_code == 200
    seen = origin.requests[-1]
    assert seen.header("X-Consumer-Username") == "guest" and seen.header("X-Anonymous-Consumer") == "true"
    assert get(gateway, "/anonymous", headers={"apikey": CLIENT_KEY}).status_code == 200
    assert origin.requests[-1].header("X-Consumer-Username") == "alice"


def test_a_client_cannot_claim_to_be_a_consumer(gateway, origin):
    get(gateway, "/default", headers={"apikey": CLIENT_KEY, "X-Consumer-Username": "root"})
    assert origin.requests[-1].all("X-Consumer-Username") == ["alice"]


def test_preflight_requests_may_pass_without_a_key(gateway):
    assert requests.options(f"{gateway.url}/preflight", timeout=10).status_code == 200
    assert requests.options(f"{gateway.url}/default", timeout=10).status_code == 401
