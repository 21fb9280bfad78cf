"""Numbers for whoever watches a server. For any program."""

from slysock.extras import needs_extra

with needs_extra("slysock.telemetry", "metrics"):
    from slysock.telemetry import counts, durations

__all__ = ["counts", "durations"]
