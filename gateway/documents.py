"""
Documents by their text: parsed and validated once, also those that are not valid. Bounded in number and in bytes.

Knows neither variables nor callers, so what is kept here is the same for everyone.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    GraphQLSyntaxError,
    NoSchemaIntrospectionCustomRule,
    specified_rules,
    validate,
)
from strawberry.schema.validation_rules.maybe_null import MaybeNullValidationRule
from strawberry.schema.validation_rules.one_of import OneOfInputValidationRule

from schema.errors import LimitExceededError
from schema.limits import Allowed, Limits, parse_document
from schema.plans import Plans

_RULES = (*specified_rules, MaybeNullValidationRule, OneOfInputValidationRule)
_MOST_ERRORS = 20
_LONGEST_TEXT = 500
# What is kept, in bytes: for each token of a parsed document (measured, and rounded up), each character, each error.
_TOKEN, _CHARACTER, _ERROR = 600, 4, 1_000


@dataclass(frozen=True, slots=True)
class Document:
    """
    A parsed document, and what keeps it from being executed: entries for `errors`, ready but for the request id.

    One that is valid has its plans.
    """

    tree: DocumentNode | None
    errors: tuple[Mapping[str, Any], ...] = ()
    plans: Plans | None = None
    allowed: Allowed = field(default_factory=Allowed)


class Documents:
    """Reads documents for one schema and keeps the recent ones."""

    def __init__(
        self,
        schema: GraphQLSchema,
        limits: Limits,
        *,
        introspection: bool = True,
        max_count: int = 1_000,
        max_bytes: int = 64 * 1024 * 1024,
    ) -> None:
        self._schema = schema
        self._limits = limits
        self._rules = _RULES if introspection else (*_RULES, NoSchemaIntrospectionCustomRule)
        # Names that are suggested are the schema, read one mistake at a time.
        self._hide_suggestions = not introspection
        self._max_count = max_count
        self._max_bytes = max_bytes
        self._bytes = 0
        self._known: OrderedDict[str, Document] = OrderedDict()

    def get(self, text: str) -> Document:
        """Return the document with this text, valid or not."""
        document = self._known.get(text)
        if document is not None:
            self._known.move_to_end(text)
            return document
        document = self._read(text)
        # A text beyond the limit costs nothing to refuse again.
        if len(text) <= self._limits.max_characters:
            self._keep(text, document)
        return document

    def _keep(self, text: str, document: Document) -> None:
        self._known[text] = document
        self._bytes += _size(text, document)
        while len(self._known) > self._max_count or self._bytes > self._max_bytes:
            self._bytes -= _size(*self._known.popitem(last=False))

    def _read(self, text: str) -> Document:
        try:
            tree = parse_document(text, self._limits)
        except LimitExceededError as error:
            return Document(None, ({"message": error.message, "extensions": error.extensions},))
        except GraphQLSyntaxError as error:
            return Document(None, (_entry(error, "GRAPHQL_PARSE_FAILED"),))
        errors = validate(
            self._schema, tree, self._rules, max_errors=_MOST_ERRORS, hide_suggestions=self._hide_suggestions
        )
        if errors:
            return Document(tree, tuple(_entry(error, "GRAPHQL_VALIDATION_FAILED") for error in errors))
        return Document(tree, plans=Plans(tree))


def _entry(error: GraphQLError, code: str) -> Mapping[str, Any]:
    # Formatted now: the error itself holds on to the whole document. Some repeat a value, indented level by level.
    entry = error.formatted
    text = entry["message"]
    short = text if len(text) <= _LONGEST_TEXT else text[:_LONGEST_TEXT] + "…"
    return {**entry, "message": short, "extensions": {"code": code}}


def _size(text: str, document: Document) -> int:
    return len(text) * _CHARACTER + len(document.errors) * _ERROR + _count_tokens(document.tree) * _TOKEN


def _count_tokens(tree: DocumentNode | None) -> int:
    token, count = tree.loc.start_token if tree and tree.loc else None, 0
    while token:
        token, count = token.next, count + 1
    return count
