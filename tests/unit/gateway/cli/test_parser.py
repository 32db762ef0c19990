"""How the commands are written and run: against a demo that is really served, as a script would."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.__main__ import main
from gateway.cli.parser import INTERRUPTED
from tests.support_cli import LARGE, PARTIALLY_FAILED, RUNNING, SUCCEEDED, TOKEN
from tests.support_process import ROOT, running

GRAPH = ["--graph", "supply_chain"]


@pytest.fixture(scope="module")
def environ() -> Iterator[dict[str, str]]:
    """Serve the demo, and give the environment of a script that asks it."""
    with running(["-m", "gateway", "demo", "--port", "0"]) as program:
        yield {"GES_URL": f"http://127.0.0.1:{program.port}", "GES_TOKEN": TOKEN}


def test_a_script_learns_how_a_job_ended_from_the_exit_code(
    environ: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    """Settings of a gateway, or names that look like them, do not matter to its clients."""
    strange = {**environ, "GES_GATEWAY_NO_SUCH_SETTING": "1"}
    assert main(["job", "get", SUCCEEDED, *GRAPH], strange) == 0
    assert main(["job", "get", PARTIALLY_FAILED, *GRAPH, "--plane", "management"], environ) == 2
    assert main(["job", "wait", RUNNING, *GRAPH, "--timeout", "0"], environ) == 4
    told = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in told][:2] == ["SUCCEEDED", "PARTIALLY_FAILED"]


def test_what_cannot_be_asked_is_told_on_the_other_side(
    environ: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    """With the code of the error, and an exit code of its own."""
    assert main(["job", "get", "nope", *GRAPH], environ) == 5
    assert main(["job", "get", SUCCEEDED, *GRAPH], {**environ, "GES_TOKEN": "wrong"}) == 5
    assert main(["job", "get", SUCCEEDED], environ) == 5
    assert main(["job", "export", RUNNING, *GRAPH], environ) == 4
    assert main(["job", "get", SUCCEEDED, *GRAPH, "--url", "nowhere"], environ) == 5
    told = capsys.readouterr()
    assert told.out == ""
    codes = [line.rpartition("(")[2] for line in told.err.splitlines()]
    assert codes[:4] == ["NOT_FOUND)", "UNAUTHENTICATED)", "BAD_USER_INPUT)", "JOB_NOT_ENDED)"]


def test_the_token_may_come_from_a_file(
    environ: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A line of it; one that cannot be read is told."""
    path = tmp_path / "token"
    path.write_text(f"{TOKEN}\n")
    without = {"GES_URL": environ["GES_URL"]}
    assert main(["job", "get", SUCCEEDED, *GRAPH, "--token-file", str(path)], without) == 0
    assert main(["job", "get", SUCCEEDED, *GRAPH], without) == 5
    assert main(["job", "get", SUCCEEDED, *GRAPH, "--token-file", str(tmp_path / "none")], without) == 5
    assert capsys.readouterr().err.endswith("none: No such file or directory.\n")


def test_the_token_may_come_from_standard_input(environ: dict[str, str]) -> None:
    """So no process list shows it."""
    line = [sys.executable, "-m", "gateway", "job", "get", SUCCEEDED, *GRAPH, "--token-file", "-"]
    asked = subprocess.run(
        [*line, "--url", environ["GES_URL"]], cwd=ROOT, input=f"{TOKEN}\n", capture_output=True, text=True, check=False
    )
    assert (asked.returncode, asked.stderr) == (0, "")


def test_a_large_result_is_written_whole(environ: dict[str, str], tmp_path: Path) -> None:
    """Over a real connection."""
    path = tmp_path / "ranks.csv"
    assert main(["job", "export", LARGE, *GRAPH, "--format", "csv", "--output", str(path)], environ) == 0
    lines = path.read_text().splitlines()
    assert (len(lines), lines[0], lines[-1].split(",")[0]) == (100_001, "vertexId,value,raw", "site-0099999")


@pytest.mark.parametrize(
    "arguments",
    [
        ["get"],
        ["get", "x", "--plane", "both"],
        ["wait", "x", "--timeout", "-1"],
        ["wait", "x", "--timeout", "nan"],
        ["rows", "x", "--first", "many"],
        ["rows", "x", "--offset", "-1"],
        ["export", "x", "--format", "xlsx"],
        ["no-such-action"],
    ],
)
def test_a_command_that_is_misspelled_has_not_partially_failed(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """Which is what 2 says."""
    with pytest.raises(SystemExit) as ended:
        main(["job", *arguments], {})
    assert ended.value.code == 5
    assert "usage: " in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        ["get", "x", "--plane", "service"],
        ["get", "x", "--instance", "g1"],
        ["export", "x", "--resume"],
        ["export", "x", "--resume", "--output", "y", "--format", "arrow"],
    ],
)
def test_options_that_do_not_go_together_are_told(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Before anybody is asked."""
    assert main(["job", *arguments], {}) == 5
    assert " with " in capsys.readouterr().err


def test_an_interrupted_command_says_so_by_its_exit_code(environ: dict[str, str]) -> None:
    """As a shell expects, and without a trace of where it was."""
    line = [sys.executable, "-m", "gateway", "job", "watch", RUNNING, *GRAPH, "--json"]
    with subprocess.Popen(
        line, cwd=ROOT, env={**os.environ, **environ}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert '"event": "SNAPSHOT"' in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=20)
    assert (process.returncode, told) == (INTERRUPTED, "")
