"""Traces: a span for each operation and each call to GES, in the client's trace, and nothing of what was asked."""

import json
import sys

import httpx
import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode, Tracer

from gateway.__main__ import main
from gateway.app import create_app
from gateway.demo.graphs import PROJECT_ID
from gateway.demo.simulator import create_sandbox
from gateway.settings import Settings
from gateway.tracing import Traces, open_tracer

pytestmark = pytest.mark.anyio

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
PARENT = f"00-{TRACE}-{SPAN}-01"
TOKEN = "sandbox-token-all"
JOB = "5e9c0705-41d8-4b6a-93f0-27ac1d0e0005007740215"
FIND = 'query FindIt { findJob(graph: { name: "supply_chain" }, jobId: "%s") { status } }'


class Collected:
    """What was traced."""

    def __init__(self) -> None:
        self._exporter = InMemorySpanExporter()
        provider = TracerProvider()
        provider.add_span_processor(SimpleSpanProcessor(self._exporter))
        self.tracer: Tracer = provider.get_tracer("test")

    @property
    def spans(self) -> dict[str, ReadableSpan]:
        return {span.name: span for span in self._exporter.get_finished_spans()}


class Upstream(httpx.AsyncBaseTransport):
    """The sandbox, and the trace context that came with each call."""

    def __init__(self) -> None:
        self._sandbox = httpx.ASGITransport(create_sandbox())
        self.parents: list[str | None] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.parents.append(request.headers.get("traceparent"))
        return await self._sandbox.handle_async_request(request)


async def ask(upstream: Upstream, tracer: Tracer | None, document: str, **headers: str) -> httpx.Response:
    """Ask a gateway of its own in front of the sandbox."""
    settings = Settings(management_url="http://ges.example", project_id=PROJECT_ID)
    app = create_app(settings, transport=upstream, tracer=tracer)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://gateway") as client:
        answer = await client.post("/graphql", json={"query": document}, headers={"X-Auth-Token": TOKEN, **headers})
    await app.state.runtime.close()
    return answer


async def test_an_operation_and_its_calls_are_spans_of_the_clients_trace() -> None:
    """The operation within the client's span, the calls within the operation, and GES is told of the same trace."""
    upstream, collected = Upstream(), Collected()
    await ask(upstream, collected.tracer, FIND % JOB, traceparent=PARENT)
    operation = collected.spans["graphql query"]
    assert operation.kind is SpanKind.SERVER
    assert operation.parent is not None
    assert f"{operation.parent.trace_id:032x}-{operation.parent.span_id:016x}" == f"{TRACE}-{SPAN}"
    assert operation.attributes == {"graphql.operation.type": "query", "graphql.operation.name": "FindIt"}
    for plane in ("management", "service"):
        call = collected.spans[f"GES {plane} plane"]
        assert call.kind is SpanKind.CLIENT
        assert call.parent == operation.get_span_context()
    span = operation.get_span_context()
    assert span is not None
    assert set(upstream.parents) == {f"00-{TRACE}-{span.span_id:016x}-01"}


async def test_what_went_wrong_is_told_by_code_and_class() -> None:
    """Never by a text, which may repeat what was asked."""
    collected = Collected()
    await ask(Upstream(), collected.tracer, FIND % "no-such-job")
    operation = collected.spans["graphql query"]
    assert operation.status.status_code is StatusCode.ERROR
    assert (operation.attributes or {})["error.type"] == "NOT_FOUND"
    trace = Traces(collected.tracer).begin({})
    with pytest.raises(ValueError, match="secret"), trace.call("SERVICE"):
        raise ValueError("secret")
    assert (collected.spans["GES service plane"].attributes or {})["error.type"] == "ValueError"


async def test_no_span_holds_an_id_a_document_or_a_credential() -> None:
    """Whoever reads traces is not who may read jobs."""
    collected = Collected()
    await ask(Upstream(), collected.tracer, FIND % JOB)
    told = json.dumps([json.loads(span.to_json()) for span in collected.spans.values()])
    for secret in (TOKEN, JOB, "supply_chain", "findJob", PROJECT_ID):
        assert secret not in told


async def test_a_request_that_names_no_operation_has_a_span_all_the_same() -> None:
    """It was answered, and took its time."""
    collected = Collected()
    await ask(Upstream(), collected.tracer, "{ nonsense")
    assert list(collected.spans) == ["graphql"]


@pytest.mark.parametrize(
    ("given", "passed_on"),
    [
        ({"traceparent": PARENT}, {"traceparent": PARENT}),
        ({"traceparent": PARENT, "tracestate": "a=b"}, {"traceparent": PARENT, "tracestate": "a=b"}),
        ({"traceparent": PARENT, "tracestate": "ä"}, {"traceparent": PARENT}),
        ({"traceparent": "00-xyz"}, {}),
        ({"tracestate": "a=b"}, {}),
        ({}, {}),
    ],
)
def test_without_a_tracer_the_context_goes_on_as_it_came(given: dict[str, str], passed_on: dict[str, str]) -> None:
    """What is malformed stays here."""
    trace = Traces().begin(given)
    with trace.call("SERVICE"):
        pass
    trace.tell("query", None, ())
    trace.end()
    assert trace.headers == passed_on


@pytest.mark.parametrize(("said", "name"), [("", "ges-gateway"), ("edge", "edge")])
def test_a_tracer_sends_under_our_name(monkeypatch: pytest.MonkeyPatch, said: str, name: str) -> None:
    """Unless the variables of OpenTelemetry give another."""
    monkeypatch.setenv("OTEL_SERVICE_NAME", said)
    span = open_tracer().start_span("x")
    assert isinstance(span, ReadableSpan)
    assert span.resource.attributes["service.name"] == name


def test_tracing_without_its_extra_stops_the_start(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A setting that cannot be kept is no setting."""
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)
    environ = {"GES_GATEWAY_TRACING": "on", "GES_GATEWAY_MANAGEMENT_URL": "http://ges.example"}
    assert main(["serve"], environ) == 2
    assert "GES_GATEWAY_TRACING" in capsys.readouterr().err
