"""What the process takes from its environment before there is a configuration, and what its other verbs take from it."""

import os
import subprocess
import threading

import pytest
import requests
import yaml

from support.configuration import plain_service
from support.gateway import binary, clean_environment
from support.ports import free_port
from support.raw import Origin, respond
from support.waiting import until


def healthcheck(*arguments, **environment) -> subprocess.CompletedProcess:
    return subprocess.run([binary(), "healthcheck", *arguments], env=clean_environment(environment), capture_output=True, text=True, timeout=20)


@pytest.fixture
def trap():
    """A proxy that nobody must ask, and that says that all is well."""
    origin = Origin(lambda c, r: respond(c, "ready"))
    yield origin
    origin.stop()


def test_a_health_check_asks_no_proxy(gateways, trap):
    proxies = {"http_proxy": f"http://127.0.0.1:{trap.port}", "all_proxy": f"http://127.0.0.1:{trap.port}"}
    gateway = gateways({})
    assert healthcheck("--status-listen", f"127.0.0.1:{gateway.status_port}", **proxies).returncode == 0
    assert healthcheck("--status-listen", f"127.0.0.1:{free_port()}", **proxies).returncode == 1
    assert trap.requests == []


def test_a_health_check_asks_the_listener_of_the_environment(gateways):
    gateway = gateways({})
    for address in (f"127.0.0.1:{gateway.status_port}", f"0.0.0.0:{gateway.status_port} reuseport"):
        assert healthcheck(KONG_STATUS_LISTEN=address).returncode == 0, address
    assert healthcheck(KONG_STATUS_LISTEN=f"127.0.0.1:{free_port()}").returncode == 1
    # The option wins, as with `run`.
    assert healthcheck("--status-listen", f"127.0.0.1:{gateway.status_port}", KONG_STATUS_LISTEN="off").returncode == 0
    off = healthcheck(KONG_STATUS_LISTEN="off")
    assert off.returncode == 1 and "off" in off.stderr


def test_a_health_check_speaks_tls_where_the_listener_does(gateways):
    port = free_port()
    gateways({}, arguments=["--status-listen", f"127.0.0.1:{port} ssl"], wait=False)
    until(lambda: healthcheck(KONG_STATUS_LISTEN=f"127.0.0.1:{port} ssl").returncode == 0, what="readiness over TLS")


@pytest.fixture
def started(tmp_path):
    """Starts `pellucid run` with nothing but an environment; returns the process and what reads its log."""
    processes = []

    def start(arguments: list, environment: dict):
        log = tmp_path / "log"
        with open(log, "ab") as output:
            process = subprocess.Popen([binary(), "run", *arguments], env=clean_environment({"PELLUCID_STATE_DIR": str(tmp_path), **environment}), cwd=tmp_path, stderr=output)
        processes.append(process)
        return process, log.read_text

    yield start
    for process in processes:
        process.terminate()
        process.wait(20)


@pytest.mark.parametrize("empty", ["", " "])
def test_an_empty_setting_of_kong_is_none(started, empty):
    names = ("DECLARATIVE_CONFIG", "PROXY_LISTEN", "TRUSTED_IPS", "REAL_IP_RECURSIVE", "REAL_IP_HEADER", "SSL_PROTOCOLS", "LOG_LEVEL", "NGINX_WORKER_PROCESSES")
    environment = {**{f"KONG_{name}": empty for name in names}, "OPENAI_API_KEY": "k", "KONG_STATUS_LISTEN": f"127.0.0.1:{free_port()}", "KONG_ADMIN_LISTEN": "off"}
    process, log = started([], environment)
    # Without a file the clients' listener is the loopback's 8000; whether it is free here does not matter.
    until(lambda: "listening for=proxy" in log() or "127.0.0.1:8000 (proxy)" in log() or process.poll() is not None, what="the listener for clients")
    assert ":8000" in log(), log()


def test_a_file_that_is_replaced_while_the_gateway_starts_is_taken(started, tmp_path):
    origin = Origin(lambda c, r: respond(c, r.target))
    path, port = tmp_path / "kong.yaml", free_port()
    write = lambda target, route: target.write_text(yaml.safe_dump({"_format_version": "3.0", "services": [plain_service(origin.port, path=route)]}))  # noqa: E731
    write(tmp_path / "old", "/old")
    write(tmp_path / "new", "/new")
    # The first configuration comes through a pipe, so that the file is replaced for certain while it is being read.
    os.mkfifo(path)
    started(["--config", str(path), "--proxy-listen", f"127.0.0.1:{port}", "--admin-listen", "off", "--status-listen", "off"], {})

    def replace():
        with open(path, "wb") as pipe:
            (tmp_path / "new").rename(path)
            pipe.write((tmp_path / "old").read_bytes())

    writer = threading.Thread(target=replace, daemon=True)
    writer.start()
    writer.join(20)

    def is_taken():
        try:
            return requests.get(f"http://127.0.0.1:{port}/new", timeout=5).status_code == 200
        except requests.ConnectionError:
            return False

    until(is_taken, timeout=15, what="the new route")
    origin.stop()
