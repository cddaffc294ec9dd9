"""Configurations of the gateway, built from a few parts."""

CLIENT_KEY = "alice-client-key-3141"
UPSTREAM_KEY = "sk-upstream-secret-2718"
ROUTE_TYPES = {"chat": "/v1/chat/completions", "completions": "/v1/completions", "embeddings": "/v1/embeddings"}


def plugin(name: str, **config) -> dict:
    return {"name": name, "config": config}


def key_auth(**config) -> dict:
    return plugin("key-auth", **{"key_names": ["apikey"], **config})


def consumer(username: str = "alice", key: str = CLIENT_KEY) -> dict:
    return {"username": username, "keyauth_credentials": [{"key": key}]}


def ai_proxy(provider_base: str, kind: str, **config) -> dict:
    """ai-proxy in front of the fake provider; the client chooses the model."""
    return plugin(
        "ai-proxy",
        **{
            "route_type": f"llm/v1/{kind}",
            "auth": {"header_name": "Authorization", "header_value": f"Bearer {UPSTREAM_KEY}"},
            "model": {"provider": "openai", "options": {"upstream_url": provider_base + ROUTE_TYPES[kind]}},
            **config,
        },
    )


def llm_service(provider_base: str, *, prefix: str = "", name: str = "llm", plugins: list | None = None, **config) -> dict:
    """A service with one route per route type under `prefix`, so that an OpenAI client can take it as its base URL."""
    routes = [{"name": f"{name}-{kind}", "paths": [prefix + path], "plugins": [ai_proxy(provider_base, kind, **config)]} for kind, path in ROUTE_TYPES.items()]
    return {"name": name, "url": provider_base, "routes": routes, "plugins": plugins or []}


def plain_service(port: int, *, path: str = "/plain", name: str = "plain", plugins: list | None = None, route: dict | None = None, **service) -> dict:
    """A generic reverse proxy to an origin on the loopback."""
    return {
        "name": name,
        "url": f"http://127.0.0.1:{port}",
        "routes": [{"name": f"{name}-route", "paths": [path], **(route or {})}],
        "plugins": plugins or [],
        **service,
    }


def everything(provider, origin=None, **extra) -> dict:
    """An authenticated LLM service, a plain one when there is an origin, and one whose upstream is down."""
    services = [llm_service(provider.base)]
    if origin is not None:
        services.append(plain_service(origin.port))
    services.append(plain_service(9, name="down", path="/down", retries=0))
    return {"services": services, "consumers": [consumer()], "plugins": [key_auth()], **extra}


def telemetry_environment(collector, **more) -> dict:
    """Every span to the collector, in small quick batches."""
    return {
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector.endpoint,
        "OTEL_TRACES_SAMPLER": "parentbased_always_on",
        "OTEL_BSP_SCHEDULE_DELAY": "100",
        # The last push at the end would wait for a collector that a test has stopped.
        "OTEL_METRICS_EXPORTER": "none",
        **more,
    }
