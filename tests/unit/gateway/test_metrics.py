"""The metrics: what is counted stands in the text, under names and labels of the table, and nothing else does."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

from gateway.metrics import (
    BREAKERS,
    ERRORS,
    FLIGHTS,
    METRICS,
    OPERATIONS,
    PREFIX,
    UPSTREAM_BYTES,
    Metrics,
)


def samples(metrics: Metrics) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """Read the text as Prometheus would."""
    families = text_string_to_metric_families(metrics.exposition().decode())
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in families
        for sample in family.samples
    }


def test_counters_add_up_by_their_labels() -> None:
    """A counter has the suffix that Prometheus wants."""
    metrics = Metrics()
    metrics.count(ERRORS, "TIMEOUT")
    metrics.count(ERRORS, "TIMEOUT")
    metrics.count(ERRORS, "FORBIDDEN")
    metrics.count(UPSTREAM_BYTES, "SERVICE", by=512)
    assert samples(metrics) == {
        ("ges_gateway_errors_total", (("code", "TIMEOUT"),)): 2,
        ("ges_gateway_errors_total", (("code", "FORBIDDEN"),)): 1,
        ("ges_gateway_upstream_bytes_total", (("plane", "SERVICE"),)): 512,
    } | {key: value for key, value in samples(metrics).items() if key[0].startswith(PREFIX + "flights_joined")}


def test_times_fall_into_buckets_that_include_the_shorter_ones() -> None:
    """3 ms is in no bucket below 5 ms and in all above; the bound belongs to its bucket."""
    metrics = Metrics()
    for seconds in (0.003, 0.005, 120.0):
        metrics.time(OPERATIONS, "query", "ok", seconds=seconds)
    found = {
        dict(labels).get("le", name): value
        for (name, labels), value in samples(metrics).items()
        if name.startswith("ges_gateway_operation_seconds")
    }
    assert (found["0.0025"], found["0.005"], found["60.0"], found["+Inf"]) == (0, 2, 2, 3)
    assert found["ges_gateway_operation_seconds_count"] == 3
    assert found["ges_gateway_operation_seconds_sum"] == 120.008


def test_gauges_are_read_when_somebody_looks() -> None:
    """And give nothing while nobody said where to look."""
    metrics = Metrics()
    open_breakers: dict[tuple[str, ...], float] = {("MANAGEMENT", "OPEN"): 1.0}
    metrics.show(BREAKERS, lambda: open_breakers)
    metrics.show(FLIGHTS, lambda: {(): 3.0})
    open_breakers["MANAGEMENT", "OPEN"] = 2.0
    found = samples(metrics)
    assert found["ges_gateway_breakers", (("plane", "MANAGEMENT"), ("state", "OPEN"))] == 2
    assert found["ges_gateway_flights", ()] == 3


def test_every_metric_is_told_with_its_help_from_the_start() -> None:
    """A dashboard finds all names before anything has happened."""
    text = Metrics().exposition().decode()
    for metric in METRICS:
        suffix = "_total" if metric.kind == "counter" else ""
        assert f"# HELP {PREFIX}{metric.name}{suffix} {metric.help}\n" in text
        assert f"# TYPE {PREFIX}{metric.name}{suffix} {metric.kind}\n" in text


def test_names_follow_the_rules_of_prometheus() -> None:
    """Each name once; times are in seconds; no label can name a caller or a job."""
    assert len({metric.name for metric in METRICS}) == len(METRICS)
    assert {label for metric in METRICS for label in metric.labels} == {
        *("type", "outcome", "code", "plane", "tier", "state", "reason"),
    }
