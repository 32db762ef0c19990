"""What all formats share: how columns are called, and the text of JSON."""

import msgspec
import pytest

from gateway.formats.writer import Shape, closed_up, misfits_of, raw_text
from gateway.planes.tables import read_table
from schema.rows import ResultKind


def test_columns_are_called_as_in_the_contract() -> None:
    """One word for each thing, in queries and in files."""
    assert Shape(ResultKind.EDGES).titles == ("sourceId", "targetId", "edgeIndex", "label", "properties", "value")


@pytest.mark.parametrize(
    ("raw", "text"),
    [(None, None), (b"null", None), (b'{"a": "\xc3\xa9"}', '{"a": "é"}'), (b'{\n"a":\r[1]}', '{"a":[1]}')],
)
def test_json_is_text_on_one_line(raw: bytes | None, text: str | None) -> None:
    """Null is nothing."""
    assert raw_text(None if raw is None else msgspec.Raw(raw)) == text


def test_only_json_is_closed_up() -> None:
    """Texts keep their line breaks."""
    assert closed_up("a\nb") == "a\nb"
    assert bytes(closed_up(msgspec.Raw(b"[1,\n 2]"))) == b"[1,2]"


def test_misfits_are_a_column() -> None:
    """Nothing for every row that fits."""
    table = read_table(ResultKind.VERTEX_IDS, b'["a",[],"c"]', 0)
    assert [None if raw is None else bytes(raw) for raw in misfits_of(table)] == [None, b"[]", None]
