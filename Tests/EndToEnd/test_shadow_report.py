"""`pellucid audit shadow-report`: what enforcing the stages in shadow mode would have done."""

import subprocess

from support.configuration import consumer, key_auth, llm_service, plugin
from support.gateway import binary


def test_the_report_counts_what_would_have_been_blocked_and_changed(gateways, client_of, provider):
    guard = {**plugin("ai-prompt-guard", deny_patterns=["password"]), "_pellucid": {"mode": "shadow"}}
    decorator = {**plugin("ai-prompt-decorator", prompts={"prepend": [{"role": "system", "content": "brief"}]}), "_pellucid": {"mode": "shadow"}}
    model = {"provider": "openai", "options": {"upstream_url": f"{provider.base}/v1/chat/completions", "input_cost": 1000, "output_cost": 1000}}
    service = llm_service(provider.base, plugins=[guard, decorator], model=model)
    gateway = gateways({"services": [service], "consumers": [consumer()], "plugins": [key_auth()]})
    client = client_of(f"{gateway.url}/v1")
    for text in ["hello", "the password", "hello again", "password"]:
        client.chat.completions.create(model="gpt-fake", messages=[{"role": "user", "content": text}])
    gateway.audit.wait_for_requests(4)
    done = subprocess.run([binary(), "audit", "shadow-report", str(gateway.audit_path)], capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].startswith("4 request(s)")
    blocked = next(line for line in lines if "ai-prompt-guard request" in line)
    assert "4 judged: blocked 2 (50.0 %), changed 0 (0.0 %)" in blocked and "saved 0." in blocked and "saved 0.000000" not in blocked
    assert any("deny_pattern: 2" in line for line in lines)
    assert "blocked 0 (0.0 %), changed 4 (100.0 %)" in next(line for line in lines if "ai-prompt-decorator" in line)
    empty = subprocess.run([binary(), "audit", "shadow-report", "--route", "nowhere", str(gateway.audit_path)], capture_output=True, text=True, timeout=30)
    assert empty.returncode == 1 and "no stage ran in shadow mode" in empty.stdout
