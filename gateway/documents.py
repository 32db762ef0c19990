"""
Documents by their text: parsed and validated once, also those that are not valid. Bounded in number and in bytes.

Knows no variables, and of callers only how often they bring something new: what is kept is the same for everyone.
"""

from __future__ import annotations

import math
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

from gateway.rates import SAVED_SECONDS, Rates
from schema.errors import LimitExceededError, TooOftenError
from schema.limits import Allowed, Limits, parse_document
from schema.plans import Plans

_RULES = (*specified_rules, MaybeNullValidationRule, OneOfInputValidationRule)
_MOST_ERRORS = 20
_LONGEST_TEXT = 500
# What is kept, in bytes: for each token of a parsed document (measured, and rounded up), each character, each error,
# each field of a plan.
_TOKEN, _CHARACTER, _ERROR, _FIELD = 600, 4, 1_000, 3_500
# This part of the room is for documents that were asked for once, and for those that are not valid.
_NEWCOMERS = 4


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
    """
    Reads documents for one schema and keeps the recent ones.

    Those that are valid and were asked for again have most of the room to themselves: a flood of others, valid or
    not, washes away but others of its kind.
    """

    def __init__(
        self,
        schema: GraphQLSchema,
        limits: Limits,
        *,
        introspection: bool = True,
        rates: Rates | None = None,
        max_count: int = 1_000,
        max_bytes: int = 64 * 1024 * 1024,
    ) -> None:
        self._schema = schema
        self._limits = limits
        self._rules = _RULES if introspection else (*_RULES, NoSchemaIntrospectionCustomRule)
        # Names that are suggested are the schema, read one mistake at a time.
        self._hide_suggestions = not introspection
        self._rates = rates
        self._newcomers = _Shelf(max_count // _NEWCOMERS, max_bytes // _NEWCOMERS)
        self._proven = _Shelf(max_count - max_count // _NEWCOMERS, max_bytes - max_bytes // _NEWCOMERS)

    @property
    def held_bytes(self) -> int:
        """The bytes of what is kept."""
        return self._newcomers.held_bytes + self._proven.held_bytes

    def get(self, text: str, caller: str | None = None) -> Document:
        """Return the document with this text, valid or not. Raises TooOftenError when a caller brings too many."""
        document = self._proven.get(text)
        if document is not None:
            return document
        document = self._newcomers.get(text)
        if document is None:
            return self._welcome(text, caller)
        if not document.errors:
            self._newcomers.drop(text)
            self._proven.put(text, document)
        return document

    def _welcome(self, text: str, caller: str | None) -> Document:
        # A text beyond the limit costs nothing to refuse, now and again.
        if len(text) > self._limits.max_characters:
            return self._read(text)
        if self._rates is not None and (seconds := self._rates.take(caller)):
            most, wait = self._rates.per_caller * SAVED_SECONDS, math.ceil(seconds)
            raise TooOftenError("unknownDocuments", most, per_second=self._rates.per_caller, retry_after_seconds=wait)
        document = self._read(text)
        self._newcomers.put(text, document)
        return document

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


@dataclass(slots=True)
class _Kept:
    """A document and what it weighs, with as many fields of its plans as were counted in."""

    document: Document
    bytes: int = 0
    fields: int = 0


class _Shelf:
    """Room for documents, so many and so many bytes of them; the one not asked for longest leaves first."""

    def __init__(self, max_count: int, max_bytes: int) -> None:
        self.held_bytes = 0
        self._max_count = max_count
        self._max_bytes = max_bytes
        self._kept: OrderedDict[str, _Kept] = OrderedDict()

    def get(self, text: str) -> Document | None:
        kept = self._kept.get(text)
        if kept is None:
            return None
        self._kept.move_to_end(text)
        plans = kept.document.plans
        if plans is not None and plans.fields != kept.fields:
            self._grow(kept, (plans.fields - kept.fields) * _FIELD)
            kept.fields = plans.fields
        return kept.document

    def put(self, text: str, document: Document) -> None:
        kept = self._kept[text] = _Kept(document)
        self._grow(kept, _size(text, document))

    def drop(self, text: str) -> None:
        # Its plans may have become too heavy for this shelf, and it has left already.
        if (kept := self._kept.pop(text, None)) is not None:
            self.held_bytes -= kept.bytes

    def _grow(self, kept: _Kept, weight: int) -> None:
        kept.bytes += weight
        self.held_bytes += weight
        while len(self._kept) > self._max_count or self.held_bytes > self._max_bytes:
            self.held_bytes -= self._kept.popitem(last=False)[1].bytes


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
