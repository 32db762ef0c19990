"""What goes wrong in an answer: each kind spoils what it says and nothing beside it."""

import asyncio
import gzip
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.types import Message

from gateway.demo.effects import EFFECTS

pytestmark = pytest.mark.anyio
_PROJECT = "0f3c9a1e5b7d4c2688a0e1f2d3c4b5a6"
_MANAGEMENT = f"/v2/{_PROJECT}/graphs"
_JOB = f"/ges/v1.0/{_PROJECT}/graphs/supply_chain/jobs/5e9c0705-41d8-4b6a-93f0-27ac1d0e0005007740215/status"
_TOKEN = "sandbox-token-all"
Speak = Callable[[str, int], Awaitable[list[Message]]]


@pytest.fixture
def speak(sandbox: Starlette) -> Speak:
    """Ask below HTTP, and leave after so many messages of the answer."""

    async def ask(kind: str, leaves_after: int) -> list[Message]:
        sandbox.state.trouble.set({"service": {"kind": kind}})
        sent: list[Message] = []
        asked: AsyncIterator[Message] = _one_request(sent, leaves_after)

        async def send(message: Message) -> None:
            sent.append(message)

        headers = [(b"x-auth-token", _TOKEN.encode())]
        scope = {"type": "http", "method": "GET", "path": _JOB, "query_string": b"limit=2", "headers": headers}
        await sandbox(scope, lambda: anext(asked), send)
        return sent

    return ask


async def _one_request(sent: list[Message], leaves_after: int) -> AsyncIterator[Message]:
    # The sandbox that spoils an answer looks twice: as the plane, and for the end of the connection.
    while len(sent) < leaves_after:
        await asyncio.sleep(0)
        yield {"type": "http.request", "body": b"", "more_body": False}
    yield {"type": "http.disconnect"}


async def _answer(ges: httpx.AsyncClient, kind: str, path: str = _JOB, **more: Any) -> httpx.Response:
    plane = "service" if path == _JOB else "management"
    await ges.put("/_sandbox/trouble", json={plane: {"kind": kind, **more}})
    return await ges.get(path, params={"limit": 2})


async def test_flapping_fails_every_other_call(ges: httpx.AsyncClient) -> None:
    """The first one, too."""
    statuses = [(await _answer(ges, "flapping")).status_code, *[(await ges.get(_JOB)).status_code for _ in range(3)]]
    assert statuses == [503, 200, 503, 200]


async def test_throttling_says_how_long_or_does_not(ges: httpx.AsyncClient) -> None:
    """As the API gateway before GES does either."""
    told, silent = await _answer(ges, "throttled", seconds=3), await _answer(ges, "throttled_silently")
    assert [(reply.status_code, reply.headers.get("retry-after")) for reply in (told, silent)] == [
        (429, "3"),
        (429, None),
    ]


async def test_half_a_body_comes_and_no_more(speak: Speak) -> None:
    """Until whoever called gives up."""
    start, half = await speak("hang_body", 2)
    length = dict(start["headers"])[b"content-length"]
    assert (half["more_body"], len(half["body"])) == (True, int(length) // 2)


async def test_a_body_drips_byte_by_byte(ges: httpx.AsyncClient, speak: Speak, slept: list[float]) -> None:
    """It would be right, if somebody had the time; who has not leaves."""
    good = await ges.get(_JOB, params={"limit": 2})
    dripped = await _answer(ges, "drip", seconds=1.5)
    assert (dripped.content, set(slept), len(slept)) == (good.content, {1.5}, len(good.content))
    assert len(await speak("drip", 4)) < len(good.content)


async def test_an_endless_body_ends_with_its_caller(speak: Speak) -> None:
    """Blanks, which any JSON may hold, for ever."""
    start, *pieces = await speak("endless", 5)
    assert start["status"] == 200
    assert all(piece["more_body"] and not piece["body"].strip() for piece in pieces)


async def test_a_bomb_is_small_on_the_wire(ges: httpx.AsyncClient) -> None:
    """And more than a gateway reads by default once it is expanded."""
    await ges.put("/_sandbox/trouble", json={"service": {"kind": "gzip_bomb"}})
    async with ges.stream("GET", _JOB) as reply:
        content = b"".join([chunk async for chunk in reply.aiter_raw()])
    assert len(content) < 500_000
    assert len(gzip.decompress(content)) > 64 * 2**20


async def test_text_that_is_no_utf8_is_otherwise_right(ges: httpx.AsyncClient) -> None:
    """One value of the body begins with bytes that no text has."""
    good = await ges.get(_JOB, params={"limit": 2})
    spoiled = (await _answer(ges, "invalid_utf8")).content
    assert spoiled.replace(b"\xff\xfe", b"") == good.content != spoiled


async def test_every_value_has_a_type_that_it_never_has(ges: httpx.AsyncClient) -> None:
    """Members and their names stay."""
    good = (await ges.get(_MANAGEMENT)).json()["graphs"][0]
    mistyped = (await _answer(ges, "wrong_types", _MANAGEMENT)).json()["graphs"]["0"]
    assert good.keys() == mistyped.keys()
    same = [name for name, value in good.items() if value == mistyped[name] or type(value) is type(mistyped[name])]
    assert same == []


@pytest.mark.parametrize(("path", "name"), [(_JOB, "errorCode"), (_MANAGEMENT, "error_code")])
async def test_an_error_may_look_well_and_repeat_the_token(ges: httpx.AsyncClient, path: str, name: str) -> None:
    """Spelled as the plane spells it."""
    reply = await _answer(ges, "error_with_200", path)
    assert (reply.status_code, reply.json()[name]) == (200, "GES.9999")
    assert _TOKEN in reply.text


async def test_a_status_may_be_a_word_nobody_knows(ges: httpx.AsyncClient) -> None:
    """All else stays."""
    good = (await ges.get(_JOB, params={"limit": 2})).json()
    assert (await _answer(ges, "unknown_status")).json() == {**good, "status": "hibernating"}


async def test_a_redirect_leads_to_another_host(ges: httpx.AsyncClient) -> None:
    """With the same path, so that a client that follows would take its token there."""
    reply = await _answer(ges, "redirect")
    assert (reply.status_code, reply.headers["location"]) == (302, f"http://elsewhere.example{_JOB}")


async def test_a_cookie_comes_with_a_good_answer(ges: httpx.AsyncClient) -> None:
    """Whoever keeps it gives it away with the next request."""
    good = (await ges.get(_JOB, params={"limit": 2})).json()
    reply = await _answer(ges, "set_cookie")
    assert (reply.json(), "session" in reply.cookies) == (good, True)


async def test_every_kind_here_is_tested_here_or_with_trouble() -> None:
    """A kind added to the table without a test is noticed."""
    with_trouble = {"latency", "status503", "hang", "garbage"}
    here = {"flapping", "throttled", "throttled_silently", "hang_body", "drip", "endless", "gzip_bomb", "invalid_utf8"}
    here |= {"wrong_types", "error_with_200", "unknown_status", "redirect", "set_cookie"}
    assert set(EFFECTS) == here | with_trouble
