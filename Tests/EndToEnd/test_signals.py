"""Metrics and logs over OTLP: the same numbers and lines as the page and the file."""

import json

from support.collector import attributes_of
from support.configuration import everything, telemetry_environment
from support.waiting import until

HELLO = [{"role": "user", "content": "hi"}]


def test_metrics_and_audit_lines_arrive_over_otlp(gateways, provider, collector, client_of):
    environment = telemetry_environment(
        collector, OTEL_METRICS_EXPORTER="otlp", OTEL_METRIC_EXPORT_INTERVAL="200", OTEL_LOGS_EXPORTER="otlp", OTEL_BLRP_SCHEDULE_DELAY="100", OTEL_EXPORTER_OTLP_COMPRESSION="gzip"
    )
    gateway = gateways(everything(provider), environment=environment)
    client = client_of(f"{gateway.url}/v1")
    for _ in range(3):
        client.chat.completions.create(model="gpt-fake", messages=HELLO)

    def records():
        return [record for record in collector.log_records() if record.event_name == "pellucid.request"]

    until(lambda: len(records()) == 3, what="three log records")
    traces = {span.trace_id for span in collector.wait_for_roots(3)}
    assert {record.trace_id.hex() for record in records()} == traces
    lines = {line["request"]["id"]: line for line in gateway.audit.wait_for_requests(3)}
    for record in records():
        line = json.loads(record.body.string_value)
        assert line["trace_id"] == lines[line["request"]["id"]]["trace_id"]

    heads = [record.body.string_value for record in collector.log_records() if record.event_name == "pellucid.audit.head"]
    hashes = {f"{line['seq']}:{line['hash']}" for line in gateway.audit.lines()}
    assert heads and set(heads) <= hashes, "the head of the chain, as it stands in the file"

    def requests_in_metrics():
        count = 0
        for export in list(collector._exports["/v1/metrics"])[-1:]:
            for metric in export.resource_metrics[0].scope_metrics[0].metrics:
                if metric.name == "http.server.request.duration":
                    count += sum(point.count for point in metric.histogram.data_points)
        return count == 3

    until(requests_in_metrics, what="three requests in the pushed metrics")
    resource = attributes_of(collector._exports["/v1/metrics"][-1].resource_metrics[0].resource.attributes)
    assert resource["process.pid"] == gateway.pid and resource["host.name"] and resource["service.instance.id"]
    assert all({k.lower(): v for k, v in headers.items()}["content-encoding"] == "gzip" for _, headers, _ in collector.bodies)
