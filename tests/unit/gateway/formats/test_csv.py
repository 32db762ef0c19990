"""CSV: reads back as it was, is safe to open, and its quick ways write what the slow ones would."""

import csv
import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.formats.csv import CsvWriter
from gateway.formats.writer import Shape
from gateway.planes.tables import read_table
from schema.rows import ResultKind

TEXTS = st.text(st.characters(codec="utf-8"), max_size=4) | st.text(st.sampled_from("a\",;\r\n=+-@\t['"), max_size=4)


def written(kind: ResultKind, rows: Any, **shape: bool) -> str:
    """Write rows, the head included."""
    writer = CsvWriter(Shape(kind, **shape))
    return (writer.head() + writer.rows(read_table(kind, json.dumps(rows).encode(), 0)) + writer.tail()).decode()


def read_back(kind: ResultKind, rows: Any, **shape: bool) -> list[dict[str, str]]:
    """Write rows and read them as others would."""
    return list(csv.DictReader(io.StringIO(written(kind, rows, **shape), newline="")))


@pytest.mark.parametrize(
    ("kind", "rows", "text"),
    [
        (ResultKind.VERTEX_VALUES, [{"a": 0.25}, {"b": None}], "vertexId,value,raw\r\na,0.25,\r\nb,,\r\n"),
        (ResultKind.VERTEX_IDS, ["a", "b"], "vertexId,raw\r\na,\r\nb,\r\n"),
        (ResultKind.VERTICES, [{"id": "a", "label": "x", "properties": {"n": ["1"]}}],
         'vertexId,label,properties,raw\r\na,x,"{""n"": [""1""]}",\r\n'),
        (ResultKind.VERTICES, [{"id": "a"}, {"id": "b", "properties": None}],
         "vertexId,label,properties,raw\r\na,,,\r\nb,,,\r\n"),
        (ResultKind.EDGES, [{"source": "a", "target": "b", "score": 3}],
         "sourceId,targetId,edgeIndex,label,properties,value,raw\r\na,b,,,,3.0,\r\n"),
        (ResultKind.VERTEX_GROUPS, [{"a": 1}, {"b": "z"}], "vertexId,groupIds,raw\r\na,1,\r\nb,z,\r\n"),
        (ResultKind.VERTEX_GROUPS, [{"a": [1, 2]}, {"b": []}], "vertexId,groupIds,raw\r\na,1;2,\r\nb,,\r\n"),
        (ResultKind.VERTEX_VECTORS, [{"a": [1, -0.5]}, {"b": []}], "vertexId,vector,raw\r\na,1.0;-0.5,\r\nb,,\r\n"),
        (ResultKind.PATHS, [["a", "b"], ["c;d", "e"]],
         'vertexIds,length,raw\r\na;b,1,\r\n"[""c;d"",""e""]",1,\r\n'),
        (ResultKind.RAW, [{"a": 1}, 2], 'raw\r\n"{""a"": 1}"\r\n"2"\r\n'),
    ],
)  # fmt: skip
def test_each_kind_has_its_columns(kind: ResultKind, rows: Any, text: str) -> None:
    """Null is nothing, lists are joined, JSON is text, the last column is empty."""
    assert written(kind, rows) == text


@pytest.mark.parametrize(
    ("kind", "rows", "lines"),
    [
        (ResultKind.VERTEX_VALUES, [{"a": 1}, [2]], "a,1.0,\r\n,,[2]\r\n"),
        (ResultKind.VERTEX_GROUPS, [{"a": [1, 2]}, {"b": ["x;y"]}, [2]], 'a,1;2,\r\nb,"[""x;y""]",\r\n,,[2]\r\n'),
        (ResultKind.VERTEX_VECTORS, [{"a": [1, 2]}, [2]], "a,1.0;2.0,\r\n,,[2]\r\n"),
    ],
)
def test_a_row_that_does_not_fit_is_in_the_last_column(kind: ResultKind, rows: Any, lines: str) -> None:
    """Nothing of a result is lost."""
    assert written(kind, rows, is_continued=True) == lines


def test_lines_that_continue_others_have_no_head() -> None:
    """They are written behind those that have it."""
    assert written(ResultKind.VERTEX_IDS, ["a"], is_continued=True) == "a,\r\n"


@pytest.mark.parametrize("text", ["=1+1", "+a", "-a", "@SUM(A1)", "\tx", "\rx", "-2+3", "=", "-"])
def test_a_text_that_a_spreadsheet_would_calculate_is_kept_from_it(text: str) -> None:
    """By an apostrophe; in any column of texts, and unless that is not wanted."""
    rows = [{"id": "a", "label": "x"}, {"id": text, "label": text}]
    assert [row["vertexId"] for row in read_back(ResultKind.VERTICES, rows)] == ["a", f"'{text}"]
    assert read_back(ResultKind.VERTICES, rows)[1]["label"] == f"'{text}"
    assert read_back(ResultKind.VERTICES, rows, is_verbatim=True)[1]["vertexId"] == text
    assert read_back(ResultKind.PATHS, [[text, "b"]])[0]["vertexIds"] == f"'{text};b"
    assert read_back(ResultKind.PATHS, [[text, "b"]], is_verbatim=True)[0]["vertexIds"] == f"{text};b"


