"""The audit log: Kong's fields, one line per finished request, a chain nobody can cut unnoticed."""

import json
import signal
import subprocess

import pytest
import requests

from support import names
from support.configuration import CLIENT_KEY, consumer, key_auth, llm_service, plain_service, plugin
from support.gateway import binary, clean_environment
from support.waiting import until

HELLO = [{"role": "user", "content": "hi"}]


def configuration(provider, origin, **extra) -> dict:
    return {
        "services": [llm_service(provider.base), plain_service(origin.port)],
        "consumers": [consumer()],
        "plugins": [key_auth(), *extra.pop("plugins", [])],
        **extra,
    }


@pytest.fixture
def gateway(gateways, provider, origin):
    return gateways(configuration(provider, origin))


def test_the_fields_of_a_chat(gateway, client_of, provider):
    client_of(f"{gateway.url}/v1").chat.completions.create(model="gpt-fake", messages=HELLO)
    line = gateway.audit.wait_for_requests(1)[0]
    assert line["request"]["method"] == "POST" and line["request"]["uri"] == "/v1/chat/completions"
    assert line["request"]["size"] > 0 and line["response"]["size"] > 0
    assert line["response"]["status"] == 200
    assert str(line["upstream_status"]) == "200" and line["upstream_uri"].endswith("/v1/chat/completions")
    assert line["service"]["name"] == "llm" and line["route"]["name"] == "llm-chat"
    assert line["consumer"]["username"] == "alice"
    assert line["authenticated_entity"]["id"]
    assert line["client_ip"] == "127.0.0.1" and line["source"] == "upstream"
    assert {"request", "kong", "proxy"} <= set(line["latencies"])
    assert line["started_at"] > 1_700_000_000_000, "milliseconds"
    assert [(t["ip"], t["port"]) for t in line["tries"]] == [("127.0.0.1", provider.port)]
    assert line["usage"]["source"] == "provider_reported"
    assert {stage["plugin"] for stage in line["stages"]} >= {"key-auth", "ai-proxy"}


def test_a_request_the_gateway_answered_itself(gateway):
    requests.get(f"{gateway.url}/plain", timeout=5)
    line = gateway.audit.wait_for_requests(1)[0]
    assert line["response"]["status"] == 401 and line["source"] in ("kong", "exit")
    assert not line.get("tries")
    assert line["stages"][0]["plugin"] == "key-auth"


def test_a_cancelled_stream_is_charged_as_partial(gateway, client_of, provider):
    stream = client_of(f"{gateway.url}/v1").chat.completions.create(model="gate", messages=HELLO, stream=True)
    next(stream)
    stream.close()
    line = gateway.audit.wait_for_requests(1)[0]
    assert line["usage"]["source"] == "partial"
    assert line["usage"]["input_tokens"] > 0 and line["usage"]["output_tokens"] > 0


def test_the_chain_holds_over_many_lines(gateway):
    for number in range(200):
        requests.get(f"{gateway.url}/plain/{number}", headers={"apikey": CLIENT_KEY} if number % 2 else {}, timeout=5)
    gateway.audit.wait_for_requests(200)
    assert gateway.audit.check_chain() >= 200
    first = gateway.audit.lines()[0]
    assert not names.is_request_line(first), "a start record stands first"
    assert first[names.AUDIT_PREVIOUS] == names.AUDIT_FIRST_PREVIOUS


def test_a_changed_line_breaks_the_chain(gateway):
    for _ in range(3):
        requests.get(f"{gateway.url}/plain", timeout=5)
    gateway.audit.wait_for_requests(3)
    content = gateway.audit_path.read_bytes()
    gateway.audit_path.write_bytes(forged(content))
    with pytest.raises(AssertionError, match="does not match"):
        gateway.audit.check_chain()


def test_the_chain_continues_over_a_restart(gateways, provider, origin, tmp_path):
    first = gateways(configuration(provider, origin), directory=tmp_path)
    requests.get(f"{first.url}/plain", timeout=5)
    first.audit.wait_for_requests(1)
    assert first.stop() == 0
    lines = len(first.audit.raw_lines())
    second = gateways(configuration(provider, origin), directory=tmp_path)
    requests.get(f"{second.url}/plain", timeout=5)
    second.audit.wait_for_requests(2)
    assert second.audit.check_chain() > lines
    assert sum(not names.is_request_line(line) for line in second.audit.lines()) >= 2, "each boot declares itself"


def test_lines_after_a_kill_are_still_whole(gateways, provider, origin, tmp_path):
    first = gateways(configuration(provider, origin), directory=tmp_path)
    for _ in range(50):
        requests.get(f"{first.url}/plain", timeout=5)
    first.kill()
    second = gateways(configuration(provider, origin), directory=tmp_path)
    requests.get(f"{second.url}/plain", timeout=5)
    until(lambda: sum(not names.is_request_line(line) for line in second.audit.lines()) >= 2, what="the second start record")
    second.audit.check_chain()


