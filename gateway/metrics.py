"""
The metrics: their names, and the counting. Labels have few values, and none of them names a job, a caller or a text.

Everything counts on the one loop of the process, so a count is a plain number; only writing them down is left to
prometheus-client, whose own counters take a lock for each step.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Literal, NamedTuple

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.metrics_core import Metric as Family

CONTENT_TYPE = CONTENT_TYPE_LATEST
PREFIX = "ges_gateway_"
Labels = tuple[str, ...]
Gauge = Callable[[], Mapping[Labels, float]]


class Metric(NamedTuple):
    """One metric: what it counts, and by what."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    help: str
    labels: Labels = ()


OPERATIONS = Metric(
    "operation_seconds", "histogram", "Operations answered, exports among them, and their time.", ("type", "outcome")
)
ERRORS = Metric("errors", "counter", "Errors told to clients, refusals included.", ("code",))
UPSTREAM = Metric("upstream_seconds", "histogram", "Calls to GES, and their time.", ("plane", "outcome"))
UPSTREAM_BYTES = Metric("upstream_bytes", "counter", "Bytes received from GES.", ("plane",))
TOKENS = Metric("account_tokens", "counter", "Tokens asked of IAM for the gateway's own account.", ("outcome",))
LOOKUPS = Metric("cache_lookups", "counter", "Looks into what is kept: finished answers or bodies.", ("tier", "state"))
CACHE_BYTES = Metric("cache_bytes", "gauge", "Bytes of what is kept.", ("tier",))
FLIGHTS = Metric("flights", "gauge", "Calls to GES under way that others may join.")
JOINED = Metric("flights_joined", "counter", "Reads that joined a call under way instead of making their own.")
GRANTS = Metric("grants", "gauge", "Proven rights remembered.")
BREAKERS = Metric("breakers", "gauge", "Addresses of GES by the state of their breaker.", ("plane", "state"))
POLLERS = Metric("pollers", "gauge", "Jobs and graphs being polled.")
SUBSCRIBERS = Metric("subscribers", "gauge", "Subscriptions and waiting queries that listen.")
UNDER_WAY = Metric("operations_under_way", "gauge", "Operations being executed.")
EXPORTS = Metric("exports", "gauge", "Whole results being sent.")
CONNECTIONS = Metric("connections", "gauge", "Connections of clients, WebSockets among them.")
ROWS_UNDER_WAY = Metric("rows_under_way", "gauge", "Rows that the operations being executed or sent have asked for.")
REFUSALS = Metric(
    "refusals", "counter", "What was refused, by the limit that was passed, or by another reason.", ("reason",)
)
LOOP_LAG = Metric("loop_lag_seconds", "histogram", "How late the event loop came back to a timer.")
METRICS = (
    *(OPERATIONS, ERRORS, UPSTREAM, UPSTREAM_BYTES, TOKENS, LOOKUPS, CACHE_BYTES, FLIGHTS, JOINED, GRANTS, BREAKERS),
    *(POLLERS, SUBSCRIBERS, UNDER_WAY, EXPORTS, ROWS_UNDER_WAY, CONNECTIONS, REFUSALS, LOOP_LAG),
)

# Seconds; from a finished answer to the longest wait that a client may ask for.
_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)


class _Spans:
    """How many spans of time fell into each bucket, and their sum."""

    def __init__(self) -> None:
        self.counts = [0] * (len(_BUCKETS) + 1)
        self.seconds = 0.0

    def add(self, seconds: float) -> None:
        self.counts[bisect_left(_BUCKETS, seconds)] += 1
        self.seconds += seconds

    def buckets(self) -> Iterator[tuple[str, float]]:
        """Give each upper bound, and how many spans were no longer."""
        total = 0
        for bound, count in zip((*map(str, _BUCKETS), "+Inf"), self.counts, strict=True):
            total += count
            yield bound, total


class Metrics:
    """What one process has counted. Gauges are read when somebody looks."""

    def __init__(self) -> None:
        self._counts: dict[Metric, defaultdict[Labels, float]] = defaultdict(lambda: defaultdict(float))
        self._spans: dict[Metric, defaultdict[Labels, _Spans]] = defaultdict(lambda: defaultdict(_Spans))
        self._gauges: dict[Metric, Gauge] = {}
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(self)

    def count(self, metric: Metric, *labels: str, by: float = 1) -> None:
        """Add to a counter."""
        self._counts[metric][labels] += by

    def time(self, metric: Metric, *labels: str, seconds: float) -> None:
        """Add a span of time to a histogram."""
        self._spans[metric][labels].add(seconds)

    def show(self, metric: Metric, gauge: Gauge) -> None:
        """Let a gauge, or a counter that somebody else keeps, be read from now on; each value under its labels."""
        self._gauges[metric] = gauge

    def exposition(self) -> bytes:
        """Return everything in Prometheus' text format, of type `CONTENT_TYPE`."""
        return generate_latest(self._registry)

    def collect(self) -> Iterable[Family]:
        """Give every metric as prometheus-client wants it, also those nothing was counted of yet."""
        for metric in METRICS:
            yield _FAMILIES[metric.kind](self, metric)

    def _counter(self, metric: Metric) -> Family:
        family = CounterMetricFamily(PREFIX + metric.name, metric.help, labels=metric.labels)
        for labels, value in (*self._counts[metric].items(), *self._read(metric)):
            family.add_metric(labels, value)
        return family

    def _histogram(self, metric: Metric) -> Family:
        family = HistogramMetricFamily(PREFIX + metric.name, metric.help, labels=metric.labels)
        for labels, spans in self._spans[metric].items():
            family.add_metric(labels, list(spans.buckets()), spans.seconds)
        return family

    def _gauge(self, metric: Metric) -> Family:
        family = GaugeMetricFamily(PREFIX + metric.name, metric.help, labels=metric.labels)
        for labels, value in self._read(metric):
            family.add_metric(labels, value)
        return family

    def _read(self, metric: Metric) -> Iterable[tuple[Labels, float]]:
        read = self._gauges.get(metric)
        return read().items() if read else ()


_FAMILIES: Mapping[str, Callable[[Metrics, Metric], Family]] = {
    "counter": Metrics._counter,
    "gauge": Metrics._gauge,
    "histogram": Metrics._histogram,
}