@pytest.mark.parametrize("text", ["-5", "+3.25", "-1e9", "-0.5"])
def test_a_number_is_no_formula(text: str) -> None:
    """Ids that are negative numbers stay what they are."""
    assert read_back(ResultKind.VERTEX_IDS, [text])[0]["vertexId"] == text


def test_an_empty_text_is_not_null() -> None:
    """It has quotes; databases tell the two apart by that."""
    assert written(ResultKind.VERTICES, [{"id": "", "label": ""}], is_continued=True) == '"","",,\r\n'


def test_json_over_several_lines_is_closed_up() -> None:
    """So that a line is a row, as far as texts allow."""
    table = read_table(ResultKind.VERTICES, b'[{"id":"a","properties":{"x":\n["y"]}}]', 0)
    assert CsvWriter(Shape(ResultKind.VERTICES)).rows(table) == b'a,,"{""x"":[""y""]}",\r\n'


@given(st.lists(st.tuples(TEXTS, st.none() | TEXTS), min_size=1, max_size=5))
def test_texts_read_back_as_they_were(texts: list[tuple[str, str | None]]) -> None:
    """Whatever is in them; null and empty look alike to this reader."""
    rows = [{"id": id, "label": label, "properties": {id: label}} for id, label in texts]
    told = read_back(ResultKind.VERTICES, rows, is_verbatim=True)
    assert [(row["vertexId"], row["label"]) for row in told] == [(id, label or "") for id, label in texts]
    assert [json.loads(row["properties"]) for row in told] == [row["properties"] for row in rows]


@given(st.lists(st.lists(TEXTS, min_size=1, max_size=3), min_size=1, max_size=4))
def test_lists_read_back_as_they_were(paths: list[list[str]]) -> None:
    """What begins with a bracket is JSON, all else is split at semicolons."""
    cells = [row["vertexIds"] for row in read_back(ResultKind.PATHS, paths, is_verbatim=True)]
    assert [json.loads(cell) if cell.startswith("[") else cell.split(";") for cell in cells] == paths


@given(st.lists(TEXTS.filter(bool), min_size=2, max_size=5))
def test_many_texts_are_written_as_each_of_them_alone(texts: list[str]) -> None:
    """The quick way is taken only where it makes no difference."""
    alone = "".join(written(ResultKind.VERTEX_IDS, [text], is_continued=True) for text in texts)
    assert written(ResultKind.VERTEX_IDS, texts, is_continued=True) == alone


LOOK_ALIKES: tuple[Any, ...] = (
    "x",
    None,
    [1],
    {"a": 'b"c'},
    {"a": "\n"},
    {"a": "null"},
    [],
    "null",
    '"',
    "é",
    {"a": {"id": "b"}},
)
BLANKS = ("", " ", "\n", "\r", "\r\n")


@given(
    st.lists(
        st.tuples(st.sampled_from("abé"), st.sampled_from(LOOK_ALIKES), st.sampled_from(BLANKS)),
        min_size=2,
        max_size=4,
    )
)
def test_much_json_is_written_as_each_piece_alone(rows: list[tuple[str, Any, str]]) -> None:
    """Null, quotes, unicode, texts that look like null, and JSON laid out over several lines, beside each other."""
    texts = [
        f'{{"id":"{id}","properties":{{"n":{blank}{json.dumps(value)}}}}}'
        if value is not None
        else f'{{"id":"{id}","properties":null}}'
        for id, value, blank in rows
    ]
    writer = CsvWriter(Shape(ResultKind.VERTICES))
    at_once, *alone = (
        writer.rows(read_table(ResultKind.VERTICES, f"[{text}]".encode(), 0)) for text in (",".join(texts), *texts)
    )
    assert at_once == b"".join(alone)


@pytest.mark.parametrize(
    ("label", "cell"),
    [("", '""'), ("-x", "'-x"), ("-5", "-5"), ("a-b", "a-b"), ("null", "null"), ("a\nb", '"a\nb"'), ("a\n", '"a\n"')],
)
@pytest.mark.parametrize("place", [0, 1, 2])
def test_one_odd_text_among_plain_ones_is_seen_wherever_it_stands(label: str, cell: str, place: int) -> None:
    """The first and the last have a neighbour on one side only."""
    labels = ["x", "y"]
    labels.insert(place, label)
    cells = ["x", "y"]
    cells.insert(place, cell)
    rows = [{"id": "i", "label": each} for each in labels]
    assert written(ResultKind.VERTICES, rows, is_continued=True) == "".join(f"i,{each},,\r\n" for each in cells)
