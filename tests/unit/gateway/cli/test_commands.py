"""The commands: exit codes by how jobs ended, waiting and watching that survive trouble, files that are whole."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import nanoarrow
import pytest
from nanoarrow.ipc import InputStream

from gateway.cli.client import AskError
from gateway.cli.commands import (
    CANCELLED,
    COMMANDS,
    NOT_ENDED,
    exit_code_of,
)
from gateway.cli.commands import FAILED as EXIT_FAILED
from gateway.cli.commands import PARTIALLY_FAILED as EXIT_PARTIALLY_FAILED
from gateway.cli.commands import SUCCEEDED as EXIT_SUCCEEDED
from schema.job import JobStatus
from tests.support_cli import FAILED, LARGE, PARTIALLY_FAILED, RUNNING, SUCCEEDED, open_shell
from tests.support_clock import FAKE_TIME

pytestmark = pytest.mark.anyio

JOB: dict[str, Any] = {
    "id": "global", "status": "RUNNING", "plane": "SERVICE", "kind": "ALGORITHM", "name": "pagerank", "jobId": "42",
    "isTerminal": False, "progressPercent": 40.0, "result": None, "failure": None,
}  # fmt: skip
ENDED = {**JOB, "status": "SUCCEEDED", "isTerminal": True}


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    """Run on a loop of fake time."""
    return FAKE_TIME


class Scripted(httpx.AsyncBaseTransport):
    """A gateway that gives one answer after the other."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.asked: list[Any] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(json.loads(request.content or b"null"))
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, httpx.Response) else httpx.Response(200, json={"data": {"job": answer}})


def events(*told: Any, is_complete: bool = True) -> httpx.Response:
    """Answer with events, each a type and a job."""
    lines = [
        f"event: next\ndata: {json.dumps({'data': {'e': {'type': kind, 'problem': problem, 'job': job}}})}\n\n"
        for kind, job, problem in told
    ]
    content = "".join(lines) + ("event: complete\ndata:\n\n" if is_complete else "")
    return httpx.Response(200, headers={"Content-Type": "text/event-stream"}, content=content)


@pytest.mark.parametrize(
    ("job", "code", "line"),
    [
        (SUCCEEDED, EXIT_SUCCEEDED, f"SUCCEEDED SERVICE ALGORITHM pagerank {SUCCEEDED} 19 rows\n"),
        (FAILED, EXIT_FAILED, None),
        (PARTIALLY_FAILED, EXIT_PARTIALLY_FAILED, None),
        (RUNNING, NOT_ENDED, None),
    ],
)
async def test_a_job_is_shown_and_its_status_is_the_exit_code(job: str, code: int, line: str | None) -> None:
    """Whichever plane runs it."""
    async with open_shell() as shell:
        assert await shell.run("get", job) == code
        assert line in (None, shell.out.text)
        assert await shell.run("get", job, as_json=True) == code
        assert json.loads(shell.out.text)["jobId"] == job


@pytest.mark.parametrize("status", JobStatus)
def test_every_status_has_an_exit_code(status: JobStatus) -> None:
    """Only success is zero, and what has not ended is none of the others."""
    code = exit_code_of({"status": status.name, "isTerminal": True})
    assert (code == EXIT_SUCCEEDED) is (status is JobStatus.SUCCEEDED)
    assert (code == CANCELLED) is (status is JobStatus.CANCELLED)
    assert exit_code_of({"status": status.name, "isTerminal": False}) == NOT_ENDED


async def test_a_job_that_is_not_there_is_told() -> None:
    """With its code, by whoever runs the command."""
    async with open_shell() as shell:
        with pytest.raises(AskError) as met:
            await shell.run("get", "nope")
    assert met.value.code == "NOT_FOUND"


async def test_waiting_lasts_until_the_job_has_ended() -> None:
    """However often the gateway gives its state in between."""
    async with open_shell() as shell:
        assert await shell.run("wait", RUNNING) == EXIT_SUCCEEDED
        assert shell.out.text.startswith("SUCCEEDED")
        assert shell.err.text == ""


