"""Requests, spans, metrics and audit lines agree after mixed traffic: served, blocked, failed, unrouted, streamed and cancelled."""

import collections

import pytest

from support import names
from support.configuration import everything, telemetry_environment
from support.mixed import Mixed
from support.waiting import until


# 10,000 requests and their evidence take longer than other tests may.
@pytest.mark.timeout(600)
def test_the_three_views_agree(request, gateways, provider, origin, collector):
    count = request.config.getoption("--mixed-requests")
    gateway = gateways(everything(provider, origin), environment=telemetry_environment(collector, OTEL_BSP_MAX_QUEUE_SIZE="65536"))
    sent = Mixed(gateway).run(count)
    assert sent.total == count
    patience = 30 + count / 100
    lines = gateway.audit.wait_for_requests(count, patience)
    roots = collector.wait_for_roots(count, patience)
    until(lambda: gateway.metrics().total(names.UNACCOUNTED) == 0, timeout=patience, what="the conservation gauge at 0")
    page = gateway.metrics()

    # How many: one of each per request.
    assert len(lines) == len(roots) == count
    assert page.total(f"{names.HTTP_SERVER_DURATION}_count") == page.total(names.FINISHED) == count
    assert len({root.trace_id for root in roots}) == count

    # Which: the same requests in both.
    by_trace = {line["trace_id"]: line for line in lines}
    assert set(by_trace) == {root.trace_id for root in roots}
    for root in roots:
        line = by_trace[root.trace_id]
        assert line["request"]["id"] == root.attributes[names.REQUEST_ID]
        assert line["response"]["status"] == root.attributes.get(names.STATUS_CODE, 0)

    # What became of them: the same statuses in all three, and as the clients saw them.
    # A request that ended before any status has none: 0 in the audit line, no attribute elsewhere.
    audited = collections.Counter(str(line["response"]["status"] or "") for line in lines)
    assert page.by_label(f"{names.HTTP_SERVER_DURATION}_count", names.LABEL_STATUS) == dict(audited)
    assert collections.Counter(str(root.attributes.get(names.STATUS_CODE, "")) for root in roots) == audited
    for status, number in sent.by_status.items():
        if status:
            assert audited[str(status)] >= number, f"status {status}: clients saw {number}, audited {audited}"

    # Attempts: a CLIENT span per try of the audit line.
    spans = collector.spans()
    attempts = collections.Counter(span.trace_id for span in spans if span.kind == names.CLIENT)
    for trace_id, line in by_trace.items():
        assert attempts[trace_id] == len(line.get("tries") or []), line
    llm_attempts = [span for span in spans if span.kind == names.CLIENT and "gen_ai.operation.name" in span.attributes]
    assert page.total(f"{names.OPERATION_DURATION}_count") == len(llm_attempts)

    # Stages: the span per stage, the audit entry per stage and the stage histogram count the same.
    stage_spans = collections.Counter(span.attributes[names.STAGE_PLUGIN] for span in spans if span.kind == names.INTERNAL)
    stage_entries = collections.Counter(stage["plugin"] for line in lines for stage in line["stages"])
    stage_series = {plugin: int(value) for plugin, value in page.by_label(f"{names.STAGE_DURATION}_count", names.LABEL_PLUGIN).items()}
    assert dict(stage_spans) == dict(stage_entries) == stage_series

    # Tokens: the spans' usage is the histogram's sum.
    for kind in ("input", "output"):
        reported = sum(span.attributes.get(f"gen_ai.usage.{kind}_tokens", 0) for span in llm_attempts)
        assert page.total(f"{names.TOKEN_USAGE}_sum", **{names.LABEL_TOKEN_TYPE: kind}) == reported

    # Nothing hangs in the air, and the chain holds.
    ids = {span.span_id for span in spans}
    assert all(span.is_root or span.parent_id in ids for span in spans)
    assert gateway.audit.check_chain() >= count
