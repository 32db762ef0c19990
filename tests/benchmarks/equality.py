"""How each target is asked for a page, and the proof that all answer the same rows. Nothing is timed before that."""

import itertools
from collections.abc import Iterable
from functools import cache
from typing import Any

import msgspec

from tests.benchmarks.client import AnswerError, Connection, Reply, ask_page, ask_small, connect, get
from tests.benchmarks.fleet import CONSTANT, PASSTHROUGH, Fleet
from tests.benchmarks.shapes import KNOWN_JOB, Shape, new_job, small_answer, status_path


class UnequalError(Exception):
    """A target answers something else than the others, so comparing their speed would compare nothing."""


def write_page(name: str, shape: Shape, first: int) -> bytes:
    """Write the request for a page of a job that nobody has asked about yet, in the words of the target."""
    job_id = new_job(shape.name)
    if name == PASSTHROUGH:
        return get(f"{status_path(job_id)}?offset=0&limit={first}")
    return ask_page(shape, job_id, first)


async def ask_rows(connection: Connection, name: str, shape: Shape, count: int) -> Reply:
    """Ask a target for a page; return the answer, which is as long as that many rows make it. Raises AnswerError."""
    return await connection.ask(write_page(name, shape, count), least_size=_least_size(shape, count))


@cache
def _least_size(shape: Shape, count: int) -> int:
    # Numbers may be written in several ways, so a little less than the rows written closely is no error.
    return len(msgspec.json.encode(shape.nodes(count))) * 9 // 10


async def check(fleet: Fleet, names: Iterable[str], shapes: Iterable[Shape], count: int) -> None:
    """Compare the rows of every target with those that were written. Raises UnequalError."""
    for shape in shapes:
        expected = shape.nodes(count)
        for name in names:
            if name != CONSTANT:
                await _check_rows(fleet, name, shape, expected)
    for name in names:
        if name != PASSTHROUGH:
            await _check_small(fleet, name)


async def _check_rows(fleet: Fleet, name: str, shape: Shape, expected: list[dict[str, Any]]) -> None:
    reply = await _ask(fleet, name, write_page(name, shape, len(expected)))
    nodes = _nodes(name, shape, reply)
    for index, (node, wanted) in enumerate(itertools.zip_longest(nodes, expected)):
        if node != wanted:
            raise UnequalError(f"{name}: row {index} of {shape.name} is {node}, not {wanted}")


async def _check_small(fleet: Fleet, name: str) -> None:
    answer, wanted = (await _ask(fleet, name, ask_small(KNOWN_JOB))).json(), small_answer(KNOWN_JOB)
    if answer != wanted:
        raise UnequalError(f"{name}: the small query gives {answer}, not {wanted}")


async def _ask(fleet: Fleet, name: str, request: bytes) -> Reply:
    connection = await connect((await fleet.get(name)).port)
    try:
        return await connection.ask(request, keep=True)
    except AnswerError as error:
        raise UnequalError(f"{name}: {error}") from error
    finally:
        connection.close()


def _nodes(name: str, shape: Shape, reply: Reply) -> list[dict[str, Any]]:
    content = reply.json()
    try:
        if name == PASSTHROUGH:
            return [shape.node(row) for row in content["data"]["outputs"][shape.name]]
        job = content["data"]["job"]
        found = (job["status"], job["result"]["kind"])
        nodes: list[dict[str, Any]] = job["result"]["rows"]["nodes"]
    except (KeyError, TypeError) as error:
        raise UnequalError(f"{name}: no rows of {shape.name} in {reply.body[:500]!r}") from error
    if found != ("SUCCEEDED", shape.kind):
        raise UnequalError(f"{name}: status and kind of {shape.name} are {found}")
    return nodes
