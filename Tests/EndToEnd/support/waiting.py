"""Waiting for a condition with a deadline; no test sleeps for a guessed time."""

import time


class Timeout(AssertionError):
    """The condition did not come true in time."""


def until(condition, *, timeout: float = 10, what: str = "the condition", interval: float = 0.02):
    """Polls `condition` until it returns something true, and returns that."""
    deadline = time.monotonic() + timeout
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > deadline:
            raise Timeout(f"{what} did not come true within {timeout} s; last result: {result!r}")
        time.sleep(interval)