async def test_waiting_ends_when_its_time_is_up() -> None:
    """The job is shown as it is then."""
    gateway = Scripted(JOB, JOB)
    async with open_shell(gateway) as shell:
        assert await shell.run("wait", "global", graph=None, timeout=0) == NOT_ENDED
    assert shell.out.text.startswith("RUNNING 40%")
    assert [asked["variables"]["wait"] for asked in gateway.asked] == [0]


async def test_waiting_shows_how_far_the_job_is_to_who_looks_on() -> None:
    """So answers are held for a shorter time."""
    gateway = Scripted(JOB, {**JOB, "progressPercent": None}, ENDED)
    async with open_shell(gateway) as shell:
        assert await shell.run("wait", "global", graph=None, watched=True) == EXIT_SUCCEEDED
    assert "40% pagerank RUNNING" in shell.err.text
    assert [asked["variables"]["wait"] for asked in gateway.asked] == [3, 3, 3]


async def test_waiting_survives_trouble_that_passes() -> None:
    """Not any other, nor one that lasts."""
    refused = httpx.ConnectError("refused")
    gateway = Scripted(refused, JOB, refused, refused, refused, refused, ENDED)
    async with open_shell(gateway) as shell:
        assert await shell.run("wait", "global", graph=None) == EXIT_SUCCEEDED
    async with open_shell(Scripted(*[refused] * 5)) as shell:
        with pytest.raises(AskError, match="refused"):
            await shell.run("wait", "global", graph=None)
    async with open_shell(Scripted(None)) as shell:
        with pytest.raises(AskError, match="no answer"):
            await shell.run("wait", "global", graph=None)


async def test_watching_shows_every_change_until_the_end() -> None:
    """As lines, or with the kind of each event as JSON."""
    async with open_shell() as shell:
        assert await shell.run("watch", RUNNING, as_json=True) == EXIT_SUCCEEDED
        told = [json.loads(line) for line in shell.out.text.splitlines()]
    assert (told[0]["event"], told[-1]["event"]) == ("SNAPSHOT", "FINISHED")
    assert [job["isTerminal"] for job in told] == [*[False] * (len(told) - 1), True]


async def test_watching_goes_on_when_the_stream_ends_too_early() -> None:
    """The gateway was perhaps restarted; a job that cannot be polled is told, and not the end."""
    problem = {"message": "out of service"}
    gateway = Scripted(
        JOB,
        events(("SNAPSHOT", JOB, None), ("POLL_FAILED", JOB, problem), is_complete=False),
        httpx.ConnectError("refused"),
        events(("SNAPSHOT", JOB, None)),
        events(("SNAPSHOT", JOB, None), ("FINISHED", ENDED, None)),
    )
    async with open_shell(gateway) as shell:
        assert await shell.run("watch", "global", graph=None) == EXIT_SUCCEEDED
    assert [line.split()[0] for line in shell.out.text.splitlines()] == ["RUNNING", "SUCCEEDED"]
    assert shell.err.text == "GES cannot be asked now: out of service\n"


async def test_watching_gives_up_when_nothing_comes_any_more() -> None:
    """After several tries; at once when it is refused."""
    async with open_shell(Scripted(JOB, *[httpx.ConnectError("refused")] * 5)) as shell:
        with pytest.raises(AskError, match="refused"):
            await shell.run("watch", "global", graph=None)
    async with open_shell(Scripted(JOB, httpx.Response(401, json={"errors": [{"message": "who?"}]}))) as shell:
        with pytest.raises(AskError, match="who"):
            await shell.run("watch", "global", graph=None)


async def test_rows_are_shown_from_any_place() -> None:
    """Who looks on hears how many more there are."""
    async with open_shell() as shell:
        assert await shell.run("rows", LARGE, first=2, offset=5, format="csv") == EXIT_SUCCEEDED
        assert shell.out.text.splitlines()[1].startswith("5,site-0000005,")
        assert await shell.run("rows", LARGE, first=2, watched=True) == EXIT_SUCCEEDED
        assert shell.err.text == "2 of 100000 rows.\n"
        assert await shell.run("rows", LARGE, first=1, as_json=True) == EXIT_SUCCEEDED
        assert json.loads(shell.out.text) == {"index": 0, "vertexId": "site-0000000", "value": 0.25}


