"""Results: where rows, sizes and values are found, and which window of them is given."""

from typing import Any

import msgspec
import pytest

from gateway.planes.results import Result, read_result
from gateway.planes.rows import Rows
from schema.algorithm_result import RowPage
from schema.page import Window
from schema.rows import ResultKind, ResultRow, VertexRow

ALL = Window(0, 100)
IDS = ["a", "b", "c", "d", "e"]


def read(data: object, window: Window = ALL) -> Result | None:
    """Read a result that is written as JSON first."""
    return read_result(msgspec.Raw(msgspec.json.encode(data)), window)


def some(data: object, window: Window = ALL) -> Result:
    """Read a result that must be there."""
    result = read(data, window)
    assert result is not None
    return result


def unread(value: object) -> bytes:
    """Return the bytes of something that must not have been read."""
    assert isinstance(value, msgspec.Raw)
    return bytes(value)


def named(result: Result) -> dict[str, Any]:
    """Return the values by name, in order."""
    return {value.name: value.value for value in result.values}


def rows_of(page: RowPage) -> Rows:
    """Return the rows, which are those of a body in hand."""
    assert isinstance(page.rows, Rows)
    return page.rows


def window_of(result: Result) -> tuple[int, int | None, list[str]]:
    """Return offset and total of the page, and the ids in it."""
    assert result.page is not None
    return result.page.offset, result.page.total, [vertex_id(row) for row in rows_of(result.page)]


def vertex_id(row: ResultRow) -> str:
    """Return the id of a row that must be a vertex."""
    assert isinstance(row, VertexRow)
    return row.vertex_id


@pytest.mark.parametrize(
    "data",
    [
        None,
        {},
        {"outputs": {}},
        {"outputs": None, "vertices": None},
        {"data_total_size": 0},
        {"outputs": {"edges": None}},
    ],
)
def test_nothing_produced_is_no_result(data: object) -> None:
    assert read(data) is None


def test_rows_and_sizes_in_outputs_and_values_beside_them_in_order() -> None:
    result = some(
        {
            "outputs": {
                "source": "z",
                "vertices": ["b", "c"],
                "k_hop_neighbors": 5,
                "data_offset": 1,
                "data_total_size": 5,
                "data_return_size": 2,
                "runtime": 0.5,
            },
            "outside": 1,
        },
        Window(1, 2),
    )
    assert (result.kind, result.rows_key) == (ResultKind.VERTEX_IDS, "vertices")
    assert list(named(result).items()) == [("source", "z"), ("k_hop_neighbors", 5), ("runtime", 0.5)]
    assert window_of(result) == (1, 5, ["b", "c"])


def test_rows_and_sizes_in_data_with_values_of_both_places() -> None:
    result = some(
        {"vertices": ["a"], "data_total_size": "9", "data_offset": "4", "more": 1, "outputs": {"runtime": 2, "more": 3}}
    )
    assert window_of(result) == (4, 9, ["a"])
    assert list(named(result).items()) == [("runtime", 2), ("more", 3)]


def test_sizes_are_read_in_either_place_and_outputs_come_first() -> None:
    mixed = {"data_total_size": 7, "data_offset": 3, "outputs": {"vertices": ["d"], "data_offset": 2}}
    assert window_of(some(mixed)) == (2, 7, ["d"])


def test_outputs_come_before_data_but_filled_before_empty() -> None:
    assert some({"vertices": ["x"], "outputs": {"vertices": ["y"]}}).rows_key == "vertices"
    assert window_of(some({"vertices": ["x"], "outputs": {"vertices": ["y"]}}))[2] == ["y"]
    assert window_of(some({"vertices": ["x"], "outputs": {"vertices": []}}))[2] == ["x"]
    assert some({"vertices": [], "edges": [], "outputs": {"pagerank": [{"a": 1}]}}).rows_key == "pagerank"
    assert some({"edges": [{"source": "a", "target": "b"}], "outputs": {"vertices": []}}).rows_key == "edges"
    assert some({"vertices": ["x"], "outputs": {"pagerank": [{"a": 1}]}}).rows_key == "pagerank"


def test_a_known_key_comes_before_an_unknown_one_and_vertices_before_edges() -> None:
    both = some({"outputs": {"labels": ["x"], "edges": [{"source": "a", "target": "b"}], "vertices": [{"id": "a"}]}})
    assert both.rows_key == "vertices"
    assert list(named(both)) == ["labels", "edges"]


def test_the_one_list_of_an_unknown_algorithm_holds_its_rows() -> None:
    result = some({"outputs": {"sources": ["a"], "targets": ["b"], "pattern_graph": ["c"], "news": [{"a": 0.5}]}})
    assert (result.kind, result.rows_key) == (ResultKind.VERTEX_VALUES, "news")
    assert list(named(result)) == ["sources", "targets", "pattern_graph"]


