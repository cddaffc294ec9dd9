"""Every name of the gateway the tests rely on, in one place: metrics, attributes, audit members, messages."""

import hashlib
import json

# Metrics, in their Prometheus spelling.
HTTP_SERVER_DURATION = "http_server_request_duration_seconds"
OPERATION_DURATION = "gen_ai_client_operation_duration_seconds"
TOKEN_USAGE = "gen_ai_client_token_usage"
TIME_TO_FIRST_CHUNK = "gen_ai_client_operation_time_to_first_chunk_seconds"
STAGE_DURATION = "pellucid_stage_duration_seconds"
OVERHEAD = "pellucid_overhead_duration_seconds"
PROVIDER_REMAINING = "pellucid_provider_ratelimit_remaining"
LABEL_LIMIT_KIND = "pellucid_provider_ratelimit_kind"
UNACCOUNTED = "pellucid_requests_unaccounted"
FINISHED = "pellucid_requests_finished_total"
SELF_METRICS_PREFIX = "otel_sdk_"
# Kong's own metric names begin with these; promtool's naming rules are not applied to them.
KONG_PREFIXES = ("kong_", "ai_")

# Metric labels.
LABEL_STATUS = "http_response_status_code"
LABEL_ROUTE = "http_route"
LABEL_TOKEN_TYPE = "gen_ai_token_type"
LABEL_MODEL = "gen_ai_request_model"
LABEL_PLUGIN = "plugin"
LABEL_PHASE = "phase"
LABEL_OUTCOME = "outcome"

# Span kinds of OTLP.
INTERNAL, SERVER, CLIENT = 1, 2, 3
# Span status codes of OTLP.
STATUS_ERROR = 2

# Span attributes.
REQUEST_ID = "pellucid.request.id"
ROUTE = "pellucid.route"
SERVICE = "pellucid.service"
CONSUMER = "pellucid.consumer"
CONFIG_HASH = "pellucid.config.hash"
USAGE_SOURCE = "pellucid.usage.source"
STAGE_PLUGIN = "pellucid.stage.plugin"
STAGE_PHASE = "pellucid.stage.phase"
STAGE_VERDICT = "pellucid.stage.verdict"
STATUS_CODE = "http.response.status_code"

# Kong's messages.
NO_API_KEY = "No API key found in request"
UNAUTHORIZED = "Unauthorized"
DUPLICATE_API_KEY = "Duplicate API key found"
NO_ROUTE = "no Route matched with those values"
# What a prompt above max_request_body_size is answered with.
TOO_LARGE = (400, 413)
# What an unreachable upstream is answered with.
BAD_GATEWAY = (502, 503)

# Audit members.
AUDIT_SEQ, AUDIT_PREVIOUS, AUDIT_HASH = "seq", "prev_hash", "hash"
AUDIT_FIRST_PREVIOUS = "0" * 64


def is_request_line(line: dict) -> bool:
    """Whether an audit line is about a request (and not a start record)."""
    return "request" in line


def audit_line_hash(raw: bytes) -> str:
    """The hash an audit line must carry.

    The rule: the `hash` member is the last of the line's object. SHA-256 is taken over the line's bytes as written, from the opening brace up to
    and without the comma before `"hash"`; `prev_hash` is inside that part, which makes the chain. The result is lower-case hexadecimal.
    """
    marker = b',"' + AUDIT_HASH.encode() + b'":"'
    position = raw.rindex(marker)
    assert json.loads(raw)[AUDIT_HASH], "the line carries a hash"
    return hashlib.sha256(raw[:position]).hexdigest()
