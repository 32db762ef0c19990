"""Projections: what a selection makes of each type of row, as GraphQL execution collects it."""

import pytest
import strawberry

from schema.projection import CURSOR, Constant, Projection, Template, attributes
from schema.rows import EdgeRow, PathRow, RawRow, VertexRow
from tests.unit.schema.test_execution import Listed, completed

pytestmark = pytest.mark.anyio


async def asked(selection: str, **variables: bool) -> Projection:
    """Return what is asked of the rows of a connection by its only field."""
    rows = Listed(0)
    [written] = (await completed(selection, rows, **variables)).values()
    assert [*written.pieces()] == [b"[]"]
    [projection] = rows.projections
    return projection


@pytest.mark.parametrize(
    ("selection", "template"),
    [
        ("index raw", (("index", "index"), ("raw", "raw"))),
        ("a: index index __typename", (("a", "index"), ("index", "index"), ("__typename", Constant("VertexRow")))),
        ("... on VertexRow { vertexId } index", (("vertexId", "vertex_id"), ("index", "index"))),
        ("... on EdgeRow { sourceId } index", (("index", "index"),)),
        ("... on ResultRow { index ... { raw } }", (("index", "index"), ("raw", "raw"))),
        ("index ...V index", (("index", "index"), ("id", "vertex_id"))),
        ("raw @skip(if: $yes) index @include(if: $yes)", (("index", "index"),)),
        ("... on VertexRow @include(if: $no) { label }", ()),
    ],
)
async def test_nodes_ask_for_attributes_by_their_python_names(selection: str, template: Template) -> None:
    """Under the keys of the answer, in its order, each once."""
    text = f"nodes {{ {selection} }}"
    fragment = "fragment V on VertexRow { id: vertexId }" if "...V" in selection else ""
    conditions = {name: value for name, value in (("yes", True), ("no", False)) if f"${name}" in text}
    projection = await asked(f"{text}|{fragment}", **conditions)
    assert projection.template(VertexRow) == template


async def test_each_type_of_row_has_a_template_of_its_own() -> None:
    """Made when it is first asked for, and kept."""
    projection = await asked("nodes { __typename ... on EdgeRow { from: sourceId } ... on PathRow { length } }|")
    assert projection.template(RawRow) == (("__typename", Constant("RawRow")),)
    assert projection.template(PathRow) == (("__typename", Constant("PathRow")), ("length", "length"))
    assert projection.template(EdgeRow) == (("__typename", Constant("EdgeRow")), ("from", "source_id"))
    assert projection.template(EdgeRow) is projection.template(EdgeRow)


async def test_an_edge_has_a_cursor_and_its_row() -> None:
    """Fields of one name are merged; what the edge says of itself is not what its row says."""
    projection = await asked("edges { node { index } c: cursor __typename node { ... on VertexRow { label } } }|")
    row = (("index", "index"), ("label", "label"))
    assert projection.template(VertexRow) == (
        ("node", row),
        ("c", CURSOR),
        ("__typename", Constant("ResultRowEdge")),
    )
    assert projection.cursor_prefix.endswith(".")


async def test_only_types_of_the_schema_have_templates() -> None:
    """Anything else would be a defect."""

    @strawberry.type
    class Stranger:
        index: int

    projection = await asked("nodes { index }|")
    with pytest.raises(TypeError, match="Stranger"):
        projection.template(Stranger)


def test_attributes_are_found_at_every_depth() -> None:
    """Constants are none."""
    template: Template = (("a", "index"), ("b", Constant("index2")), ("c", (("d", "raw"), ("e", CURSOR))))
    assert attributes(template) == {"index", "raw", CURSOR}
    assert attributes(()) == frozenset()
