"""How large one document may be, and how much one operation may ask for. Counting the latter is `cost`'s part."""

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice

from graphql import DocumentNode, GraphQLSyntaxError, Lexer, Source, TokenKind, Undefined, parse

from schema.cost import Cost, cost_of
from schema.errors import LimitExceededError


@dataclass(frozen=True, slots=True)
class Limits:
    """
    How large a document may be, and how much one operation in it may ask for, in the units of `Cost`.

    Tokens do not include comments. Nodes are the entries of all lists of jobs and graphs, rows those of results.
    """

    max_characters: int = 20_000
    max_tokens: int = 1_000
    max_comments: int = 200
    max_depth: int = 12
    max_aliases: int = 30
    max_directives: int = 8
    max_root_fields: int = 12
    max_fields: int = 500
    max_nodes: int = 10_000
    max_rows: int = 100_000


def parse_document(text: str, limits: Limits) -> DocumentNode:
    """
    Parse a document that is not too large. Raises LimitExceededError, or GraphQLSyntaxError.

    Reading ends where a limit is passed, so for tokens and comments the error says only that one more was asked.
    """
    if len(text) > limits.max_characters:
        raise LimitExceededError("characters", limits.max_characters, len(text))
    try:
        return parse(text, max_lexical_tokens=limits.max_tokens, max_comments=limits.max_comments)
    except GraphQLSyntaxError as error:
        # The parser tells its limits from other errors by the message alone, so they are counted again.
        kinds = Counter(islice(_lexemes(text), limits.max_tokens + limits.max_comments + 1))
        comments = kinds[TokenKind.COMMENT]
        tokens = kinds.total() - comments - kinds[TokenKind.EOF]
        for limit, maximum, asked in (
            ("tokens", limits.max_tokens, tokens),
            ("comments", limits.max_comments, comments),
        ):
            if asked > maximum:
                raise LimitExceededError(limit, maximum, maximum + 1) from error
        raise


def check_operation(
    document: DocumentNode, operation_name: str | None, variables: Mapping[str, object] | None, limits: Limits
) -> Cost:
    """
    Return what a valid operation asks for; raise LimitExceededError when that is too much.

    Decided for each execution, because variables say how many rows are asked. Single pages that are too large, or
    cannot be meant, are for the resolvers to refuse.
    """
    cost = cost_of(document, operation_name, variables or {})
    for limit, maximum, asked in (
        ("depth", limits.max_depth, cost.depth),
        ("aliases", limits.max_aliases, cost.aliases),
        ("directives", limits.max_directives, cost.directives),
        ("rootFields", limits.max_root_fields, cost.root_fields),
        ("fields", limits.max_fields, cost.fields),
        ("nodes", limits.max_nodes, cost.nodes),
        ("rows", limits.max_rows, cost.rows),
    ):
        if asked > maximum:
            raise LimitExceededError(limit, maximum, asked)
    return cost


# Values that decide how much is asked for; of others, such as long lists of ids, nothing is kept.
_SMALL = (bool, int, float, type(None), type(Undefined))


class Allowed:
    """What each operation of one document was last allowed to ask for: the same again need not be counted again."""

    def __init__(self) -> None:
        self._values: dict[str | None, tuple[list[tuple[str, object]], int]] = {}

    def check(
        self, document: DocumentNode, operation_name: str | None, variables: Mapping[str, object], limits: Limits
    ) -> int:
        """Do as `check_operation`, for an operation that the document has; return how many rows it asks for."""
        known = self._values.get(operation_name)
        if known is not None and all(_is_same(variables.get(name, Undefined), value) for name, value in known[0]):
            return known[1]
        cost = check_operation(document, operation_name, variables, limits)
        # Null is not absent: what is absent is as its default says.
        decisive = [(name, variables.get(name, Undefined)) for name in cost.variables]
        if all(isinstance(value, _SMALL) for _, value in decisive):
            self._values[operation_name] = (decisive, cost.rows)
        return cost.rows


def _is_same(value: object, other: object) -> bool:
    # Truth equals one, but does not ask for one row.
    return value == other and type(value) is type(other)


def _lexemes(text: str) -> Iterator[TokenKind]:
    """Yield the kinds of tokens and comments up to the end, or to the first that is neither."""
    lexer = Lexer(Source(text))
    seen = lexer.token
    with suppress(GraphQLSyntaxError):
        while seen.kind is not TokenKind.EOF:
            last = lexer.advance()
            # The lexer steps over comments, but chains them between the tokens.
            while seen is not last:
                seen = seen.next or last
                yield seen.kind