def test_what_only_repeats_the_request_are_values() -> None:
    result = some({"outputs": {"source": "a", "sources": ["a"], "closeness": 0.8}})
    assert (result.kind, result.rows_key, result.page) == (ResultKind.VALUES_ONLY, None, None)
    assert named(result) == {"source": "a", "sources": ["a"], "closeness": 0.8}


def test_a_row_key_that_is_null_is_neither_rows_nor_a_value() -> None:
    assert named(some({"vertices": None, "edges": None, "outputs": {"closeness": 0.8, "extra": None}})) == {
        "closeness": 0.8,
        "extra": None,
    }


@pytest.mark.parametrize(
    ("window", "offset", "ids"),
    [
        (Window(0, 100), 0, IDS),
        (Window(1, 2), 1, ["b", "c"]),
        (Window(4, 2), 4, ["e"]),
        (Window(9, 2), 9, []),
        (Window(0, 0), 0, []),
    ],
)
def test_without_sizes_the_answer_is_the_whole_result(window: Window, offset: int, ids: list[str]) -> None:
    assert window_of(some({"outputs": {"vertices": IDS}}, window)) == (offset, 5, ids)


@pytest.mark.parametrize(
    ("sizes", "offset", "total"),
    [
        ({"data_total_size": 50}, 10, 50),
        ({"data_offset": 20}, 20, None),
        ({"data_return_size": 5}, 10, None),
        ({"data_total_size": -1, "data_offset": -1}, 10, None),
        ({"data_total_size": 10**30, "data_offset": 2**31}, 10, None),
        ({"data_total_size": {}, "data_offset": "x"}, 10, None),
        # A total that the page itself exceeds cannot be meant.
        ({"data_total_size": 3, "data_offset": 10}, 10, 15),
    ],
)
def test_sizes_that_cannot_be_meant_are_not_believed(sizes: dict[str, object], offset: int, total: int | None) -> None:
    assert window_of(some({"outputs": {"vertices": IDS, **sizes}}, Window(10, 5))) == (offset, total, IDS)


def test_a_page_beyond_the_end_keeps_the_total() -> None:
    assert window_of(some({"outputs": {"vertices": [], "data_total_size": 3, "data_offset": 9}})) == (9, 3, [])


def test_more_rows_than_asked_for_are_cut() -> None:
    assert window_of(some({"outputs": {"vertices": IDS, "data_total_size": 5}}, Window(0, 2))) == (0, 5, ["a", "b"])
    assert window_of(some({"outputs": {"vertices": IDS, "data_total_size": 5}}, Window(0, 0))) == (0, 5, [])


@pytest.mark.parametrize("sizes", [{}, {"data_total_size": 3, "data_offset": 0}])
def test_the_one_path_is_one_row(sizes: dict[str, int]) -> None:
    page = some({"outputs": {"path": ["a", "b", "c"], **sizes}}).page
    assert page is not None
    assert [(row.index, unread(row.raw)) for row in rows_of(page)] == [(0, b'["a","b","c"]')]
    assert (page.total, page.has_next) == (1, False)
    beyond = some({"outputs": {"path": ["a", "b", "c"], **sizes}}, Window(1, 1)).page
    assert beyond is not None
    assert (beyond.offset, len(beyond.rows), beyond.total) == (1, 0, 1)


def test_no_path_found_is_no_row() -> None:
    result = some({"outputs": {"path": []}})
    assert result.page is not None
    assert (result.kind, result.page.total, len(result.page.rows)) == (ResultKind.PATHS, 0, 0)


def test_several_paths_under_the_key_of_one_are_as_many_rows() -> None:
    page = some({"outputs": {"path": [["a", "b"], ["a", "c"]]}}).page
    assert page is not None
    assert len(page.rows) == 2


@pytest.mark.parametrize(
    ("data", "kind", "values"),
    [(["a", "b"], ResultKind.VERTEX_IDS, {}), ("done", ResultKind.VALUES_ONLY, {"data": "done"})],
)
def test_data_that_is_no_object_is_shown_rather_than_lost(data: object, kind: ResultKind, values: object) -> None:
    result = some(data)
    assert (result.kind, named(result)) == (kind, values)


def test_outputs_that_are_no_object_are_shown_as_well() -> None:
    assert window_of(some({"outputs": ["a"]})) == (0, 1, ["a"])
    assert named(some({"outputs": 5})) == {"outputs": 5}


def test_a_large_value_stays_bytes() -> None:
    edges = [{"source": "a", "target": "b"}] * 300
    (value,) = some({"outputs": {"vertices": ["a"], "edges": edges}}).values
    assert unread(value.value) == msgspec.json.encode(edges)
