"""Fixtures: the gateway under test and what stands around it."""

import pathlib
import shutil
import sys

import openai
import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from support import configuration  # noqa: E402
from support.collector import Collector  # noqa: E402
from support.gateway import Gateway  # noqa: E402
from support.guards import GuardServices  # noqa: E402
from support.prometheus import Prometheus  # noqa: E402
from support.provider import Provider  # noqa: E402
from support.raw import Origin  # noqa: E402


def pytest_addoption(parser):
    parser.addoption("--mixed-requests", type=int, default=500, help="requests of the agreement test (make test-soak: 10000)")
    parser.addoption("--reloads", type=int, default=1000, help="reloads of the reload test")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Shows the diagnostic log of every gateway of a failed test."""
    report = yield
    if report.failed:
        for gateway in getattr(item.session, "gateways", []):
            report.sections.append((f"gateway {gateway.pid} stderr", gateway.stderr[-20_000:]))
    return report


def pytest_terminal_summary(terminalreporter):
    """What tests have left to be shown at the end of the run."""
    for text in getattr(terminalreporter.config, "summaries", []):
        terminalreporter.write_line(text)


class Gateways:
    """Starts gateways and ends what it started."""

    def __init__(self, session, directory_factory):
        self._session = session
        self._factory = directory_factory
        self._started: list[Gateway] = []
        session.gateways = getattr(session, "gateways", [])

    def __call__(self, configuration=None, *, wait: bool = True, **options) -> Gateway:
        options.setdefault("directory", self._factory())
        gateway = Gateway(configuration, **options)
        self._started.append(gateway)
        self._session.gateways.append(gateway)
        return gateway.wait_ready() if wait else gateway

    def close(self) -> None:
        problems = []
        for gateway in self._started:
            try:
                status = gateway.stop()
                if status not in gateway.expected_exits:
                    problems.append(f"gateway {gateway.pid} ended with {status}:\n{gateway.stderr[-5000:]}")
            except AssertionError as problem:
                problems.append(str(problem))
            self._session.gateways.remove(gateway)
        assert not problems, "\n".join(problems)


def _gateways(request, tmp_path_factory):
    made = []

    def directory():
        path = tmp_path_factory.mktemp("gateway")
        made.append(path)
        return path

    starter = Gateways(request.session, directory)
    yield starter
    try:
        starter.close()
    finally:
        for path in made:
            shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def gateways(request, tmp_path_factory):
    """A function that starts a gateway for one test."""
    yield from _gateways(request, tmp_path_factory)


@pytest.fixture(scope="module")
def module_gateways(request, tmp_path_factory):
    """The same for all tests of a file."""
    yield from _gateways(request, tmp_path_factory)


@pytest.fixture(scope="session")
def shared_provider():
    provider = Provider().start()
    yield provider
    provider.stop()


@pytest.fixture(scope="module")
def guard_services():
    """The fake services that guards ask."""
    servers = GuardServices().start()
    yield servers
    servers.stop()


@pytest.fixture
def provider(shared_provider):
    """The fake provider, its record empty and its gate closed."""
    shared_provider.reset()
    yield shared_provider
    shared_provider.release()


@pytest.fixture
def collector():
    receiver = Collector().start()
    yield receiver
    receiver.stop()


@pytest.fixture
def origin():
    """A scripted origin server; set `origin.script` or `origin.on_head`."""
    server = Origin()
    yield server
    server.stop()


@pytest.fixture
def prometheus(tmp_path):
    """A function that starts a real Prometheus for a status port."""
    started = []

    def start(port: int, **options) -> Prometheus:
        started.append(Prometheus(port, tmp_path, **options))
        return started[-1]

    yield start
    for server in started:
        server.stop()


@pytest.fixture
def client_of():
    """A function that gives an official OpenAI client for a base URL; it never retries by itself."""
    clients = []

    def make(base_url: str, key: str | None = configuration.CLIENT_KEY, **options) -> openai.OpenAI:
        headers = {"apikey": key} if key else {}
        clients.append(openai.OpenAI(base_url=base_url, api_key="client-side-key", max_retries=0, timeout=30, default_headers=headers, **options))
        return clients[-1]

    yield make
    for client in clients:
        client.close()


@pytest.fixture
def observed(gateways, provider, origin, collector):
    """A gateway with an LLM service and a plain one, both behind key-auth, that reports every span to the collector."""
    return gateways(configuration.everything(provider, origin), environment=configuration.telemetry_environment(collector))


@pytest.fixture
def client(observed, client_of):
    """An official client of the observed gateway."""
    return client_of(f"{observed.url}/v1")
