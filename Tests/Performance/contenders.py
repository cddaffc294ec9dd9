"""Who is compared with whom: nginx as a bare proxy, and Pellucid in growing configurations."""

import dataclasses
import json
import os
import pathlib
import subprocess
import time

from processes import Child, built, cpu_seconds, free_port, resident_bytes, tool, wait_for, wait_for_port

KEY = "bench-client-key"
PATH = "/v1/chat/completions"
# Where clients of OpenAI's format reach a provider of Anthropic's.
ANTHROPIC = "/anthropic"
# 2 KB of JSON, as a client sends it.
BODY = json.dumps({"model": "load-model", "messages": [{"role": "system", "content": "You are helpful."}, {"role": "user", "content": "word " * 380}]})
STREAM_BODY = json.dumps({"model": "load-model", "stream": True, "stream_options": {"include_usage": True}, "messages": [{"role": "user", "content": "x"}]})

# Room for some seconds of spans at full load, so that "100%" means every span.
QUEUE = {"max_batch_size": 2048, "max_entries": 1_000_000}


@dataclasses.dataclass
class Upstreams:
    """The simulated provider in the shapes the workloads need, and the OTLP sink; each a process of its own."""

    directory: pathlib.Path
    events: int
    rate: float

    def start(self) -> "Upstreams":
        load = built("pellucid-load", "PELLUCID_LOAD")
        self.burst_port, self.paced_port, self.idle_port, self.sink_port, self.anthropic_port = (free_port() for _ in range(5))
        kinds = {
            "upstream-burst": ["upstream", "--port", str(self.burst_port), "--events", str(self.events)],
            "upstream-paced": ["upstream", "--port", str(self.paced_port), "--events", str(self.events), "--rate", str(self.rate)],
            # One event every twenty seconds: open, flowing, and idle while the memory is read.
            "upstream-idle": ["upstream", "--port", str(self.idle_port), "--events", "1000000", "--rate", "0.05"],
            "upstream-anthropic": ["upstream", "--port", str(self.anthropic_port), "--events", str(self.events), "--format", "anthropic"],
            "sink": ["sink", "--port", str(self.sink_port)],
        }
        self.children = [Child(name, [load, *arguments], self.directory) for name, arguments in kinds.items()]
        for child, port in zip(self.children, (self.burst_port, self.paced_port, self.idle_port, self.anthropic_port, self.sink_port), strict=True):
            wait_for(port, "/load/stats", child.process)
        return self

    def stop(self) -> None:
        for child in self.children:
            child.stop()

    def routes(self) -> dict[str, int]:
        """Path prefix of each upstream in every contender."""
        return {"": self.burst_port, "/paced": self.paced_port, "/idle": self.idle_port, ANTHROPIC: self.anthropic_port}


class Contender:
    """A running gateway under test."""

    title = ""
    # Words behind the address of the listener.
    listens = ""

    def __init__(self, directory: pathlib.Path, upstreams: Upstreams):
        self.directory = directory / type(self).__name__.lower()
        self.directory.mkdir(exist_ok=True)
        self.upstreams = upstreams
        self.port = free_port()
        self.child: Child | None = None

    def start(self) -> "Contender":
        raise NotImplementedError

    def stop(self) -> None:
        if self.child:
            self.child.stop()
            self.child = None

    def restart(self) -> "Contender":
        self.stop()
        return self.start()

    @property
    def pid(self) -> int:
        return self.child.pid

    def cpu(self) -> float:
        return cpu_seconds(self.pid)

    def memory(self) -> int:
        return resident_bytes(self.pid)

    def url(self, prefix: str = "") -> str:
        return f"http://127.0.0.1:{self.port}{prefix}{PATH}"


