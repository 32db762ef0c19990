"""Partial files: what of them counts, wherever they were cut, and that a whole one is never half."""

import csv
import io
from itertools import accumulate
from pathlib import Path

import pytest

from gateway.cli.files import Kept, measure, partial_of, written

RECORDS = (b"vertexId,label,raw\r\n", b'a,"x\r\n""y""",\r\n', b'"b,",z,\r\n', b'c,"",\r\n')
CSV, ENDS = b"".join(RECORDS), list(accumulate(map(len, RECORDS)))
NDJSON = b'{"index":0,"a":"x\\"y"}\n{"index":1,"a":"\\""}\n{"index":2}\n'


@pytest.mark.parametrize("cut", range(len(CSV) + 1))
def test_csv_cut_anywhere_has_the_rows_that_are_whole(tmp_path: Path, cut: int) -> None:
    """Breaks inside of quotes end no row."""
    path = tmp_path / "part"
    path.write_bytes(CSV[:cut])
    kept = measure(path, "csv")
    whole = [end for end in ENDS if end <= cut]
    assert kept == (Kept(whole[-1], len(whole) - 1) if whole else Kept())
    assert len(list(csv.reader(io.StringIO(CSV[: kept.bytes].decode(), newline="")))) == len(whole)


@pytest.mark.parametrize("cut", range(len(NDJSON) + 1))
def test_lines_of_json_cut_anywhere_have_the_rows_that_are_whole(tmp_path: Path, cut: int) -> None:
    """Quotes in texts say nothing there."""
    path = tmp_path / "part"
    path.write_bytes(NDJSON[:cut])
    lines = NDJSON[:cut].count(b"\n")
    assert measure(path, "ndjson") == Kept(NDJSON[:cut].rfind(b"\n") + 1, lines)


@pytest.mark.parametrize("format", ["csv", "ndjson"])
def test_a_file_larger_than_a_block_is_measured_through_its_seams(tmp_path: Path, format: str) -> None:
    """Quotes may open in one block and close in the next."""
    row = b'"' + b"x\r\n" * 10 + b'",\r\n' if format == "csv" else b'"' + b"x" * 33 + b'"\n'
    path = tmp_path / "part"
    path.write_bytes(row * 100_000 + b'"x')
    head = 1 if format == "csv" else 0
    assert measure(path, format) == Kept(len(row) * 100_000, 100_000 - head)


def test_nothing_is_kept_of_what_is_not_there(tmp_path: Path) -> None:
    """A first try may ask to go on."""
    assert measure(tmp_path / "none", "csv") == Kept()


def test_a_file_has_its_name_when_it_is_whole(tmp_path: Path) -> None:
    """Whoever waits for it never sees a part."""
    path = tmp_path / "rows.csv"
    path.write_bytes(b"of yesterday")
    with written(path, Kept()) as file:
        file.write(b"new")
        assert path.read_bytes() == b"of yesterday"
    assert path.read_bytes() == b"new"
    assert not partial_of(path).exists()


def test_what_broke_off_stays_to_be_continued(tmp_path: Path) -> None:
    """Behind its last whole row; what was cut in the middle is written again."""
    path = tmp_path / "rows.ndjson"

    def break_off() -> None:
        with written(path, Kept()) as file:
            file.write(b'{"a":1}\n{"a"')
            raise ConnectionError

    with pytest.raises(ConnectionError):
        break_off()
    assert not path.exists()
    kept = measure(partial_of(path), "ndjson")
    with written(path, kept) as file:
        file.write(b'{"a":2}\n')
    assert (kept.rows, path.read_bytes()) == (1, b'{"a":1}\n{"a":2}\n')
