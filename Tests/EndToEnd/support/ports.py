"""Free loopback ports."""

import random
import socket

# Below the range the system takes ports of clients from: a port that was handed out, or whose server is down for a while, is not taken by a
# connection of some client in between (nor by one to itself, which TCP allows).
_LOWEST, _HIGHEST = 15_000, 32_000
_given: set[int] = set()


def free_port() -> int:
    """A port nobody listens on, never the same one twice in a run."""
    for _ in range(1000):
        port = random.randint(_LOWEST, _HIGHEST)
        if port in _given:
            continue
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        _given.add(port)
        return port
    raise AssertionError("no free port was found")
