"""What is written: lines once, JSON always, tables that fit a terminal, progress only where somebody looks on."""

import json
from typing import Any

from gateway.cli.output import Output
from tests.support_cli import Terminal

JOB: dict[str, Any] = {
    "status": "RUNNING", "plane": "SERVICE", "kind": "ALGORITHM", "name": "pagerank", "jobId": "42",
    "isTerminal": False, "progressPercent": 40.0, "result": None, "failure": None,
}  # fmt: skip


def output(**options: bool) -> tuple[Output, Terminal, Terminal]:
    """Make an output and its two streams."""
    out, err = Terminal(), Terminal(is_watched=options.pop("watched", False))
    return Output(out, err, **options), out, err


def test_a_job_is_a_line() -> None:
    """With what matters of it; a line that says nothing new is not repeated."""
    told, out, _ = output()
    told.job(JOB)
    told.job(JOB, "CHANGED")
    ended = {**JOB, "isTerminal": True, "status": "FAILED", "failure": {"message": "no\x1b[2Jmemory"}}
    told.job({**ended, "result": {"totalCount": 5}})
    assert out.text == (
        "RUNNING 40% SERVICE ALGORITHM pagerank 42\nFAILED SERVICE ALGORITHM pagerank 42 5 rows (no�[2Jmemory)\n"
    )


def test_json_is_an_object_a_line() -> None:
    """Each event, also one that changes nothing of the line."""
    told, out, _ = output(as_json=True)
    told.job(JOB)
    told.job(JOB, "CHANGED")
    assert [json.loads(line) for line in out.text.splitlines()] == [JOB, {"event": "CHANGED", **JOB}]


def test_progress_is_drawn_in_place_and_taken_away() -> None:
    """A shorter line covers the longer one before it."""
    told, out, err = output(watched=True)
    told.progress(0.5, "abc MB")
    told.progress(None, "x")
    told.say("done")
    drawn = err.text.split("\r")
    assert drawn[1] == "[##########..........]  50% abc MB"
    assert drawn[2] == "x".ljust(len(drawn[1]))
    assert (drawn[3].strip(), drawn[4]) == ("", "done\n")
    assert out.text == ""


def test_nobody_looks_on_in_a_pipe() -> None:
    """Nor at JSON."""
    for told, _, err in (output(), output(watched=True, as_json=True)):
        told.progress(0.5, "abc")
        assert err.text == ""


def test_rows_are_a_table_for_people() -> None:
    """Wide cells are cut; what would move the cursor is replaced."""
    told, out, _ = output()
    told.rows([{"index": 0, "vertexId": "a\tb"}, {"index": 1, "vertexId": "x" * 99, "label": None}], "table")
    lines = out.text.splitlines()
    assert lines[:2] == ["index  vertexId" + " " * 54 + "label", "0      a�b"]
    assert lines[2] == "1      " + "x" * 60


def test_rows_are_csv_and_json_for_scripts() -> None:
    """Whole, and without decoration."""
    told, out, _ = output()
    rows = [{"index": 0, "groupIds": ["é", 1], "value": None}]
    told.rows(rows, "csv")
    told.rows(rows, "json")
    assert out.text == 'index,groupIds,value\n0,"[""é"", 1]",\n{"index": 0, "groupIds": ["é", 1], "value": null}\n'


def test_no_rows_are_no_lines() -> None:
    """In any format."""
    told, out, _ = output()
    for format in ("table", "csv", "json"):
        told.rows([], format)
    assert out.text == ""
