"""What is shipped for operations: rules that promtool accepts, and dashboards and rules that use only metrics and labels a gateway really has."""

import json
import pathlib
import re
import subprocess

import openai
import pytest
import requests
import yaml

from support.collector import Collector
from support.configuration import CLIENT_KEY, ROUTE_TYPES, ai_proxy, consumer, key_auth, plugin, telemetry_environment
from support.gateway import binary, clean_environment
from support.ports import free_port
from support.prometheus import executable
from support.waiting import until

ROOT = pathlib.Path(__file__).resolve().parents[2]
RULES = ROOT / "dashboards" / "rules" / "pellucid.rules.yml"
PANELS = [(path.name, panel) for path in sorted((ROOT / "dashboards").glob("*.json")) for panel in json.loads(path.read_text())["panels"]]
# Functions, keywords and Grafana's variables are no metrics.
METRIC = re.compile(r"\b((?:pellucid|gen_ai|http_server|otel|process|dns)[a-z0-9_:]*)\b(?!\s*=)")


def rules() -> list[dict]:
    return [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]


def expressions() -> list[tuple[str, str]]:
    panels = [(f"{name}: {panel['title']}", target["expr"]) for name, panel in PANELS for target in panel["targets"]]
    return panels + [(f"{RULES.name}: {rule.get('record') or rule['alert']}", rule["expr"]) for rule in rules()]


@pytest.fixture
def other_collector():
    """Takes log records and metrics, so that the answers scripted for traces go to traces."""
    started = Collector().start()
    yield started
    started.stop()


@pytest.fixture
def page(gateways, provider, origin, collector, other_collector):
    """The metrics of a gateway that has served, streamed, refused, failed, priced, folded series, exported, and lost evidence to a full disk."""
    model = {"provider": "openai", "options": {"upstream_url": provider.base + ROUTE_TYPES["chat"], "input_cost": 1, "output_cost": 2}}
    route = {"name": "chat", "paths": [ROUTE_TYPES["chat"]], "plugins": [ai_proxy(provider.base, "chat", model=model)]}
    targets = [
        {"route_type": "llm/v1/chat", "model": {"provider": "openai", "name": name, "model_alias": "chat", "options": {"upstream_url": base + ROUTE_TYPES["chat"]}}}
        for name, base in (("gone", f"http://127.0.0.1:{free_port()}"), ("gpt-fake", provider.base))
    ]
    advanced = plugin("ai-proxy-advanced", targets=targets, balancer={"failover_criteria": ["error", "timeout"]})
    balanced = {"name": "balanced", "paths": ["/balanced" + ROUTE_TYPES["chat"]], "plugins": [advanced]}
    # Exports that failed have a label of their own.
    collector.answer_partially(1)
    pooled = {"name": "pooled", "host": "pool.internal", "routes": [{"name": "pooled", "paths": ["/pooled"]}]}
    lost = {"name": "lost", "url": "http://nowhere.invalid", "retries": 0, "routes": [{"name": "lost", "paths": ["/lost"]}]}
    many = {"name": "many", "url": f"http://127.0.0.1:{origin.port}", "routes": [{"name": f"r{n}", "paths": [f"/r{n}/"]} for n in range(120)]}
    gateway = gateways(
        {
            "services": [{"name": "llm", "url": provider.base, "routes": [route, balanced]}, pooled, lost, many],
            "upstreams": [{"name": "pool.internal", "targets": [{"target": f"localhost:{origin.port}"}]}],
            "consumers": [consumer()],
            "plugins": [key_auth(), plugin("file-log", path="/dev/full")],
            "_pellucid": {"series_budget": 100},
        },
        # Nobody answers there, at once.
        environment=telemetry_environment(
            collector,
            KONG_DNS_RESOLVER=f"127.0.0.1:{free_port()}",
            OTEL_LOGS_EXPORTER="otlp",
            OTEL_METRICS_EXPORTER="otlp",
            OTEL_METRIC_EXPORT_INTERVAL="200",
            OTEL_EXPORTER_OTLP_LOGS_ENDPOINT=f"{other_collector.endpoint}/v1/logs",
            OTEL_EXPORTER_OTLP_METRICS_ENDPOINT=f"{other_collector.endpoint}/v1/metrics",
        ),
    )
    client = openai.OpenAI(base_url=f"{gateway.url}/v1", api_key="unused", default_headers={"apikey": CLIENT_KEY}, max_retries=0)
    client.chat.completions.create(model="gpt-fake", messages=[{"role": "user", "content": "hi"}])
    list(client.chat.completions.create(model="tokens-7", messages=[{"role": "user", "content": "hi"}], stream=True, stream_options={"include_usage": True}))
    for _ in range(2):
        answer = requests.post(f"{gateway.url}/balanced{ROUTE_TYPES['chat']}", headers={"apikey": CLIENT_KEY}, json={"model": "chat", "messages": [{"role": "user", "content": "hi"}]}, timeout=10)
        assert answer.status_code == 200, answer.text
    with pytest.raises(openai.APIStatusError):
        client.chat.completions.create(model="status-503", messages=[{"role": "user", "content": "hi"}])
    assert requests.post(f"{gateway.url}{ROUTE_TYPES['chat']}", json={}, timeout=5).status_code == 401
    assert requests.get(f"{gateway.url}/pooled", headers={"apikey": CLIENT_KEY}, timeout=10).status_code == 200
    assert requests.get(f"{gateway.url}/lost", headers={"apikey": CLIENT_KEY}, timeout=20).status_code == 503
    with requests.Session() as session:
        for n in range(120):
            session.get(f"{gateway.url}/r{n}/", timeout=5)
    gateway.audit.wait_for_requests(128)
    collector.wait_for_roots(128)
    gateway.write("nonsense")
    gateway.reload()
    for metric in ("pellucid_telemetry_dropped_total{", "pellucid_metrics_series_overflow_total{", 'result="failure"', "otel_sdk_exporter_span_exported_total{", "otel_sdk_exporter_log_exported_total{", "otel_sdk_exporter_metric_data_point_exported_total{"):
        until(lambda: metric in gateway.metrics_text(), what=metric)
    return gateway.metrics_text()


