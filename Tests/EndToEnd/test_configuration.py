"""Validation names every problem at once; reloads are atomic and never fail a request."""

import json
import re
import subprocess
import textwrap
import threading

import pytest
import requests

from support.configuration import UPSTREAM_KEY, consumer, key_auth, llm_service, plain_service
from support.gateway import binary, clean_environment
from support.raw import Origin, respond
from support.waiting import until

BROKEN = """\
_format_version: "3.0"
services:
- name: one
  url: http://127.0.0.1:9
  colour: blue
  routes:
  - name: r
    paths: ["/a"]
    methods: get
  - name: r
    paths: ["~/(unclosed"]
- name: two
  url: ftp://127.0.0.1:9
  connect_timeout: soon
  plugins:
  - name: ai-proxy
    config:
      route_type: llm/v1/chat
      model:
        provider: opnai
        options:
          temperature: 9
- name: one
  url: http://127.0.0.1:9
routes:
- name: dangling
  service: nobody
  paths: ["/d"]
plugins:
- name: key-auht
"""

# Line of the file, and what the message must say.
EXPECTED = [
    (5, "colour"),
    (9, "methods"),
    (10, "r"),
    (11, "(unclosed"),
    (13, "ftp"),
    (14, "connect_timeout"),
    (20, 'did you mean "openai"'),
    (22, "temperature"),
    (23, "one"),
    (27, "nobody"),
    (30, "key-auht"),
]


def validate(*paths, environment: dict | None = None) -> subprocess.CompletedProcess:
    return subprocess.run([binary(), "validate", *map(str, paths)], capture_output=True, text=True, timeout=30, env=clean_environment(environment))


def test_a_good_file_validates(tmp_path):
    path = tmp_path / "good.yaml"
    path.write_text('_format_version: "3.0"\nservices:\n- name: a\n  url: http://127.0.0.1:9\n  routes:\n  - {name: r, paths: ["/a"]}\n')
    result = validate(path)
    assert result.returncode == 0, result.stdout + result.stderr


def test_json_validates_too(tmp_path):
    path = tmp_path / "good.json"
    path.write_text('{"_format_version": "3.0", "services": [{"name": "a", "url": "http://127.0.0.1:9"}]}')
    assert validate(path).returncode == 0


def test_every_problem_is_reported_with_file_line_and_path(tmp_path):
    path = tmp_path / "broken.yaml"
    path.write_text(BROKEN)
    result = validate(path)
    assert result.returncode == 1
    lines = (result.stdout + result.stderr).splitlines()
    problems = [(int(m[1]), m[2]) for line in lines if (m := re.match(re.escape(str(path)) + r":(\d+): (.+)", line))]
    for line, text in EXPECTED:
        # Entities may be reported at their dash or at the offending member.
        assert any(abs(at - line) <= 1 and text in message for at, message in problems), f"nothing about {text!r} at line {line} in:\n" + "\n".join(lines)
    assert all(re.match(r"[\w.\[\]-]+: ", message) for _, message in problems), "each problem names its path"


@pytest.mark.parametrize(
    "text",
    ["a: [1, 2", "\tb: 1", "- just\n- a list\n", "_format_version: '9.9'\n", "", "services: {}\n", "&a [*a, *a]", "\x00"],
    ids=["unclosed", "tab", "list", "version", "empty", "no version", "alias", "zero byte"],
)
def test_what_is_no_configuration_is_refused(tmp_path, text):
    path = tmp_path / "bad.yaml"
    path.write_text(text)
    result = validate(path)
    assert result.returncode == 1
    assert str(path) in result.stdout + result.stderr


def test_alias_bombs_end_quickly(tmp_path):
    path = tmp_path / "bomb.yaml"
    levels = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"] + [f"a{n}: &a{n} [" + ", ".join([f"*a{n - 1}"] * 10) + "]" for n in range(1, 12)]
    path.write_text("\n".join(levels))
    assert validate(path).returncode == 1


def test_a_missing_file_is_reported(tmp_path):
    result = validate(tmp_path / "missing.yaml")
    assert result.returncode != 0 and "missing.yaml" in result.stdout + result.stderr


