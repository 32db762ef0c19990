"""The soak, for some seconds: that it runs, finds nothing here, and would find what it is for."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.benchmarks.soak.load import Load

ROOT = Path(__file__).parents[2]


def test_some_seconds_of_load_and_trouble_leave_nothing_behind() -> None:
    """No defect, no wrong answer, no task and no descriptor; `make soak` does it for minutes, and judges memory too."""
    command = [sys.executable, "-m", "tests.benchmarks.soak", "--seconds", "12", "--clients", "6"]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert ended.stdout.endswith("nothing found\n")


@pytest.mark.parametrize(
    ("name", "told", "outcome"),
    [
        ("FindJob", {"data": {"findJob": 1}}, "right"),
        ("FindJob", {"data": {"findJob": 2}}, "wrong"),
        ("FindJob", {"data": None, "errors": [{"extensions": {"code": "TIMEOUT"}}]}, "coded"),
        ("FindJob", {"data": None, "errors": [{"extensions": {"code": "NOT_FOUND"}}]}, "wrong"),
        ("Wait", {"data": None, "errors": [{"extensions": {"code": "INTERNAL_SERVER_ERROR"}}]}, "wrong"),
        ("Wait", {"data": None, "errors": [{"extensions": {"code": "ODD"}}]}, "wrong"),
        ("Wait", {"data": {"findJob": 3}}, "answered"),
    ],
)
def test_an_answer_is_right_or_coded_or_complained_of(name: str, told: object, outcome: str) -> None:
    """Only what is the same at any time can be compared."""
    load = Load("", right={"FindJob": {"data": {"findJob": 1}}})
    load._judge(name, told)
    assert load.outcomes == {outcome: 1}
    assert bool(load.complaints) == (outcome == "wrong")