class Nginx(Contender):
    """nginx proxy_pass: two workers, keep-alive both sides, no access log, no buffering of streams."""

    title = "nginx proxy_pass"
    buffers = ""
    server = ""

    def start(self) -> "Nginx":
        user = "user root;" if os.geteuid() == 0 else ""
        upstreams, locations = "", ""
        for number, (prefix, port) in enumerate(self.upstreams.routes().items()):
            upstreams += f"upstream u{number} {{ server 127.0.0.1:{port}; keepalive 512; keepalive_requests 100000000; }}\n"
            locations += f"location {prefix or ''}/ {{ proxy_pass http://u{number}/; }}\n"
        temporary = "".join(f"{kind}_temp_path {self.directory}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        configuration = f"""{user}
worker_processes 2;
worker_rlimit_nofile 20000;
daemon off;
pid {self.directory}/nginx.pid;
error_log stderr warn;
events {{ worker_connections 20000; }}
http {{
access_log off;
{temporary}
keepalive_requests 100000000;
keepalive_timeout 600s;
proxy_http_version 1.1;
proxy_set_header Connection "";
proxy_buffering off;
proxy_read_timeout 600s;
{self.buffers}
{upstreams}
server {{ listen 127.0.0.1:{self.port} {self.listens} backlog=4096; {self.server} {locations} }}
}}
"""
        path = self.directory / "nginx.conf"
        path.write_text(configuration)
        self.child = Child("nginx", [tool("nginx"), "-p", str(self.directory), "-c", str(path)], self.directory)
        self.wait()
        return self

    def wait(self) -> None:
        wait_for(self.port, "/load/stats", self.child.process)


class NginxLargeBuffers(Nginx):
    """The same with room for 64 KB between read and write: a fairer opponent for bursts, and no gate."""

    title = "nginx, 64k buffers"
    buffers = "proxy_buffer_size 64k; proxy_buffers 8 64k; proxy_busy_buffers_size 128k;"


class Pellucid(Contender):
    """A Pellucid with one of the configurations below; one event loop per core, as it is by default."""

    telemetry = False
    audit = False
    ai = True
    environment: dict = {}

    def configuration(self) -> dict:
        services = []
        for prefix, port in self.upstreams.routes().items():
            name = prefix.strip("/") or "burst"
            plugins = []
            if self.ai:
                target = {"provider": "openai", "options": {"upstream_url": f"http://127.0.0.1:{port}{PATH}"}}
                if prefix == ANTHROPIC:
                    target = {"provider": "anthropic", "options": {"upstream_url": f"http://127.0.0.1:{port}/v1/messages", "anthropic_version": "2023-06-01"}}
                auth = {"header_name": "Authorization", "header_value": "Bearer sk-upstream"}
                plugins.append(self.ai_plugin({"route_type": "llm/v1/chat", "auth": auth, "model": target}))
            path = prefix + PATH if self.ai else prefix or "/"
            route = {"name": f"{name}-route", "paths": [path], "plugins": plugins}
            services.append({"name": name, "url": f"http://127.0.0.1:{port}", "routes": [route], "read_timeout": 600_000})
        result = {"_format_version": "3.0", "services": services}
        if self.ai:
            result["consumers"] = [{"username": f"consumer-{n}", "keyauth_credentials": [{"key": f"key-{n}"}]} for n in range(100)]
            result["consumers"].append({"username": "bench", "keyauth_credentials": [{"key": KEY}]})
            result["plugins"] = [{"name": "key-auth", "config": {"key_names": ["apikey"]}}]
        if self.telemetry:
            result["plugins"] += [
                {"name": "prometheus", "config": {"status_code_metrics": True, "latency_metrics": True, "bandwidth_metrics": True, "ai_metrics": True}},
                {"name": "file-log", "config": {"path": str(self.directory / "file.log")}},
                {
                    "name": "opentelemetry",
                    "config": {"traces_endpoint": f"http://127.0.0.1:{self.upstreams.sink_port}/v1/traces", "sampling_rate": 1, "queue": QUEUE},
                },
            ]
        result["_pellucid"] = {"audit": {"path": str(self.directory / "audit.log")} if self.audit else {"enabled": False}}
        return result

    def ai_plugin(self, target: dict) -> dict:
        return {"name": "ai-proxy", "config": target}

    def start(self, configuration: dict | None = None) -> "Pellucid":
        self.status_port, self.admin_port = free_port(), free_port()
        self.config_path = self.directory / "kong.json"
        self.config_path.write_text(json.dumps(configuration or self.configuration()))
        command = [
            built("pellucid", "PELLUCID_BINARY"), "run", "--config", str(self.config_path), "--proxy-listen", f"127.0.0.1:{self.port} {self.listens}".strip(),
            "--admin-listen", f"127.0.0.1:{self.admin_port}", "--status-listen", f"127.0.0.1:{self.status_port}", "--state-dir", str(self.directory / "state"),
        ]  # fmt: skip
        begin = time.monotonic()
        self.child = Child("pellucid", command, self.directory, self.environment)
        wait_for(self.status_port, "/status/ready", self.child.process)
        self.seconds_to_ready = time.monotonic() - begin
        return self

    def forget_logs(self) -> None:
        """Keeps a long run from filling the disk: the logs are cut, which an appending writer does not notice."""
        for path in self.directory.glob("*.log*"):
            if path.name in ("audit.log", "file.log"):
                os.truncate(path, 0)
            elif path.name != "pellucid.log":
                path.unlink()


class Generic(Pellucid):
    title = "pellucid, generic proxy, exporters off"
    ai = False


class AIProxy(Pellucid):
    title = "pellucid, ai-proxy + key-auth, exporters off"


class Stages(AIProxy):
    """AIProxy with further stages that need nobody outside: what they add is what they and their evidence cost."""

    stages = [
        {"name": "ip-restriction", "config": {"deny": ["203.0.113.0/24"]}},
        {"name": "request-size-limiting", "config": {}},
        {"name": "ai-prompt-template", "config": {"templates": [{"name": "t", "template": "{}"}]}},
        {"name": "ai-prompt-decorator", "config": {"prompts": {"prepend": [{"role": "system", "content": "Be brief."}]}}},
        {"name": "ai-prompt-guard", "config": {"deny_patterns": ["(?i)\\bpassword\\b"]}},
    ]
    title = f"pellucid, ai-proxy, {len(stages)} more stages"

    def configuration(self) -> dict:
        result = super().configuration()
        result["plugins"] += self.stages
        return result


class Sanitizer(Stages):
    """What looking for personal data costs: all categories, the default."""

    stages = [{"name": "ai-sanitizer", "config": {}}]
    title = "pellucid, ai-proxy, ai-sanitizer"


class Compressor(Stages):
    stages = [{"name": "ai-prompt-compressor", "config": {"compression_ranges": [{"min_tokens": 0, "max_tokens": 100_000, "value": 0.5}]}}]
    title = "pellucid, ai-proxy, ai-prompt-compressor"


class Exporting(Pellucid):
    """Telemetry as far as plugins ask for it: Prometheus, a line a request in a file, all traces to a collector."""

    title = "pellucid, prometheus + file-log + OTLP"
    telemetry = True


class Everything(Exporting):
    """All telemetry: the same and the audit stream, one more line a request, whose hash is chained to the one before, in files that are compressed once they are full."""

    title = "pellucid, and the audit stream"
    audit = True


class EverythingGzip(Everything):
    title = "pellucid, all telemetry, OTLP gzip"
    environment = {"OTEL_EXPORTER_OTLP_COMPRESSION": "gzip"}


class Balanced(AIProxy):
    """ai-proxy-advanced over twenty targets that are one and the same upstream, so that only choosing differs from ai-proxy."""

    targets = 20
    algorithm = "round-robin"
    own: dict = {}

    def ai_plugin(self, target: dict) -> dict:
        balancer = {"algorithm": self.algorithm, "hash_on_header": "apikey"}
        plugin = {"name": "ai-proxy-advanced", "config": {"targets": [target] * self.targets, "balancer": balancer}}
        return {**plugin, "_pellucid": {"balancer": self.own}} if self.own else plugin


def balanced(name: str, **members) -> type[Balanced]:
    return type(f"Balanced{name.title().replace('-', '')}", (Balanced,), {"title": f"pellucid, 20 targets, {name}", **members})


BALANCED = [
    *(balanced(name, algorithm=name) for name in ("round-robin", "consistent-hashing", "least-connections", "lowest-latency", "lowest-usage", "priority")),
    balanced("power-of-two-choices", own={"algorithm": "power-of-two-choices"}),
]


def certificate(directory: pathlib.Path) -> tuple[pathlib.Path, pathlib.Path]:
    """A self-signed certificate with its key (RSA 2048, as most public ones)."""
    paths = directory / "tls.pem", directory / "tls.key"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost", "-out", str(paths[0]), "-keyout", str(paths[1])]
    subprocess.run(command, check=True, capture_output=True)
    return paths


# Both sides of the TLS rows: the same versions and ciphers (Mozilla's intermediate profile).
CIPHERS = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384"


class NginxTLS(Nginx):
    title = "nginx proxy_pass, TLS and HTTP/2"
    listens = "ssl http2"

    def start(self) -> "NginxTLS":
        pem, key = certificate(self.directory)
        self.server = f"ssl_certificate {pem}; ssl_certificate_key {key}; ssl_protocols TLSv1.2 TLSv1.3; ssl_ciphers {CIPHERS}; ssl_prefer_server_ciphers off;"
        return super().start()

    def wait(self) -> None:
        wait_for_port(self.port, self.child.process)


class GenericTLS(Generic):
    title = "pellucid, generic proxy, TLS and HTTP/2"
    listens = "ssl http2"

    def configuration(self) -> dict:
        pem, key = certificate(self.directory)
        return {**super().configuration(), "certificates": [{"cert": pem.read_text(), "key": key.read_text(), "snis": [{"name": "localhost"}]}]}


class ExportingTLS(GenericTLS):
    title = "pellucid, prometheus + file-log + OTLP, TLS, h2"
    telemetry = True
    ai = True


class EverythingTLS(ExportingTLS):
    title = "pellucid, and the audit stream, TLS, h2"
    audit = True
