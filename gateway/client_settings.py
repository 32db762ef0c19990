"""The settings of what clients may take up: connections, their time, and work under way. Knows nothing of GES."""

from __future__ import annotations

from pydantic import PositiveInt
from pydantic_settings import BaseSettings

from gateway.setting_types import Seconds, of


class ClientSettings(BaseSettings):
    """How much of the process clients may take up, each and all together."""

    max_connections: PositiveInt = of(
        20_000, "Connections of clients at once, WebSockets among them; one more is answered 503 and closed."
    )
    request_head_seconds: Seconds = of(
        10.0, "Longest time for the head of a request, from connecting or its first byte; then 408."
    )
    idle_connection_seconds: PositiveInt = of(
        75,
        "How long a connection stays open between two requests; balancers should close theirs sooner.",
    )
    client_stall_seconds: Seconds = of(
        30.0, "How long a client may take to read on (48 KiB of an answer) before its connection is cut."
    )

    max_operations: PositiveInt = of(
        1000, "Operations under way at once; one more is answered 503. Finished answers and streams do not count."
    )
    max_operations_per_caller: PositiveInt = of(
        500, "Of these, operations of one caller, or of all without a credential; one more is answered 429."
    )
    max_rows_under_way: PositiveInt = of(
        2_000_000, "Rows that the operations under way ask for; they count until the answer is sent."
    )
    max_rows_under_way_per_caller: PositiveInt = of(500_000, "Of these, rows of one caller.")
    max_unknown_documents: PositiveInt = of(
        50, "Documents a second that are not known here yet; in a moment ten times as many. One takes some 4 ms of CPU."
    )
    max_unknown_documents_per_caller: PositiveInt = of(
        10, "Of these, documents of one caller, or of all without a credential."
    )
