"""Starting, observing and ending the processes of a benchmark; standard library only."""

import http.client
import json
import os
import pathlib
import shutil
import socket
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
TICKS = os.sysconf("SC_CLK_TCK")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def built(product: str, variable: str) -> str:
    """A built product: named by the environment variable, else the release build, else the debug build (with a warning)."""
    if named := os.environ.get(variable):
        return str(pathlib.Path(named).resolve())
    for kind in ("release", "debug"):
        path = ROOT / ".build" / kind / product
        if path.is_file():
            if kind == "debug":
                print(f"warning: {product} is a debug build; its figures say nothing about speed")
            return str(path)
    raise SystemExit(f"{product} is not built: run `make build`, or set {variable}")


def tool(name: str) -> str:
    path = shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin:/usr/local/sbin")
    if not path:
        raise SystemExit(f"{name} is not installed: run `make install-test-packages`")
    return path


def tree(pid: int) -> list[int]:
    """A process and its descendants."""
    children: dict[int, list[int]] = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                fields = pathlib.Path(f"/proc/{entry}/stat").read_text().rsplit(") ", 1)[1].split()
            except OSError:
                continue
            children.setdefault(int(fields[1]), []).append(int(entry))
    found, queue = [], [pid]
    while queue:
        current = queue.pop()
        found.append(current)
        queue += children.get(current, [])
    return found


def cpu_seconds(pid: int) -> float:
    """User and system time so far of a process and its descendants, from the operating system's accounting."""
    total = 0
    for member in tree(pid):
        fields = pathlib.Path(f"/proc/{member}/stat").read_text().rsplit(") ", 1)[1].split()
        total += int(fields[11]) + int(fields[12])
    return total / TICKS


def resident_bytes(pid: int) -> int:
    """Resident memory of a process and its descendants. Shared pages count once for each: a disadvantage for nginx, which is small anyway."""
    total = 0
    for member in tree(pid):
        for line in pathlib.Path(f"/proc/{member}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                total += int(line.split()[1]) * 1024
    return total


def get(port: int, path: str, timeout: float = 5, headers: dict | None = None) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        connection.request("GET", path, headers=headers or {})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def wait_for(port: int, path: str, process: subprocess.Popen, timeout: float = 30, accept=lambda status: status == 200, headers: dict | None = None) -> float:
    """Polls until the answer is accepted; returns how long it took."""
    begin = time.monotonic()
    while time.monotonic() - begin < timeout:
        if process.poll() is not None:
            raise SystemExit(f"{process.args[0]} ended with {process.returncode} while starting")
        try:
            if accept(get(port, path, headers=headers)[0]):
                return time.monotonic() - begin
        except (OSError, http.client.HTTPException):
            pass
        time.sleep(0.002)
    raise SystemExit(f"{process.args[0]} did not answer {path} on port {port} within {timeout} s")


def wait_for_port(port: int, process: subprocess.Popen, timeout: float = 30) -> None:
    """Waits until somebody listens; for what a plain HTTP client cannot ask."""
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.01)
    raise RuntimeError(f"nobody listens on port {port}")


class Child:
    """One process of the benchmark; its output goes to a log in the working directory."""

    def __init__(self, name: str, command: list[str], directory: pathlib.Path, environment: dict | None = None):
        self.name = name
        self.log_path = directory / f"{name}.log"
        self._log = open(self.log_path, "ab")
        # Nothing of the caller's configuration reaches a contender.
        inherited = {
            key: value for key, value in os.environ.items() if not key.startswith(("OTEL_", "PELLUCID_", "KONG_", "DECK_")) and not key.endswith("_API_KEY")
        }
        self.process = subprocess.Popen(
            command, stdout=self._log, stderr=self._log, stdin=subprocess.DEVNULL, cwd=directory, env={**inherited, **(environment or {})}
        )

    @property
    def pid(self) -> int:
        return self.process.pid

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self._log.close()


def last_json(output: str) -> dict:
    """The last line of a tool's output that is JSON."""
    for line in reversed(output.splitlines()):
        if line.startswith("{"):
            return json.loads(line)
    raise SystemExit(f"no figures in:\n{output}")
