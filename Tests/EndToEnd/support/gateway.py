"""A gateway process on free loopback ports."""

import os
import pathlib
import signal
import subprocess
import tempfile

import requests
import yaml

from . import metrics
from .audit import AuditLog
from .ports import free_port
from .waiting import until

ROOT = pathlib.Path(__file__).resolve().parents[3]


def binary() -> str:
    """PELLUCID_BINARY, else the release build, else the debug build."""
    named = os.environ.get("PELLUCID_BINARY")
    candidates = [pathlib.Path(named)] if named else [ROOT / ".build" / kind / "pellucid" for kind in ("release", "debug")]
    for candidate in candidates:
        if candidate.is_file():
            return str(candidate.resolve())
    raise FileNotFoundError(f"no gateway binary at {', '.join(map(str, candidates))}: run `make build` or set PELLUCID_BINARY")


def clean_environment(extra: dict | None = None) -> dict:
    """The environment of a gateway under test: nothing of the caller's that would configure it."""
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG", "TMPDIR", "LD_LIBRARY_PATH")}
    return {**kept, **(extra or {})}


class Gateway:
    """One running gateway. Its files stand in `directory`; `stderr` is its diagnostic log so far."""

    def __init__(
        self, configuration=None, *, environment: dict | None = None, arguments: list | None = None, directory=None, verb: str = "run", descriptors: int = 0
    ):
        self.directory = pathlib.Path(directory or tempfile.mkdtemp(prefix="pellucid-e2e-"))
        self.config_path = self.directory / "kong.yaml"
        self.audit_path = self.directory / "audit.log"
        self.state_directory = self.directory / "state"
        self.proxy_port, self.admin_port, self.status_port = free_port(), free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.proxy_port}"
        self.status_url = f"http://127.0.0.1:{self.status_port}"
        # Exit statuses that are no problem when the test is over.
        self.expected_exits = {0}
        self._stderr_path = self.directory / "stderr.log"
        self._stderr = open(self._stderr_path, "ab")
        command = [binary(), verb]
        if configuration is not None:
            self.write(configuration)
            command += ["--config", str(self.config_path)]
        command += ["--proxy-listen", f"127.0.0.1:{self.proxy_port}", "--status-listen", f"127.0.0.1:{self.status_port}"]
        if verb == "run":
            command += ["--admin-listen", f"127.0.0.1:{self.admin_port}", "--state-dir", str(self.state_directory)]
        command += arguments or []
        if descriptors:
            command = ["sh", "-c", f'ulimit -n {descriptors}; exec "$@"', "sh", *command]
        self.process = subprocess.Popen(
            command, env=clean_environment(environment), cwd=self.directory, stdin=subprocess.DEVNULL, stdout=self._stderr, stderr=self._stderr
        )

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def stderr(self) -> str:
        return self._stderr_path.read_text(errors="replace")

    @property
    def audit(self) -> AuditLog:
        return AuditLog(self.audit_path)

    def write(self, configuration) -> None:
        """Writes the configuration file, with the audit log at `audit_path` unless the configuration says otherwise."""
        if isinstance(configuration, dict):
            configuration = {"_format_version": "3.0", **configuration}
            own = dict(configuration.get("_pellucid") or {})
            own.setdefault("audit", {"path": str(self.audit_path)})
            configuration["_pellucid"] = own
            configuration = yaml.safe_dump(configuration, sort_keys=False)
        # Written aside and renamed, so that a watching gateway never reads half a file.
        draft = self.config_path.with_suffix(".draft")
        draft.write_text(configuration)
        draft.rename(self.config_path)

    def wait_ready(self, timeout: float = 20) -> "Gateway":
        def ready():
            if self.process.poll() is not None:
                raise AssertionError(f"the gateway ended with {self.process.returncode} before it was ready:\n{self.stderr}")
            try:
                return requests.get(f"{self.status_url}/status/ready", timeout=2).status_code == 200
            except requests.ConnectionError:
                return False

        until(ready, timeout=timeout, what="readiness", interval=0.01)
        return self

    def reload(self) -> None:
        self.process.send_signal(signal.SIGHUP)

    def terminate(self) -> None:
        """Asks for a graceful end and returns at once."""
        self.process.send_signal(signal.SIGTERM)

    def stop(self, timeout: float = 45) -> int:
        """Ends the process, gracefully if it can, and returns its exit status."""
        if self.process.poll() is None:
            self.terminate()
            try:
                self.process.wait(timeout)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                raise AssertionError(f"the gateway did not end within {timeout} s of SIGTERM:\n{self.stderr}") from None
            finally:
                self._stderr.close()
        return self.process.returncode

    def wait_for_failure(self, timeout: float = 10) -> int:
        """Waits until the process ends by itself, as it is meant to, with a status other than 0; returns that."""
        status = self.process.wait(timeout)
        assert status > 0, f"ended with {status}:\n{self.stderr}"
        self.expected_exits = {status}
        return status

    def kill(self) -> None:
        """Ends the process as a power cut would."""
        self.process.kill()
        self.process.wait()
        self.expected_exits = {-9}

    def resident_bytes(self) -> int:
        """Resident memory now."""
        for line in pathlib.Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
        raise AssertionError("no VmRSS")

    def metrics_text(self, accept: str = "text/plain; version=0.0.4") -> str:
        answer = requests.get(f"{self.status_url}/metrics", headers={"Accept": accept}, timeout=10)
        assert answer.status_code == 200, answer.text
        return answer.text

    def metrics(self) -> "metrics.Snapshot":
        return metrics.Snapshot(self.metrics_text())
