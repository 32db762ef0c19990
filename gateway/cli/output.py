"""What a person or a script gets to see: lines, JSON, tables, and a line of progress on a terminal."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any, TextIO

from strawberry.utils.str_converters import to_camel_case

_BAR = 20
_WIDEST_CELL = 60
# What a line tells of a job, in this order.
_LINE = tuple(map(to_camel_case, ("status", "plane", "kind", "name", "job_id")))
_BEYOND_TEXT = dict.fromkeys((*range(32), *range(127, 160)), "�")


class Output:
    """Writes what a command finds. Progress goes to the errors' side, and only where somebody looks on."""

    def __init__(self, out: TextIO | None = None, err: TextIO | None = None, *, as_json: bool = False) -> None:
        self.out = out or sys.stdout
        self.err = err or sys.stderr
        self.as_json = as_json
        self.is_watched = self.err.isatty() and not as_json
        self._drawn = 0
        self._last_line = ""

    def say(self, text: str) -> None:
        """Tell a person something that is no result."""
        self.clear()
        print(text, file=self.err, flush=True)

    def job(self, job: Mapping[str, Any], event: str | None = None) -> None:
        """Write a job as it is now: JSON, or a line."""
        self.clear()
        if self.as_json:
            told = {"event": event, **job} if event else job
            text = json.dumps(told, ensure_ascii=False)
        else:
            text = _job_line(job)
        # A change of what a line does not tell is none to who reads lines.
        if self.as_json or text != self._last_line:
            print(text, file=self.out, flush=True)
        self._last_line = text

    def progress(self, share: float | None, text: str) -> None:
        """Draw how far something is, in place of what was drawn before."""
        if not self.is_watched:
            return
        filled = round(_BAR * min(1.0, max(0.0, share or 0.0)))
        bar = f"[{'#' * filled}{'.' * (_BAR - filled)}] {share:4.0%} " if share is not None else ""
        line = f"{bar}{text}"
        print(f"\r{line.ljust(self._drawn)}", end="", file=self.err, flush=True)
        self._drawn = len(line)

    def clear(self) -> None:
        """Take away what was drawn."""
        if self._drawn:
            print(f"\r{' ' * self._drawn}\r", end="", file=self.err, flush=True)
            self._drawn = 0

    def rows(self, rows: Sequence[Mapping[str, Any]], format: str) -> None:
        """Write rows as a table for people, as CSV, or as JSON, an object a line."""
        self.clear()
        if format == "json":
            for row in rows:
                print(json.dumps(row, ensure_ascii=False), file=self.out)
            return
        titles = list(dict.fromkeys(title for row in rows for title in row))
        cells = [[_cell(row.get(title)) for title in titles] for row in rows]
        if format == "csv":
            csv.writer(self.out, lineterminator="\n").writerows([titles, *cells] if titles else [])
        else:
            self._table([titles, *cells] if titles else [])

    def _table(self, lines: Sequence[Sequence[str]]) -> None:
        # Text of a graph must not move the cursor of a terminal.
        shown = [[cell.translate(_BEYOND_TEXT)[:_WIDEST_CELL] for cell in line] for line in lines]
        widths = [max(map(len, column)) for column in zip(*shown, strict=True)]
        for line in shown:
            padded = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
            print("  ".join(padded).rstrip(), file=self.out)


def _job_line(job: Mapping[str, Any]) -> str:
    words = [job[name] for name in _LINE]
    if job["progressPercent"] is not None and not job["isTerminal"]:
        words.insert(1, f"{job['progressPercent']:g}%")
    if job["result"] and job["result"]["totalCount"] is not None:
        words.append(f"{job['result']['totalCount']} rows")
    if job["failure"]:
        words.append(f"({job['failure']['message']})")
    return " ".join(map(str, words)).translate(_BEYOND_TEXT)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
