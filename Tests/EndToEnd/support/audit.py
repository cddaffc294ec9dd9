"""Reading the audit log as an auditor would: line by line, checking the chain."""

import json
import pathlib

from . import names
from .waiting import until


class AuditLog:
    """The audit file at `path`; read anew on each call."""

    def __init__(self, path):
        self.path = pathlib.Path(path)

    def raw_lines(self) -> list[bytes]:
        """The complete lines written so far."""
        if not self.path.exists():
            return []
        content = self.path.read_bytes()
        return content[: content.rfind(b"\n") + 1].splitlines()

    def lines(self) -> list[dict]:
        return [json.loads(line) for line in self.raw_lines()]

    def requests(self) -> list[dict]:
        """The lines about requests."""
        return [line for line in self.lines() if names.is_request_line(line)]

    def wait_for_requests(self, count: int, timeout: float = 15) -> list[dict]:
        """Waits until at least `count` requests are recorded, and returns them."""
        return until(
            lambda: (found := self.requests()) and len(found) >= count and found,
            timeout=timeout,
            what=f"{count} audit lines in {self.path} (there are {len(self.requests())})",
        )

    def check_chain(self) -> int:
        """Recomputes every hash; returns how many lines were checked."""
        previous, sequence = None, None
        raw = self.raw_lines()
        for number, line in enumerate(raw, 1):
            record = json.loads(line)
            assert record[names.AUDIT_HASH] == names.audit_line_hash(line), f"line {number}: the hash does not match the line"
            if previous is not None:
                assert record[names.AUDIT_PREVIOUS] == previous, f"line {number}: does not continue line {number - 1}"
                assert record[names.AUDIT_SEQ] == sequence + 1, f"line {number}: sequence {record[names.AUDIT_SEQ]} follows {sequence}"
            previous, sequence = record[names.AUDIT_HASH], record[names.AUDIT_SEQ]
        return len(raw)