def test_several_files_are_all_looked_at(tmp_path):
    for name in ("a.yaml", "b.yaml"):
        (tmp_path / name).write_text("_format_version: '3.0'\nnonsense: 1\n")
    output = validate(tmp_path / "a.yaml", tmp_path / "b.yaml")
    assert "a.yaml" in output.stdout + output.stderr and "b.yaml" in output.stdout + output.stderr


def test_a_broken_file_stops_the_start(gateways):
    gateway = gateways(BROKEN, wait=False)
    assert gateway.wait_for_failure() == 1
    assert "colour" in gateway.stderr and "nobody" in gateway.stderr


def test_values_come_from_the_environment(gateways, provider, client_of):
    service = llm_service(provider.base)
    for route in service["routes"]:
        route["plugins"][0]["config"]["auth"]["header_value"] = "{vault://env/provider-header}"
    service["routes"][0]["paths"] = ['${{ env "DECK_CHAT_PATH" }}']
    environment = {"PROVIDER_HEADER": f"Bearer {UPSTREAM_KEY}", "DECK_CHAT_PATH": "/v1/chat/completions"}
    gateway = gateways({"services": [service]}, environment=environment)
    client_of(f"{gateway.url}/v1").chat.completions.create(model="gpt-fake", messages=[{"role": "user", "content": "x"}])
    assert provider.last().header("authorization") == f"Bearer {UPSTREAM_KEY}"


def test_a_secret_in_a_file_is_used_and_its_rotation_noticed(gateways, provider, client_of, tmp_path):
    secret = tmp_path / "provider.json"
    secret.write_text(json.dumps({"header": f"Bearer {UPSTREAM_KEY}"}))
    service = llm_service(provider.base)
    for route in service["routes"]:
        route["plugins"][0]["config"]["auth"]["header_value"] = "{vault://files/provider.json/header}"
    vault = {"name": "fs", "prefix": "files", "config": {"prefix": str(tmp_path)}}
    gateway = gateways({"services": [service], "vaults": [vault]})
    client = client_of(f"{gateway.url}/v1")

    def sent():
        client.chat.completions.create(model="gpt-fake", messages=[{"role": "user", "content": "x"}])
        return provider.last().header("authorization")

    assert sent() == f"Bearer {UPSTREAM_KEY}"
    fresh = tmp_path / "fresh"
    fresh.write_text(json.dumps({"header": f"bearer {UPSTREAM_KEY}"}))
    fresh.rename(secret)
    until(lambda: sent() == f"bearer {UPSTREAM_KEY}", what="the rotated secret")
    # A secret that is gone leaves the running configuration as it is.
    secret.unlink()
    until(lambda: "not reloaded" in gateway.stderr, what="the refused reload")
    assert sent() == f"bearer {UPSTREAM_KEY}"
    assert UPSTREAM_KEY not in gateway.stderr


class TestRouting:
    """Kong's route matching, seen from outside."""

    @pytest.fixture(scope="class")
    def gateway(self, module_gateways):
        origin = Origin(lambda c, r: respond(c, f"{r.target} {r.header('X-Which')}"))
        TestRouting.origin = origin

        def service(name, **route):
            return {
                "name": name,
                "url": f"http://127.0.0.1:{origin.port}/{name}",
                "routes": [{"name": f"{name}-r", **route}],
            }

        yield module_gateways(
            {
                "services": [
                    service("prefix", paths=["/api"]),
                    service("longer", paths=["/api/v2"]),
                    service("regex", paths=["~/api/v(?<n>[0-9]+)/x$"]),
                    service("host", hosts=["a.example"], paths=["/api"]),
                    service("wild", hosts=["*.wild.example"], paths=["/api"]),
                    service("method", methods=["DELETE"], paths=["/api"]),
                    service("header", headers={"x-tenant": ["blue"]}, paths=["/api"]),
                ]
            }
        )
        origin.stop()

    @pytest.mark.parametrize(
        ("method", "path", "headers", "service"),
        [
            ("GET", "/api/a", {}, "prefix"),
            ("GET", "/api/v2/a", {}, "longer"),
            ("GET", "/api/v3/x", {}, "regex"),
            ("GET", "/api/v2/x", {}, "regex"),
            ("GET", "/api", {"Host": "a.example"}, "host"),
            ("GET", "/api", {"Host": "a.example:8000"}, "host"),
            ("GET", "/api", {"Host": "b.wild.example"}, "wild"),
            ("DELETE", "/api", {}, "method"),
            ("GET", "/api", {"X-Tenant": "blue"}, "header"),
            ("GET", "/api", {"X-Tenant": "red"}, "prefix"),
            ("GET", "/ap", {}, None),
        ],
    )
    def test_matching(self, gateway, method, path, headers, service):
        answer = requests.request(method, gateway.url + path, headers=headers, timeout=10)
        if service is None:
            assert answer.status_code == 404
        else:
            assert answer.status_code == 200 and answer.text.startswith(f"/{service}"), answer.text


