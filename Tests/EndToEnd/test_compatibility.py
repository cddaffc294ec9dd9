"""The compatibility document is what the decoders do, and a kong.conf becomes an environment."""

import pathlib
import subprocess

import pytest

from support.gateway import ROOT, binary, clean_environment


def run(*arguments) -> subprocess.CompletedProcess:
    return subprocess.run([binary(), *map(str, arguments)], capture_output=True, text=True, env=clean_environment(), timeout=60)


def test_the_committed_document_is_current():
    done = run("compatibility")
    assert done.returncode == 0, done.stderr
    assert done.stdout == (ROOT / "docs/compatibility.md").read_text(), "stale: run `pellucid compatibility > docs/compatibility.md`"


def test_the_list_of_metrics_is_current():
    done = run("metrics")
    assert done.returncode == 0, done.stderr
    assert done.stdout == (ROOT / "docs/metrics.md").read_text(), "stale: run `pellucid metrics > docs/metrics.md`"


@pytest.mark.parametrize(
    "expected",
    [
        "| `workspaces` | refused: workspaces are not supported: run one gateway per workspace |",
        "| `expression` | refused: routes by expression are not supported",
        "`tls_verify`, `tls_verify_depth`, `updated_at`",
        "`request_buffering`, `response_buffering`, `service`",
        "### upstreams",
        "### ai-proxy",
        "| `upstream_keepalive_pool_size` | honoured: ",
    ],
)
def test_the_document_says_what_one_looks_for(expected):
    assert expected in (ROOT / "docs/compatibility.md").read_text()


CONF = """\
# a comment
proxy_listen = 0.0.0.0:8000, 0.0.0.0:8443 ssl http2   # and one behind a value
log_level=warn
ssl_cipher_suite = "modern"
pg_password = top\\#secret
upstream_keepalive_pool_size = 64
no_such_setting = 1
lua_package_path = ./?.lua;
"""


def test_a_kong_conf_becomes_an_environment(tmp_path):
    path = pathlib.Path(tmp_path / "kong.conf")
    path.write_text(CONF)
    done = run("config", "convert", path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "KONG_PROXY_LISTEN='0.0.0.0:8000, 0.0.0.0:8443 ssl http2'",
        "KONG_LOG_LEVEL=warn",
        "KONG_SSL_CIPHER_SUITE=modern",
        "# pg_password: no effect: there is no database: the declarative file, or the Admin API's own store, holds the configuration",
        "KONG_UPSTREAM_KEEPALIVE_POOL_SIZE=64",
        "# no_such_setting: no effect: has no counterpart",
        "# lua_package_path: no effect: plugins are built in; there is no Lua runtime of nginx",
    ]
    assert "3 settings have no effect" in done.stderr and "secret" not in done.stdout + done.stderr


def test_a_line_that_is_none_is_named(tmp_path):
    path = pathlib.Path(tmp_path / "kong.conf")
    path.write_text("log_level = info\nnonsense\n")
    done = run("config", "convert", path)
    assert done.returncode == 1 and "kong.conf:2: is no `name = value`" in done.stderr