def test_file_log_writes_kongs_line(gateways, provider, origin, client_of, tmp_path):
    log = tmp_path / "file.log"
    gateway = gateways(configuration(provider, origin, plugins=[plugin("file-log", path=str(log))]))
    client_of(f"{gateway.url}/v1").chat.completions.create(model="gpt-fake", messages=HELLO)
    until(lambda: log.exists() and log.read_bytes().endswith(b"\n"), what="the line of file-log")
    line = json.loads(log.read_bytes())
    assert line["request"]["method"] == "POST" and line["response"]["status"] == 200
    assert line["latencies"]["request"] >= 0 and line["route"]["name"] == "llm-chat"


def test_file_log_applies_where_it_is_configured(gateways, origin, tmp_path):
    log = tmp_path / "file.log"
    services = [
        plain_service(origin.port, name="logged", path="/logged", plugins=[plugin("file-log", path=str(log))]),
        plain_service(origin.port, name="quiet", path="/quiet"),
    ]
    gateway = gateways({"services": services})
    requests.get(f"{gateway.url}/quiet", timeout=5)
    requests.get(f"{gateway.url}/logged", timeout=5)
    gateway.audit.wait_for_requests(2)
    until(lambda: log.exists() and log.read_bytes().endswith(b"\n"), what="the line of file-log")
    assert [json.loads(line)["route"]["name"] for line in log.read_bytes().splitlines()] == ["logged-route"]


def test_verify_confirms_a_whole_log_and_finds_a_changed_one(gateway):
    for _ in range(5):
        requests.get(f"{gateway.url}/plain", timeout=5)
    gateway.audit.wait_for_requests(5)
    whole = audit("verify", gateway.audit_path)
    assert whole.returncode == 0, whole.stdout + whole.stderr
    content = gateway.audit_path.read_bytes()
    gateway.audit_path.write_bytes(forged(content))
    broken = audit("verify", gateway.audit_path)
    assert broken.returncode == 1 and f"BROKEN {gateway.audit_path}:2: the line was changed" in broken.stdout


def forged(content: bytes) -> bytes:
    """The log with the status of its first request changed; the digits alone may stand in a hash or a time too."""
    assert b'"status":401' in content
    return content.replace(b'"status":401', b'"status":200', 1)


def audit(*arguments, environment: dict | None = None) -> subprocess.CompletedProcess:
    """`pellucid audit …`."""
    return subprocess.run([binary(), "audit", *map(str, arguments)], capture_output=True, text=True, timeout=30, env=clean_environment(environment))


def small_files(gateway_path, **settings) -> dict:
    return {"audit": {"path": str(gateway_path), "rotate_bytes": 1 << 20, **settings}}


@pytest.fixture
def rotated(gateways, origin, tmp_path):
    """A gateway whose audit log has been closed at least twice, and the number of its requests."""
    path = tmp_path / "audit.jsonl"
    gateway = gateways({"services": [plain_service(origin.port)], "plugins": [key_auth()], "consumers": [consumer()], "_pellucid": small_files(path)})
    gateway.audit_path = path
    count = 0

    def closed():
        return sorted(path.parent.glob("audit.jsonl.*-*"))

    with requests.Session() as session:
        while len([file for file in closed() if file.suffix == ".lz4"]) < 2:
            # Long paths fill a file quickly; what is refused is recorded too.
            session.get(f"{gateway.url}/plain/{'x' * 6000}", timeout=5)
            count += 1
            assert count < 3000, "no rotation"
    return gateway, count


def test_closed_files_are_compressed_and_the_chain_goes_through_all(rotated):
    gateway, count = rotated
    until(lambda: gateway.metrics().total("pellucid_audit_head_seq") == count + 1, what="every line in a file")
    verified = audit("verify", gateway.audit_path)
    assert verified.returncode == 0, verified.stdout + verified.stderr
    assert f"lines 1 to {count + 1} in" in verified.stdout
    assert audit("search", gateway.audit_path, "--status", "401", "--count").stdout.strip() == str(count)
    # What lz4 itself makes of a closed file is what the gateway wrote.
    newest = sorted(gateway.audit_path.parent.glob("audit.jsonl.*.lz4"))[-1]
    lines = subprocess.run(["lz4", "-dc", str(newest)], capture_output=True, check=True, timeout=30).stdout.splitlines()
    first, last = newest.name.split(".")[-2].split("-")
    assert [json.loads(line)["seq"] for line in lines] == list(range(int(first), int(last) + 1))


def test_a_removed_closed_file_and_a_cut_end_are_found(rotated):
    gateway, count = rotated
    until(lambda: gateway.metrics().total("pellucid_audit_head_seq") == count + 1, what="every line in a file")
    page = gateway.metrics()
    head = f"{int(page.total('pellucid_audit_head_seq'))}:{int(page.total('pellucid_audit_head_hash')):012x}"
    status = requests.get(f"{gateway.status_url}/status", timeout=5).json()["audit"]
    assert status["seq"] == count + 1 and status["hash"].startswith(head.split(":")[1])
    assert audit("verify", gateway.audit_path, "--head", head).returncode == 0
    content = gateway.audit_path.read_bytes()
    gateway.audit_path.write_bytes(b"")
    cut = audit("verify", gateway.audit_path, "--head", head)
    assert cut.returncode == 1 and "the end was cut off" in cut.stdout
    gateway.audit_path.write_bytes(content)
    sorted(gateway.audit_path.parent.glob("audit.jsonl.*.lz4"))[1].unlink()
    gap = audit("verify", gateway.audit_path)
    assert gap.returncode == 1 and "were removed" in gap.stdout


