"""Trouble on request: each kind does what it says, to the calls it was meant for and to no others."""

from collections.abc import Iterator

import anyio
import httpx
import pytest
from starlette.applications import Starlette
from starlette.types import Message

from gateway.demo.trouble import KINDS

pytestmark = pytest.mark.anyio
_PROJECT = "0f3c9a1e5b7d4c2688a0e1f2d3c4b5a6"
_MANAGEMENT = f"/v2/{_PROJECT}/graphs"
_SERVICE = f"/ges/v1.0/{_PROJECT}/graphs"


async def test_trouble_strikes_its_plane_until_it_is_taken_away(ges: httpx.AsyncClient) -> None:
    """The other plane stays well."""
    await ges.put("/_sandbox/trouble", json={"management": {"kind": "status503"}})
    statuses = [(await ges.get(path)).status_code for path in (_MANAGEMENT, _SERVICE, _MANAGEMENT)]
    await ges.put("/_sandbox/trouble", json={"management": None})
    assert [*statuses, (await ges.get(_MANAGEMENT)).status_code] == [503, 200, 503, 200]


async def test_a_plane_that_is_not_named_stays_as_it_is(ges: httpx.AsyncClient) -> None:
    """PUT changes what it names."""
    await ges.put("/_sandbox/trouble", json={"management": {"kind": "status503"}})
    reply = await ges.put("/_sandbox/trouble", json={"service": {"kind": "garbage"}, "iam": None})
    expected = {"management": {"kind": "status503"}, "service": {"kind": "garbage"}, "iam": None}
    assert reply.json() == expected == (await ges.get("/_sandbox/trouble")).json()


async def test_trouble_ends_after_the_calls_it_was_meant_for(ges: httpx.AsyncClient) -> None:
    """The next two fail, the third is well again."""
    await ges.put("/_sandbox/trouble", json={"service": {"kind": "status503", "times": 2}})
    statuses = [(await ges.get(_SERVICE)).status_code for _ in range(3)]
    assert statuses == [503, 503, 200]
    assert (await ges.get("/_sandbox/trouble")).json()["service"] is None


@pytest.mark.parametrize("name", ["supply_chain", "3b0f6a52-9c1d-4e77-8a35-5d2c90e1f6ab"])
async def test_trouble_may_be_with_one_graph(sandbox: Starlette, ges: httpx.AsyncClient, name: str) -> None:
    """Named as either plane spells it; other calls do not use it up."""
    sandbox.state.trouble.set({"service": {"kind": "status503", "graph": name, "times": 1}})
    paths = [f"{_SERVICE}/hr_people/jobs/status", f"{_SERVICE}/supply_chain/jobs/status", f"{_SERVICE}"]
    assert [(await ges.get(path)).status_code for path in paths] == [200, 503, 200]


async def test_latency_answers_late_but_well(ges: httpx.AsyncClient, slept: list[float]) -> None:
    """For as long as was asked, two seconds if nothing was."""
    await ges.put("/_sandbox/trouble", json={"service": {"kind": "latency", "seconds": 0.5, "times": 1}})
    assert (await ges.get(_SERVICE)).status_code == 200
    await ges.put("/_sandbox/trouble", json={"service": {"kind": "latency"}})
    assert (await ges.get(_SERVICE)).status_code == 200
    assert slept == [0.5, 2.0]


async def test_garbage_is_html_that_looks_well(ges: httpx.AsyncClient) -> None:
    """As proxies send it."""
    await ges.put("/_sandbox/trouble", json={"management": {"kind": "garbage"}})
    reply = await ges.get(_MANAGEMENT)
    assert (reply.status_code, reply.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert reply.text.startswith("<html>")


async def test_a_hanging_call_is_received_and_never_answered(sandbox: Starlette, ges: httpx.AsyncClient) -> None:
    """Until whoever called gives up."""
    sandbox.state.trouble.set({"management": {"kind": "hang"}})
    answered: list[int] = []

    async def call() -> None:
        answered.append((await ges.get(_MANAGEMENT)).status_code)

    async with anyio.create_task_group() as group:
        group.start_soon(call)
        await anyio.wait_all_tasks_blocked()
        group.cancel_scope.cancel()
    assert (answered, len(sandbox.state.calls.calls)) == ([], 1)


async def test_a_hanging_call_is_given_up_when_the_caller_leaves(sandbox: Starlette) -> None:
    """Nothing is sent to a connection that is gone."""
    sandbox.state.trouble.set({"management": {"kind": "hang"}})
    sent: list[object] = []
    messages: Iterator[Message] = iter(
        [{"type": "http.request", "body": b"", "more_body": False}, {"type": "http.disconnect"}]
    )

    async def receive() -> Message:
        return next(messages)

    async def send(message: object) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "GET", "path": _MANAGEMENT, "query_string": b"", "headers": []}
    await sandbox(scope, receive, send)
    assert sent == []


async def test_every_kind_can_be_meant(sandbox: Starlette) -> None:
    """And those of the wire say that they need one."""
    for kind in KINDS:
        sandbox.state.trouble.set({"service": {"kind": kind}})
        assert sandbox.state.trouble.told()["service"] == {"kind": kind}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b'{"management":{"kind":"earthquake"}}',
        b'{"management":{}}',
        b'{"elsewhere":null}',
        b'{"management":{"kind":"hang","times":0}}',
        b'{"management":{"kind":"latency","seconds":-1}}',
        b'{"management":{"kind":"hang","until":"noon"}}',
    ],
)
async def test_trouble_that_cannot_be_meant_is_refused(ges: httpx.AsyncClient, body: bytes) -> None:
    """And changes nothing."""
    reply = await ges.put("/_sandbox/trouble", content=body)
    assert (reply.status_code, list(reply.json())) == (400, ["error"])
    assert (await ges.get("/_sandbox/trouble")).json() == {"management": None, "service": None, "iam": None}
