"""
Plans: what executing an operation comes down to, found out once and followed for every request that asks the same.

A plan knows the good outcome only. For anything else — an error, a null where none may be, a value of another kind —
it gives up, and graphql-core's own execution, which is the definition of right, says what it means.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from operator import attrgetter
from typing import Any, get_args, get_origin

from graphql import (
    FieldNode,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLResolveInfo,
    VariableValues,
    get_named_type,
    is_leaf_type,
)
from graphql.execution.collect_fields import FieldDetailsList, collect_fields
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.types import Info, get_object_definition
from strawberry.types.field import StrawberryField
from strawberry.types.fields.resolver import StrawberryResolver

from schema import steps
from schema.algorithm_result import EdgeList, EdgeStream, ResultRowEdge
from schema.arguments import bind
from schema.context import Context
from schema.execution import RowExecutor, Written, opened
from schema.lookahead import SeenNodes
from schema.projection import Projection, projection
from schema.rows import ROW_TYPES, ResultRow, RowList, RowStream
from schema.steps import Gather, Run, Step, UnplannedError

_DEFINITION = GraphQLCoreConverter.DEFINITION_BACKREF
_ROWS = frozenset(get_object_definition(row, strict=True).name for row in (ResultRow, ResultRowEdge, *ROW_TYPES))
# A plan is kept, and a small document may have many fields by its fragments.
_MOST_FIELDS = 500
# Resolved a second time, it would be waited for a second time.
_ONCE_ONLY = frozenset({"waitSeconds"})


class Plan:
    """One operation, ready to be executed. Belongs to the variables that are given and to the values of conditions."""

    def __init__(self, executor: RowExecutor) -> None:
        operation = executor.operation
        root = executor.schema.get_root_type(operation.operation)
        if root is None:
            raise UnplannedError("nothing to execute")
        fields = collect_fields(executor.schema, executor.fragments, executor.variable_values, root, operation)
        planner = _Planner(executor)
        self._root = planner.object(root, fields.grouped_field_set)
        # What it weighs.
        self.fields = planner.fields

    async def execute(self, context: Context, variables: Mapping[str, Any], gather: Gather) -> dict[str, Any]:
        """Return the data of the result, given the coerced variables. Raises whatever keeps it from being good."""
        given = self._root.take(None, Run(context, variables, gather))
        data: dict[str, Any] = await given if self._root.is_async else given
        if context.problems:
            raise UnplannedError("something is told beside the data")
        return data


def make_plan(executor: RowExecutor, conditions: Sequence[str]) -> Plan:
    """
    Make the plan of an operation for the variables it is executed with, of which `conditions` decide what is selected.

    Raises UnplannedError for operations that no plan is made for.
    """
    plan = Plan(executor)
    # The plan may live long: of the request it was made for it keeps what it depends on, and nothing else.
    coerced = executor.variable_values.coerced
    executor.variable_values = VariableValues({}, {name: coerced[name] for name in conditions if name in coerced})
    return plan


class _Planner:
    """Makes the steps of one operation. What is selected where, graphql-core's executor tells."""

    def __init__(self, executor: RowExecutor) -> None:
        self._executor = executor
        self._schema = executor.schema
        self.fields = 0

    def object(self, parent: GraphQLObjectType, fields: Mapping[str, FieldDetailsList]) -> Step:
        """Return the step from an object of ours to its selected members."""
        return steps.members({key: self._field(parent, details) for key, details in fields.items()})

    def _field(self, parent: GraphQLObjectType, details: FieldDetailsList) -> Step:
        self.fields += 1
        if self.fields > _MOST_FIELDS:
            raise UnplannedError("more fields than are worth keeping")
        name = details[0].node.name.value
        if name == "__typename":
            return Step(lambda _, __: parent.name)
        field = parent.fields.get(name)
        if field is None:
            raise UnplannedError("the schema itself is asked for")
        ours: StrawberryField = field.extensions[_DEFINITION]
        if ours.extensions:
            # Permissions are such.
            raise UnplannedError("a field with extensions")
        value = self._completed(field.type, details)
        if ours.base_resolver is None:
            return steps.joined(attrgetter(ours.python_name), value)
        return self._resolved(parent, field, ours, details, value)

    def _resolved(
        self,
        parent: GraphQLObjectType,
        field: GraphQLField,
        ours: StrawberryField,
        details: FieldDetailsList,
        value: Step,
    ) -> Step:
        resolver = ours.base_resolver
        nodes = [detail.node for detail in details]
        if resolver is None or not resolver.self_parameter or _gives_awaitables(resolver):
            raise UnplannedError("a resolver that is more than a method")
        if any(argument.name.value in _ONCE_ONLY for argument in nodes[0].arguments or ()):
            raise UnplannedError("an argument that works once only")
        bound = bind(self._executor, field, ours, nodes[0])
        function: Callable[..., Any] = resolver.wrapped_func  # type: ignore[assignment]
        if resolver.info_parameter is None:
            call = steps.calling(function, bound)
        else:
            call = steps.calling_informed(function, bound, self._informer(parent, field, ours, nodes))
        return steps.awaited(call, value) if ours.is_async else steps.following(call, value)

    def _informer(
        self, parent: GraphQLObjectType, field: GraphQLField, ours: StrawberryField, nodes: list[FieldNode]
    ) -> Callable[[Run], Info]:
        """Return what makes the `info` of a resolver; as a plan never tells of an error, it has no path."""
        executor, kept = self._executor, SeenNodes(nodes)
        name, operation, fragments = nodes[0].name.value, executor.operation, executor.fragment_definitions

        def inform(run: Run) -> Info:
            raw = GraphQLResolveInfo(
                name,
                kept,
                field.type,
                parent,
                None,  # type: ignore[arg-type]
                self._schema,
                fragments,
                None,
                operation,
                run.variables,  # type: ignore[arg-type]
                run.context,
                executor.is_awaitable,
                None,
                executor.async_helpers,
            )
            return Info(raw, ours)

        return inform

    def _completed(self, type_: GraphQLOutputType, details: FieldDetailsList) -> Step:
        if isinstance(type_, GraphQLNonNull):
            return steps.required(self._present(type_.of_type, details))
        return steps.optional(self._present(type_, details))

    def _present(self, type_: GraphQLOutputType, details: FieldDetailsList) -> Step:
        if isinstance(type_, GraphQLList):
            if get_named_type(type_).name in _ROWS:
                return self._rows(type_, details)
            return steps.listed(self._completed(type_.of_type, details))
        if is_leaf_type(type_):
            return Step(steps.writing(type_))
        if isinstance(type_, GraphQLInterfaceType):
            return steps.by_type({of.name: self._below(of, details) for of in self._schema.get_possible_types(type_)})
        if isinstance(type_, GraphQLObjectType):
            return self._below(type_, details)
        raise UnplannedError("a type of a kind that this contract does not have")

    def _below(self, type_: GraphQLObjectType, details: FieldDetailsList) -> Step:
        return self.object(type_, self._executor.collect_subfields(type_, details).grouped_field_set)

    def _rows(self, type_: GraphQLList[Any], details: FieldDetailsList) -> Step:
        asked = projection(
            get_named_type(type_), details, self._executor.collect_subfields, self._schema.get_type, cursor_prefix=""
        )

        async def take(value: Any, run: Run) -> Any:
            is_edges = isinstance(value, EdgeList | EdgeStream)
            rows = value.rows if is_edges else value
            prefixed = Projection(asked.template, value.cursors.prefix) if is_edges else asked
            if isinstance(rows, RowList):
                return Written(rows, prefixed)
            if isinstance(rows, RowStream):
                if run.context.problems:
                    # Execution is going to open it, and what is opened twice is read twice.
                    raise UnplannedError("something is told beside the data")
                return await opened(rows, prefixed)
            if rows:
                raise UnplannedError("rows that cannot be written at once")
            return []

        return Step(take, is_async=True)


def _gives_awaitables(resolver: StrawberryResolver[Any]) -> bool:
    annotation = resolver.signature.return_annotation
    return any(get_origin(of) is Awaitable for of in (annotation, *get_args(annotation)))