def test_search_finds_by_consumer_model_verdict_and_time(gateways, provider, origin, client_of):
    guard = {**plugin("ai-prompt-guard", deny_patterns=["forbidden"]), "_pellucid": {"mode": "shadow"}}
    gateway = gateways({"services": [llm_service(provider.base, plugins=[guard]), plain_service(origin.port)], "consumers": [consumer()], "plugins": [key_auth()]})
    client = client_of(f"{gateway.url}/v1")
    client.chat.completions.create(model="gpt-fake", messages=HELLO)
    client.chat.completions.create(model="tokens-3", messages=[{"role": "user", "content": "a forbidden word"}])
    requests.get(f"{gateway.url}/plain", timeout=5)
    gateway.audit.wait_for_requests(3)

    def found(*conditions) -> list:
        result = audit("search", gateway.audit_path, "--json", *conditions)
        assert result.returncode in (0, 1), result.stderr
        return [json.loads(line)["response"]["status"] for line in result.stdout.splitlines()]

    assert found("--consumer", "alice") == [200, 200]
    assert found("--model", "tokens-*") == [200]
    assert found("--verdict", "reject", "--plugin", "key-auth") == [401]
    assert found("--shadow") == [200], "what the guard would have blocked"
    assert found("--status", "4xx") == [401] and found("--status", "200", "--consumer", "bob") == []
    assert len(found("--since", "5m", "--outcome", "passed")) == 2 and found("--until", "5m") == []
    shown = audit("search", gateway.audit_path, "--color", "always", "--shadow").stdout
    assert "ai-prompt-guard:reject(shadow)" in shown and "\x1b[" in shown
    assert audit("search", gateway.audit_path, "--since", "nonsense").returncode == 64


def test_tail_follows_through_a_rotation(gateways, origin):
    gateway = gateways({"services": [plain_service(origin.port)]})
    requests.get(f"{gateway.url}/plain/first", timeout=5)
    gateway.audit.wait_for_requests(1)
    command = [binary(), "audit", "tail", "--follow", "--color", "never", str(gateway.audit_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=clean_environment()) as process:
        try:
            lines = iter(process.stdout.readline, "")
            assert next(line for line in lines if "/plain/first" in line)
            gateway.audit_path.rename(gateway.audit_path.with_suffix(".old"))
            gateway.process.send_signal(signal.SIGUSR1)
            requests.get(f"{gateway.url}/plain/second", timeout=5)
            assert next(line for line in lines if "/plain/second" in line)
        finally:
            process.terminate()


def test_two_gateways_do_not_write_one_file(gateways, origin, tmp_path):
    shared = {"audit": {"path": str(tmp_path / "audit.jsonl")}}
    first = gateways({"services": [plain_service(origin.port)], "_pellucid": shared})
    second = gateways({"services": [plain_service(origin.port)], "_pellucid": shared})
    until(lambda: "used_by_another_process" in second.stderr, what="the second gateway's complaint")
    requests.get(f"{second.url}/plain", timeout=5)
    until(lambda: second.metrics().total("pellucid_telemetry_dropped_total", consumer="audit") == 1, what="the line that was not written, counted")
    first.stop()
    until(lambda: "is written again" in second.stderr or second.metrics().total("pellucid_audit_head_seq") > 0, what="the second gateway's turn")
    requests.get(f"{second.url}/plain", timeout=5)
    until(lambda: second.metrics().total("pellucid_telemetry_delivered_total", consumer="audit") == 1, what="a line of the second gateway")
    verified = audit("verify", tmp_path / "audit.jsonl")
    assert verified.returncode == 0 and "1 line(s) declared lost" in verified.stdout, verified.stdout


def test_a_keyed_chain_is_verified_with_the_configuration(gateways, origin):
    settings = {"services": [plain_service(origin.port)]}
    gateway = gateways({**settings, "_pellucid": {"audit": {"path": "AUDIT", "hmac_key": "{vault://env/AUDIT_KEY}"}}}, environment={"AUDIT_KEY": "a-key-of-some-length"})
    path = gateway.directory / "AUDIT"
    requests.get(f"{gateway.url}/plain", timeout=5)
    until(lambda: gateway.metrics().total("pellucid_audit_head_seq") == 2, what="the line")
    assert audit("verify", path).returncode == 1
    assert audit("verify", path, "--config", gateway.config_path, environment={"AUDIT_KEY": "a-key-of-some-length"}).returncode == 0
    assert audit("verify", path, environment={"PELLUCID_AUDIT_HMAC_KEY": "another-key-of-some-length"}).returncode == 1
