"""Errors of an executed operation as clients see them: ours as they are, client's mistakes named, defects masked."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from graphql import GraphQLError

from schema.errors import GatewayError

INTERNAL = "INTERNAL_SERVER_ERROR"
INTERNAL_TEXT = "The gateway failed. Its log tells more under the request id."


def present(errors: Iterable[GraphQLError], request_id: str) -> tuple[list[dict[str, Any]], list[Exception]]:
    """Return the entries of `errors`, and the unexpected exceptions behind those that were masked."""
    entries: list[dict[str, Any]] = []
    defects: list[Exception] = []
    for error in errors:
        message, extensions = error.message, {"code": "BAD_USER_INPUT"}
        original = error.original_error
        if isinstance(original, GatewayError):
            message, extensions = original.message, original.extensions
        elif not _is_mistake(error):
            message, extensions = INTERNAL_TEXT, {"code": INTERNAL}
            defects.append(original or error)
        entry = {"message": message, **_place(error), "extensions": {**extensions, "requestId": request_id}}
        entries.append(entry)
    return entries, defects


def let_go(errors: Iterable[GraphQLError]) -> None:
    """
    Take from errors, once they are told, the frames they passed and the errors behind them.

    Those hold what was read, pages included, and the execution, which holds the errors: all of it would stay until a
    garbage collection happened to look.
    """
    for error in errors:
        for told in (error, error.original_error):
            if told is not None:
                told.__traceback__ = told.__cause__ = told.__context__ = None


def _is_mistake(error: GraphQLError) -> bool:
    """Tell whether the client's input is at fault, as GraphQL execution found."""
    if error.path is None:
        return True  # Before any field was resolved: the operation or its variables.
    original = error.original_error
    # Execution names the argument at fault. A scalar that cannot write our value names nothing: that is a defect.
    return isinstance(original, GraphQLError) and bool(original.nodes)


def _place(error: GraphQLError) -> dict[str, Any]:
    formatted = error.formatted
    return {member: formatted[member] for member in ("locations", "path") if member in formatted}
