"""Rights: which graphs of a project a caller may see."""

import pytest

from gateway.auth.rights import Rights


@pytest.mark.parametrize(
    ("graphs", "names", "opened"),
    [
        (["movies"], ("movies",), True),
        (["movies"], ("id-1", "movies"), True),
        (["id-1"], ("id-1", "movies"), True),
        (["movies"], ("Movies",), False),
        (["movies"], ("movie", None), False),
        (["movies"], (None,), False),
        ([], ("movies",), False),
        (["*"], ("movies",), True),
        (["movies", "*"], (None,), True),
    ],
)
def test_a_graph_is_opened_by_its_name_or_its_id(
    graphs: list[str], names: tuple[str | None, ...], opened: bool
) -> None:
    """Exactly as it is written; `*` opens all of them, nothing opens none."""
    assert Rights.to(graphs, "p1").opens(*names) is opened


def test_equal_rights_have_one_spelling() -> None:
    """It becomes a scope, so different ones must never be spelled alike."""
    assert Rights.to(["a", "b"], "p1").text() == Rights.to(["b", "a", "a"], "p1").text()
    others = [Rights.to(graphs, "p1") for graphs in (["a"], ["a,b"], ['a", "b'], [], ["*"])] + [
        Rights.to(["a", "b"], "p2")
    ]
    assert len({rights.text() for rights in [*others, Rights.to(["a", "b"], "p1")]}) == 7
