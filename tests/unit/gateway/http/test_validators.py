"""Tests of ETag and If-None-Match."""

import pytest
from starlette.responses import Response

from gateway.http.answer import answer_result
from gateway.http.validators import validate
from schema.execution import Streaming

pytestmark = pytest.mark.anyio


async def an_answer(text: str = "x", cache_control: str = "private, no-cache") -> Response:
    """Answer with a text, which may be long."""
    return await answer_result({"data": text}, cache_control=cache_control)


async def tag_of(text: str = "x") -> str:
    """Return the ETag of an answer."""
    return (await validate(await an_answer(text), None)).headers["etag"]


async def test_equal_answers_have_one_tag_and_others_another() -> None:
    """A weak one: what is compressed is the same content."""
    assert await tag_of() == await tag_of()
    assert await tag_of() != await tag_of("y")
    assert (await tag_of()).startswith('W/"')


@pytest.mark.parametrize("form", ["{}", '"other", {}', '{} , W/"x"', "*", " * "])
async def test_a_client_that_has_it_gets_304(form: str) -> None:
    """Without a body, and with what rules how it may be kept."""
    answer = await validate(await an_answer(), form.format(await tag_of()))
    assert (answer.status_code, answer.body) == (304, b"")
    assert set(answer.headers) == {"etag", "cache-control", "vary"}
    assert answer.headers["etag"] == await tag_of()


async def test_tags_are_compared_weakly() -> None:
    """A proxy may have taken the mark off."""
    assert (await validate(await an_answer(), (await tag_of()).removeprefix("W/"))).status_code == 304


@pytest.mark.parametrize("named", [None, "", "x", '"x"', 'W/"x"', '"*"'])
async def test_a_client_that_has_something_else_gets_all_of_it(named: str | None) -> None:
    """And what cannot be read is something else."""
    assert (await validate(await an_answer(), named)).status_code == 200


async def test_a_large_answer_has_a_tag_as_well() -> None:
    """Hashed in pieces, in a thread."""
    text = "x" * 300_000
    assert (await validate(await an_answer(text), await tag_of(text))).status_code == 304
    assert (await validate(await an_answer(text + "y"), await tag_of(text))).status_code == 200


async def test_an_answer_that_is_still_arriving_has_none() -> None:
    """Nobody knows yet what is in it."""
    nothing = Streaming.__new__(Streaming)
    answer = await answer_result({"data": nothing})
    assert await validate(answer, "*") is answer
    assert "etag" not in answer.headers
