"""
Answers that are there already, given by the connection itself: what they answer never becomes a request.

Most clients send head and body together. Then all of a request is there in one look at the socket, and an answer that
needs nothing but bytes can be written in the same one: no task, no messages, no turn of the event loop.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast

from starlette.types import Scope
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from gateway.telemetry import Event, describe_exception, log

Header = tuple[bytes, bytes]
Found = tuple[bytes, bytes]


@dataclass(frozen=True, slots=True)
class Ready:
    """
    What is there already for POSTs to `target`.

    `find` is given the scope of a request, of which path and query are left out, and the whole body. It returns the
    headers of the answer as lines, the length of its content among them, and that content; None lets the request go
    its way, with whatever was noted in the scope's state.
    """

    target: bytes
    find: Callable[[Scope, bytes], Found | None]


# No request has an empty target.
NOTHING = Ready(b"", lambda scope, body: None)


def lines_of(headers: Sequence[Header]) -> bytes:
    """Return headers as they are written in HTTP/1.1."""
    return b"".join([b"%b: %b\r\n" % header for header in headers])


class ReadyConnection(HttpToolsProtocol):
    """uvicorn's, which asks `ready` first whenever nothing else is under way that has to be answered before."""

    ready = NOTHING

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        # The body of a request that is to be looked up, as far as it is there.
        self._held: list[bytes] | None = None
        # What every answer begins with: the server's own headers, and how they are written.
        self._own: list[Header] = []
        self._head = b""

    def data_received(self, data: bytes) -> None:
        """Take what the client sends. A body that has not come with its head is waited for by the application."""
        super().data_received(data)
        if self._held is not None and not self.transport.is_closing():
            self._let_go()

    def on_message_begin(self) -> None:
        """Begin a request. When it came together with one that was answered, the pause between the two is over."""
        self._unset_keepalive_if_required()
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Begin to answer, or wait for the body."""
        # Trailers come by the same way, and nobody who looked at the head has seen them.
        self.headers = self.headers.copy()
        if self._may_be_ready():
            self._held = []
        else:
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Take a piece of the body."""
        if self._held is None:
            super().on_body(body)
        else:
            self._held.append(body)

    def on_message_complete(self) -> None:
        """Answer what is whole, if the answer is there."""
        if self._held is not None:
            found = self._find(b"".join(self._held))
            if found is not None:
                return self._give(found)
            self._let_go()
        return super().on_message_complete()

    def _may_be_ready(self) -> bool:
        return (
            self.url == self.ready.target
            and self.parser.get_method() == b"POST"
            and (self.cycle is None or self.cycle.response_complete)
            and not self.expect_100_continue
            and not self.parser.should_upgrade()
            and self.parser.get_http_version() == "1.1"
            and self.parser.should_keep_alive()
            # Who does not take what he asked for gets no more of it.
            and not self.flow.write_paused
            and not self.transport.is_closing()
        )

    def _find(self, body: bytes) -> Found | None:
        try:
            return self.ready.find(cast(Scope, self.scope), body)
        except Exception as error:
            # To the parser, which calls this, it would be the client's mistake.
            log.error(Event.UNEXPECTED, request_id="", count=1, **describe_exception(error))
            return None

    def _let_go(self) -> None:
        """Let a request go its way, as if it had never been held."""
        held, self._held = self._held or [], None
        super().on_headers_complete()
        for piece in held:
            super().on_body(piece)

    def _give(self, found: Found) -> None:
        lines, content = found
        self._held = None
        if self._own is not self.server_state.default_headers:
            # Another list each second: the date is in it.
            self._own = self.server_state.default_headers
            self._head = STATUS_LINE[200] + lines_of(self._own)
        self.transport.writelines((self._head, lines, b"\r\n", content))
        self.server_state.total_requests += 1
        self.timeout_keep_alive_task = self.loop.call_later(self.timeout_keep_alive, self.timeout_keep_alive_handler)
