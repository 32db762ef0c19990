"""
Traces: a span for each operation and for each call to GES it causes, in the trace of whoever asked.

Says how things went and never what was asked: no id, no document, no variable, no credential is an attribute. Without a
tracer the trace context of a request goes on to GES as it came, at no cost.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext

from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, Tracer, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from gateway import VERSION

_PARENT = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
_STATE = re.compile(r"[\x20-\x7e]{1,512}")
_W3C = TraceContextTextMapPropagator()


_UNOBSERVED = nullcontext()


class Trace:
    """The trace of one operation. `headers` go upstream with its calls; `end` it once, when nothing more is read."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        self.headers = headers

    def call(self, plane: str) -> AbstractContextManager[None]:
        """Trace what is done inside as one call to a plane."""
        return _UNOBSERVED

    def tell(self, kind: str | None, name: str | None, codes: Collection[str]) -> None:
        """Tell how the operation went: its type and name, and the codes of its errors."""

    def end(self) -> None:
        """End it."""


UNTRACED = Trace({})


class _Spans(Trace):
    """A trace that somebody collects."""

    def __init__(self, tracer: Tracer, given: Mapping[str, str]) -> None:
        self._tracer = tracer
        self._span = tracer.start_span("graphql", _W3C.extract(given), kind=SpanKind.SERVER)
        self._context: Context = set_span_in_context(self._span)
        headers: dict[str, str] = {}
        _W3C.inject(headers, self._context)
        super().__init__(headers)

    @contextmanager
    def call(self, plane: str) -> Iterator[None]:
        """Trace what is done inside as a span of its own."""
        span = self._tracer.start_span(f"GES {plane.lower()} plane", self._context, kind=SpanKind.CLIENT)
        span.set_attribute("ges.plane", plane)
        try:
            yield
        except BaseException as error:
            _fail(span, type(error).__name__)
            raise
        finally:
            span.end()

    def tell(self, kind: str | None, name: str | None, codes: Collection[str]) -> None:
        """Put it into the span of the operation."""
        if kind is not None:
            self._span.update_name(f"graphql {kind}")
            self._span.set_attribute("graphql.operation.type", kind)
        if name is not None:
            self._span.set_attribute("graphql.operation.name", name)
        if codes:
            _fail(self._span, ",".join(sorted(codes)))

    def end(self) -> None:
        """End the span of the operation."""
        self._span.end()


class Traces:
    """Begins the traces of operations; without a tracer nobody collects them."""

    def __init__(self, tracer: Tracer | None = None) -> None:
        self._tracer = tracer

    def begin(self, headers: Mapping[str, str]) -> Trace:
        """Begin the trace of an operation, within the one that the headers of its request name, if they name one."""
        given = _trace_context(headers)
        return Trace(given) if self._tracer is None else _Spans(self._tracer, given)


def open_tracer() -> Tracer:
    """
    Return a tracer that sends its spans by OTLP over HTTP, whereto the variables of OpenTelemetry say.

    Raises ImportError without the extra `otlp`.
    """
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import OTELResourceDetector, Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    # A name that the variables give wins.
    provider = TracerProvider(resource=Resource({"service.name": "ges-gateway"}).merge(OTELResourceDetector().detect()))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return provider.get_tracer("ges_gateway", VERSION)


def _trace_context(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the W3C trace context of a request; nothing when it is malformed."""
    parent = headers.get("traceparent", "")
    if not _PARENT.fullmatch(parent):
        return {}
    state = headers.get("tracestate", "")
    return {"traceparent": parent, **({"tracestate": state} if _STATE.fullmatch(state) else {})}


def _fail(span: Span, kind: str) -> None:
    # A class or a code: the text of an error may repeat what was asked.
    span.set_attribute("error.type", kind)
    span.set_status(Status(StatusCode.ERROR))
