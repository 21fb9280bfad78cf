"""Metrics and an access log of what a server does. For any program; the server knows nothing of them.

    from prometheus_client import make_asgi_app

    from slysock import Router, Server, Socket
    from slysock.telemetry import AccessLog, Metrics

    root = Router("/")

    @root.on("hello")
    def hello(socket: Socket, name: str) -> str:
        socket.data["user"] = name
        return f"Hello {name}"

    metrics = Metrics()
    server = Server(root, app=make_asgi_app(metrics.registry))
    server.observe(metrics)
    metrics.add_gauges(server.statistics)
    server.observe(AccessLog(lambda socket: socket.data.get("user")))

Here the ASGI application, which answers all requests that are not Socket.IO's, is Prometheus's own. A route in another
application answers with `metrics.render()` as `CONTENT_TYPE`. What a program counts itself goes into
`metrics.registry`. The access log goes to the logger `slysock.access`, with the fields of each line in the record's
`fields`.
"""

from slysock.extras import needs_extra

with needs_extra("slysock.telemetry", "metrics"):
    from slysock.telemetry.access_log import AccessLog
    from slysock.telemetry.counters import Counter, CounterFamily
    from slysock.telemetry.error_kind import error_kind
    from slysock.telemetry.gauges import Gauge
    from slysock.telemetry.histograms import Histogram, HistogramFamily
    from slysock.telemetry.metrics import CONTENT_TYPE, Metrics

__all__ = [
    "CONTENT_TYPE",
    "AccessLog",
    "Counter",
    "CounterFamily",
    "Gauge",
    "Histogram",
    "HistogramFamily",
    "Metrics",
    "error_kind",
]
