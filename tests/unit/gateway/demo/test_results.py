"""Results are written from the index of their rows, sizes where GES puts them, any page at any time."""

from typing import Any

import msgspec
import pytest

from gateway.demo import results
from gateway.demo.results import Result


def _data(result: Result, offset: int = 0, limit: int = 100_000) -> Any:
    return msgspec.json.decode(result.data(offset, limit))


def test_a_page_holds_the_rows_asked_for() -> None:
    """Rows 4 and 5 of 19, and the sizes behind them."""
    assert _data(results.pagerank(19), 4, 2) == {
        "outputs": {
            "pagerank": [{"site-0000004": 0.125}, {"site-0000005": 0.111111111111}],
            "runtime": 0.214557,
            "data_return_size": 2,
            "data_offset": 4,
            "data_total_size": 19,
        }
    }


@pytest.mark.parametrize("total", [0, 1, 19, 10_000, 100_000, 1_000_000])
def test_the_last_page_ends_with_the_last_row(total: int) -> None:
    """Whatever the size, only the page asked for is written."""
    outputs = _data(results.pagerank(total), max(total - 3, 0))["outputs"]
    assert outputs["data_total_size"] == total
    assert outputs["data_return_size"] == len(outputs["pagerank"]) == min(total, 3)


def test_beyond_the_end_a_page_is_empty() -> None:
    """It says how many rows there are, all the same."""
    outputs = _data(results.pagerank(19), 10**17, 5)["outputs"]
    assert (outputs["pagerank"], outputs["data_return_size"], outputs["data_total_size"]) == ([], 0, 19)


def test_pages_add_up_to_the_whole() -> None:
    """The same row is the same in every page."""
    whole = _data(results.vertex_query(19))["outputs"]["vertices"]
    pages = [_data(results.vertex_query(19), offset, 5)["outputs"]["vertices"] for offset in (0, 5, 10, 15)]
    assert [row for page in pages for row in page] == whole


def test_a_query_has_its_sizes_around_the_rows() -> None:
    """And its vertices are objects whose properties are lists."""
    outputs = _data(results.vertex_query(19), 0, 1)["outputs"]
    assert list(outputs) == ["data_return_size", "vertices", "data_offset", "data_total_size"]
    assert outputs["vertices"] == [
        {
            "id": "site-0000000",
            "label": "warehouse",
            "properties": {
                "city": ["Lyon"],
                "country": ["FR"],
                "capacity": [100],
                "opened": ["2010-01-10 08:00:00"],
                "climate": ["cooled"],
            },
        }
    ]


def test_a_vertex_row_is_as_long_as_real_ones() -> None:
    """About 159 bytes, which benchmarks rely on."""
    assert 155 < len(results.vertex_query(1000).data(0, 1000)) / 1000 < 165


def test_an_edge_has_ends_an_index_a_label_and_properties() -> None:
    """The index is text."""
    (edge,) = _data(results.edge_query(100), 1, 1)["outputs"]["edges"]
    assert edge == {
        "index": "1",
        "source": "site-0000001",
        "target": "site-0001174",
        "label": "returns_to",
        "properties": {"days": [2], "since": ["2011-11-22 19:16:16"]},
    }


def test_sizes_may_stand_directly_under_data() -> None:
    """As the parameter tables have it."""
    assert list(_data(results.vertex_query(3, "data"))) == [
        *("vertices", "data_return_size", "data_offset", "data_total_size")
    ]


def test_a_single_path_has_no_sizes_and_no_pages() -> None:
    """It comes whole, whatever window is asked for."""
    assert _data(results.SHORTEST_PATH, 1, 1) == {
        "outputs": {
            "source": "site-0000000",
            "target": "site-0000003",
            "path": ["site-0000000", "site-0000001", "site-0000003"],
            "runtime": 0.000411,
        }
    }


@pytest.mark.parametrize(
    ("result", "key", "first"),
    [
        (results.KCORE, "coreness", {"site-0000000": 2}),
        (results.SSSP, "distance", {"site-0000000": 0.0}),
        (results.CONNECTED_COMPONENT, "community", {"site-0000000": "0"}),
        (results.louvain(5), "community", {"site-0000000": "0"}),
        (results.BIGCLAM, "communities", {"site-0000000": [0, 3]}),
        (results.NODE2VEC, "embedding", {"site-0000000": [-1.0, 0.761, -0.774, 0.987, -0.548, -0.083, -0.322, 0.143]}),
        (results.K_HOP, "vertices", "site-0000001"),
        (results.ALL_SHORTEST_PATHS, "paths", ["site-0000000", "site-0000001", "site-0000003"]),
    ],
)
def test_rows_have_the_shape_of_their_algorithm(result: Result, key: str, first: object) -> None:
    """The first row of each shape."""
    assert _data(result, 0, 1)["outputs"][key] == [first]


def test_hyg_leaves_out_the_index_of_scored_edges() -> None:
    """Otherwise the rows are the same."""
    (row,) = _data(results.edge_scores("edge_betweenness", with_index=False), 0, 1)["outputs"]["edge_betweenness"]
    assert row == {"source": "site-0000000", "target": "site-0000001", "betweenness": 3.0}


def test_roles_hide_a_property() -> None:
    """The restricted caller gets the same rows without it."""
    open_row, hidden_row = (
        _data(results.staff(with_salary=seen), 0, 1)["outputs"]["vertices"][0]["properties"] for seen in (True, False)
    )
    assert (open_row, hidden_row) == ({"team": ["team-0"], "salary": [30000]}, {"team": ["team-0"]})