def answering(text: str) -> Origin:
    return Origin(lambda c, r: respond(c, text))


def test_reload_takes_the_new_file_without_a_failed_request(gateways):
    old, new = answering("old"), answering("new")
    gateway = gateways({"services": [plain_service(old.port)]})
    stop, counts, problems = threading.Event(), {"old": 0, "new": 0}, []

    def load():
        with requests.Session() as session:
            while not stop.is_set():
                try:
                    answer = session.get(f"{gateway.url}/plain", timeout=10)
                    if answer.status_code == 200:
                        counts[answer.text] += 1
                    else:
                        problems.append(answer.status_code)
                except requests.RequestException as problem:
                    problems.append(problem)

    threads = [threading.Thread(target=load) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        for turn in range(10):
            target, text = (new, "new") if turn % 2 == 0 else (old, "old")
            before = counts[text]
            gateway.write({"services": [plain_service(target.port)]})
            gateway.reload()
            until(lambda text=text, before=before: counts[text] > before + 20, what=f"answers of the {text} configuration")
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert not problems
    old.stop(), new.stop()


def test_requests_in_flight_finish_on_their_configuration(gateways, provider, client_of):
    gateway = gateways({"services": [llm_service(provider.base)]})
    stream = client_of(f"{gateway.url}/v1").chat.completions.create(model="gate", messages=[{"role": "user", "content": "x"}], stream=True)
    next(stream)
    origin = answering("new")
    gateway.write({"services": [plain_service(origin.port)]})
    gateway.reload()
    until(lambda: requests.get(f"{gateway.url}/plain", timeout=10).status_code == 200, what="the new route")
    provider.release()
    assert [chunk.choices[0].finish_reason for chunk in stream][-1] == "stop"
    origin.stop()


def test_a_bad_reload_changes_nothing_and_says_why(gateways):
    origin = answering("old")
    gateway = gateways({"services": [plain_service(origin.port)]})
    gateway.write(BROKEN)
    gateway.reload()
    until(lambda: "colour" in gateway.stderr, what="the reason in the log")
    assert requests.get(f"{gateway.url}/plain", timeout=10).text == "old"
    assert gateway.process.poll() is None
    # And a good one is taken again afterwards.
    gateway.write({"services": [plain_service(origin.port, path="/elsewhere")]})
    gateway.reload()
    until(lambda: requests.get(f"{gateway.url}/elsewhere", timeout=10).status_code == 200, what="the new route")
    origin.stop()


def test_a_changed_file_is_taken_without_a_signal(gateways):
    origin = answering("watched")
    gateway = gateways({"services": [plain_service(origin.port)]})
    gateway.write({"services": [plain_service(origin.port, path="/moved")]})
    until(lambda: requests.get(f"{gateway.url}/moved", timeout=10).status_code == 200, timeout=15, what="the new route")
    origin.stop()


def test_credentials_are_replaced_by_a_reload(gateways):
    origin = answering("in")
    configuration = {"services": [plain_service(origin.port, plugins=[key_auth()])], "consumers": [consumer(key="first")]}
    gateway = gateways(configuration)
    ask = lambda key: requests.get(f"{gateway.url}/plain", headers={"apikey": key}, timeout=10).status_code  # noqa: E731
    assert (ask("first"), ask("second")) == (200, 401)
    gateway.write({**configuration, "consumers": [consumer(key="second")]})
    gateway.reload()
    until(lambda: ask("second") == 200, what="the new key")
    assert ask("first") == 401
    origin.stop()


def test_the_default_help_names_the_verbs():
    result = subprocess.run([binary(), "--help"], capture_output=True, text=True, timeout=10, env=clean_environment())
    assert result.returncode == 0
    for verb in ("run", "demo", "validate"):
        assert re.search(rf"\b{verb}\b", result.stdout), textwrap.shorten(result.stdout, 500)
