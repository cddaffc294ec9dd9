"""A real Prometheus server, and promtool."""

import pathlib
import shutil
import subprocess

import requests

from .ports import free_port
from .waiting import until


class Prometheus:
    """Debian's prometheus, scraping one target every second."""

    def __init__(self, target_port: int, directory: pathlib.Path, features: str = "exemplar-storage"):
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        configuration = directory / "prometheus.yml"
        configuration.write_text(
            "global: {scrape_interval: 1s, scrape_timeout: 1s}\n"
            "scrape_configs:\n"
            "- job_name: pellucid\n"
            f"  static_configs: [{{targets: ['127.0.0.1:{target_port}']}}]\n"
        )
        self._log = open(directory / "prometheus.log", "wb")
        command = [
            executable("prometheus"), f"--config.file={configuration}", f"--storage.tsdb.path={directory / 'tsdb'}",
            f"--web.listen-address=127.0.0.1:{self.port}", f"--enable-feature={features}", "--log.level=warn",
        ]  # fmt: skip
        self.process = subprocess.Popen(command, stdout=self._log, stderr=self._log, stdin=subprocess.DEVNULL)

    def query(self, expression: str) -> list[dict]:
        answer = requests.get(f"{self.url}/api/v1/query", params={"query": expression}, timeout=5)
        answer.raise_for_status()
        return answer.json()["data"]["result"]

    def wait_for(self, expression: str, accept=bool, timeout: float = 30):
        """Queries until `accept` likes the answer."""

        def ask():
            try:
                result = self.query(expression)
            except requests.RequestException:
                return None
            return result if accept(result) else None

        return until(ask, timeout=timeout, what=f"{expression} in Prometheus", interval=0.1)

    def targets(self) -> list[dict]:
        return requests.get(f"{self.url}/api/v1/targets", timeout=5).json()["data"]["activeTargets"]

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(20)
        self._log.close()


def executable(name: str) -> str:
    path = shutil.which(name)
    assert path, f"{name} is not installed (`make test` installs it)"
    return path


def promtool_problems(text: str) -> str:
    """What `promtool check metrics` says about a page; empty when clean."""
    result = subprocess.run([executable("promtool"), "check", "metrics"], input=text.encode(), capture_output=True, timeout=30)
    return "" if result.returncode == 0 else (result.stdout + result.stderr).decode()
