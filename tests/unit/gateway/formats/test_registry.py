"""The table of formats: each can be opened, and says so when it cannot."""

import sys

import pytest

from gateway.formats.registry import FORMATS, open_writer, write_rows
from gateway.formats.writer import Shape
from schema.errors import BadUserInputError
from schema.export import ExportFormat
from schema.rows import ResultKind

IDS = Shape(ResultKind.VERTEX_IDS)


def test_every_format_of_the_contract_is_in_the_table() -> None:
    """One that is not would fail when a client asks for it."""
    assert set(FORMATS) == set(ExportFormat)


@pytest.mark.parametrize("format", ExportFormat)
def test_rows_are_written_and_counted(format: ExportFormat) -> None:
    """No rows are no bytes, in any format."""
    writer = open_writer(format, IDS)
    writer.head()
    content, rows = write_rows(writer, IDS.kind, b'["abc","d"]', 0)
    assert rows == 2
    assert b"abc" in content
    assert write_rows(writer, IDS.kind, b"[]", 2) == (b"", 0)


def test_a_format_whose_library_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rest of the gateway does not need it."""
    monkeypatch.setitem(sys.modules, "nanoarrow", None)
    monkeypatch.delitem(sys.modules, "gateway.formats.arrow", raising=False)
    with pytest.raises(BadUserInputError, match="extra `arrow`"):
        open_writer(ExportFormat.ARROW, IDS)