def labels_by_metric(page: str) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for line in page.splitlines():
        if match := re.match(r"([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? ", line):
            found.setdefault(match[1], set()).update(re.findall(r'([a-zA-Z_][a-zA-Z0-9_]*)="', match[2] or ""))
    return found


def test_every_metric_and_label_of_panels_and_rules_exists(page):
    known = labels_by_metric(page)
    recorded = {rule["record"] for rule in rules() if "record" in rule}
    problems = []
    for place, expression in expressions():
        groups = {label.strip() for by in re.findall(r"by \(([^)]*)\)", expression) for label in by.split(",")}
        matchers = set(re.findall(r'([a-zA-Z_][a-zA-Z0-9_]*)\s*(?:=~|!=|=)"', expression))
        metrics = set(METRIC.findall(re.sub(r"\{[^}]*\}|by \([^)]*\)|\"[^\"]*\"", "", expression)))
        assert metrics, f"{place} names no metric: {expression}"
        problems += [f"{place}: no metric {name}" for name in metrics if name not in known and name not in recorded]
        # Prometheus adds it to what it scrapes.
        groups.discard("instance")
        if not metrics & recorded:
            have = set().union(*(known.get(name, set()) for name in metrics))
            problems += [f"{place}: no label {label}" for label in (groups | matchers) - have]
    assert not problems, "\n".join(problems)


def test_promtool_accepts_the_rules_and_their_tests_pass():
    for command in (["check", "rules", RULES.name], ["test", "rules", "pellucid.rules.test.yml"]):
        done = subprocess.run([executable("promtool"), *command], cwd=RULES.parent, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stdout + done.stderr


def test_the_shipped_dashboards_are_what_the_gateway_generates(tmp_path):
    done = subprocess.run([binary(), "dashboards", "generate", "--output", str(tmp_path)], capture_output=True, text=True, timeout=30, env=clean_environment())
    assert done.returncode == 0, done.stderr
    shipped = {path.name: path.read_text() for path in (ROOT / "dashboards").glob("*.json")}
    assert {path.name: path.read_text() for path in tmp_path.glob("*.json")} == shipped


def test_dashboards_for_one_configuration_name_its_routes_and_leave_out_what_it_lacks(tmp_path):
    configuration = tmp_path / "kong.yaml"
    configuration.write_text(yaml.safe_dump({"_format_version": "3.0", "services": [{"name": "s", "url": "http://h", "routes": [{"name": "b", "paths": ["/b"]}, {"name": "a", "paths": ["/a"]}]}]}))
    command = [binary(), "dashboards", "generate", "--output", str(tmp_path / "out"), "--config", str(configuration)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, env=clean_environment())
    assert done.returncode == 0, done.stdout + done.stderr
    names = {path.stem for path in (tmp_path / "out").glob("*.json")}
    assert names == {"overview", "guards", "upstreams", "telemetry"}
    variables = json.loads((tmp_path / "out" / "overview.json").read_text())["templating"]["list"]
    assert next(variable for variable in variables if variable["name"] == "route")["query"] == "a,b"


def test_every_pipeline_of_the_collector_configuration_is_made_of_declared_parts():
    for path in (ROOT / "otel-collector").glob("*.yaml"):
        configuration = yaml.safe_load(path.read_text())
        for name, pipeline in configuration["service"]["pipelines"].items():
            for kind in ("receivers", "processors", "exporters"):
                undeclared = set(pipeline[kind]) - set(configuration[kind])
                assert not undeclared, f"{path.name}, pipeline {name}: {undeclared} not among the {kind}"
        assert {"traces", "metrics", "logs"} <= set(configuration["service"]["pipelines"])


def test_every_collector_that_samples_keeps_what_was_refused_or_failed_over_or_cost_much():
    def policies(name: str) -> list:
        return yaml.safe_load((ROOT / "otel-collector" / name).read_text())["processors"]["tail_sampling"]["policies"]

    kept = {policy["name"]: policy for policy in policies("collector.yaml")}
    assert policies("gateway.yaml") == list(kept.values())
    assert {"errors", "refused", "failed-over", "slow", "costly", "some"} <= set(kept)
    # Costs are no whole numbers, which is all that a numeric_attribute compares.
    assert kept["costly"]["type"] == "ottl_condition" and '"pellucid.cost"' in kept["costly"]["ottl_condition"]["span"][0]
    # Requests that the gateway blocks have no ERROR status.
    refused = kept["refused"]["string_attribute"]
    assert refused["key"] == "pellucid.outcome" and {"rejected", "failed", "abandoned", "cancelled"} <= set(refused["values"])