@pytest.mark.parametrize(("job", "code"), [(RUNNING, "JOB_NOT_ENDED"), (FAILED, "")])
@pytest.mark.parametrize("action", ["rows", "export"])
async def test_a_job_without_a_result_is_told(action: str, job: str, code: str) -> None:
    """Whether it may still come to one."""
    async with open_shell() as shell:
        with pytest.raises(AskError) as met:
            await shell.run(action, job, format="csv")
    assert met.value.code == code


@pytest.mark.parametrize("format", ["csv", "ndjson", "arrow"])
async def test_a_result_is_written_to_a_file_or_to_standard_output(tmp_path: Path, format: str) -> None:
    """The same content; of Arrow only what is read counts, for nobody sets the bits behind the last row."""
    path = tmp_path / "rows"
    async with open_shell() as shell:
        assert await shell.run("export", SUCCEEDED, format=format, output=path, watched=True) == EXIT_SUCCEEDED
        assert "MB" in shell.err.text
        assert await shell.run("export", SUCCEEDED, format=format) == EXIT_SUCCEEDED
        shell.out.seek(0)
        shown, written = shell.out.buffer.read(), path.read_bytes()
    if format == "arrow":
        rows = nanoarrow.Array(InputStream.from_readable(written)).to_pylist()
        assert nanoarrow.Array(InputStream.from_readable(shown)).to_pylist() == rows
        assert len(rows) == 19
    else:
        assert shown == written
        assert len(written.splitlines()) == 19 + (format == "csv")


@pytest.mark.parametrize("format", ["csv", "ndjson"])
async def test_a_file_is_continued_where_it_broke_off(tmp_path: Path, format: str) -> None:
    """It ends as one that never did; without a partial file it is written from the start."""
    path = tmp_path / "rows"
    async with open_shell() as shell:
        await shell.run("export", SUCCEEDED, format=format, output=path, resume=True)
        whole = path.read_bytes()
        path.unlink()
        (tmp_path / "rows.part").write_bytes(whole[: len(whole) // 2])
        assert await shell.run("export", SUCCEEDED, format=format, output=path, resume=True) == EXIT_SUCCEEDED
        assert shell.err.text.startswith("Going on behind ")
        assert path.read_bytes() == whole
        assert not (tmp_path / "rows.part").exists()


async def test_texts_are_left_as_they_are_when_asked_so() -> None:
    """The gateway is told."""
    place = {**ENDED, "result": {"export": {"path": "export/x.csv", "totalCount": 1}}}
    asked: list[httpx.URL] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url)
        if request.method == "POST":
            return httpx.Response(200, json={"data": {"job": place}})
        return httpx.Response(200, stream=httpx.ByteStream(b"raw\r\n"))

    async with open_shell(httpx.MockTransport(answer)) as shell:
        await shell.run("export", "global", graph=None, format="csv", verbatim=True)
    assert asked[1].query == b"verbatim=true"


class Broken(httpx.AsyncByteStream):
    """A body that breaks off."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield b"vertexId\r\na\r\nb"
        raise httpx.RemoteProtocolError("TransferEncodingError")


async def test_a_download_that_is_cut_off_leaves_a_partial_file(tmp_path: Path) -> None:
    """And says how to go on; the file itself is not there."""
    path = tmp_path / "rows.csv"
    place = {**ENDED, "result": {"export": {"path": "export/x.csv", "totalCount": 3}}}
    async with open_shell(Scripted(place, httpx.Response(200, stream=Broken()))) as shell:
        with pytest.raises(AskError):
            await shell.run("export", "global", graph=None, format="csv", output=path)
    assert "--resume" in shell.err.text
    assert not path.exists()
    assert (tmp_path / "rows.csv.part").read_bytes() == b"vertexId\r\na\r\nb"


def test_the_table_holds_every_command() -> None:
    """Each with a sentence for its help."""
    assert list(COMMANDS) == ["get", "wait", "watch", "rows", "export"]
