"""NDJSON: an object a line, whatever is in it."""

import json

import pytest

from gateway.formats.ndjson import NdjsonWriter
from gateway.formats.writer import Shape
from gateway.planes.tables import read_table
from schema.rows import ResultKind


def written(kind: ResultKind, content: bytes, first_index: int = 0) -> list[str]:
    """Write rows, and split at what ends lines."""
    writer = NdjsonWriter(Shape(kind))
    text = (writer.head() + writer.rows(read_table(kind, content, first_index)) + writer.tail()).decode()
    assert text.endswith("\n")
    return text[:-1].split("\n")


@pytest.mark.parametrize(
    ("kind", "content", "lines"),
    [
        (ResultKind.VERTEX_VALUES, b'[{"a":0.25},{"b":null}]',
         ['{"index":7,"vertexId":"a","value":0.25}', '{"index":8,"vertexId":"b","value":null}']),
        (ResultKind.VERTICES, b'[{"id":"a","properties":{"n": 1e2}}]',
         ['{"index":7,"vertexId":"a","label":null,"properties":{"n": 1e2}}']),
        (ResultKind.VERTEX_IDS, b'["a",[1]]', ['{"index":7,"vertexId":"a"}', '{"index":8,"raw":[1]}']),
        (ResultKind.RAW, b'[1,{"a": 2}]', ['{"index":7,"raw":1}', '{"index":8,"raw":{"a":2}}']),
    ],
)  # fmt: skip
def test_each_row_is_a_line(kind: ResultKind, content: bytes, lines: list[str]) -> None:
    """With the members of its type; what does not fit has itself alone."""
    assert written(kind, content, 7) == lines


@pytest.mark.parametrize("blank", ["\n", "\r\n", "\r"])
def test_json_over_several_lines_is_closed_up(blank: str) -> None:
    """Or a reader would take its parts for rows."""
    lines = written(ResultKind.VERTICES, f'[{{"id":"a\\nb","properties":{{{blank}"x": ["y"]}}}},[{blank}]]'.encode())
    assert [json.loads(line) for line in lines] == [
        {"index": 0, "vertexId": "a\nb", "label": None, "properties": {"x": ["y"]}},
        {"index": 1, "raw": []},
    ]
    assert not any("\r" in line for line in lines)
