"""Checking what was asked before any of it is executed: the document, the operation named, what it may ask for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    Node,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    get_operation_ast,
)

from gateway.documents import Documents
from gateway.http.operation import Operation
from gateway.http.persisted import PersistedDocuments
from gateway.http.request import GraphQLRequest
from schema.errors import GatewayError, LimitExceededError
from schema.limits import Limits

# Fields that tell of the reading itself, or of this moment: another value for the next client to ask the same.
_PASSING = frozenset({"source", "gateway"})
_NO_OPERATION = "`operationName` must name an operation of the document; only a single one needs no name."


@dataclass(frozen=True, slots=True)
class Checked:
    """What was asked: `operation` is ready to be executed, or `refusals` say why there is none."""

    node: OperationDefinitionNode | None
    operation: Operation | None = None
    refusals: tuple[Mapping[str, Any], ...] = ()

    @property
    def is_subscription(self) -> bool:
        """Whether its results come one after the other."""
        return self.node is not None and self.node.operation is OperationType.SUBSCRIPTION


class Checks:
    """Checks requests against one schema and its limits."""

    def __init__(self, documents: Documents, limits: Limits, persisted: PersistedDocuments | None = None) -> None:
        self._documents = documents
        self._limits = limits
        self._persisted = persisted or PersistedDocuments()

    async def check(self, asked: GraphQLRequest, caller: str | None = None) -> Checked:
        """Return what was asked, executable or refused; refusals are entries for `errors` but for the request id."""
        try:
            found = await self._persisted.find(asked)
            document = self._documents.get(found.text, caller)
        except GatewayError as error:
            return Checked(None, refusals=(_entry(error),))
        node = None if document.tree is None else get_operation_ast(document.tree, asked.operation_name)
        if document.tree is None or document.errors:
            return Checked(node, refusals=tuple(document.errors))
        await self._persisted.keep(found)
        if node is None:
            refusal = {"message": _NO_OPERATION, "extensions": {"code": "BAD_USER_INPUT"}}
            return Checked(None, refusals=(refusal,))
        try:
            rows = document.allowed.check(document.tree, asked.operation_name, asked.variables or {}, self._limits)
        except LimitExceededError as error:
            return Checked(node, refusals=(_entry(error),))
        operation = Operation(
            document.tree, asked.operation_name, asked.variables, asked.extensions, node, document.plans, rows
        )
        return Checked(node, operation)


def _entry(error: GatewayError) -> Mapping[str, Any]:
    return {"message": error.message, "extensions": error.extensions}


def tells_of_the_moment(tree: DocumentNode) -> bool:
    """Return whether anything in the document would be answered otherwise a moment later, whatever GES says."""
    pending: list[Node] = list(tree.definitions)
    while pending:
        node = pending.pop()
        if isinstance(node, FieldNode) and node.name.value in _PASSING:
            return True
        below: SelectionSetNode | None = getattr(node, "selection_set", None)
        pending += below.selections if below else ()
    return False
