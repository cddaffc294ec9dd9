"""Free loopback ports."""

import socket


def free_port() -> int:
    """A port nobody listens on; taken from the system, so parallel runs do not meet."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
