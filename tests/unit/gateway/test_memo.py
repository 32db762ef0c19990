"""The memo: each question of an operation is asked once, whoever asks and whatever comes of it."""

import asyncio

import pytest

from gateway.memo import Memo

pytestmark = pytest.mark.anyio


class Source:
    """Answers with how often it was asked; waits until it is let go, fails when it is told to."""

    def __init__(self) -> None:
        self.asked = 0
        self.is_open = asyncio.Event()
        self.error: Exception | None = None

    async def ask(self) -> int:
        self.asked += 1
        number = self.asked
        await self.is_open.wait()
        if self.error:
            raise self.error
        return number


async def test_what_was_found_is_not_asked_again() -> None:
    """Neither later nor at the same time; another key is another question."""
    memo, source = Memo[int](), Source()
    asking = [asyncio.create_task(memo.find("a", source.ask)) for _ in range(3)]
    await asyncio.sleep(0)
    source.is_open.set()
    assert await asyncio.gather(*asking) == [1, 1, 1]
    assert await memo.find("a", source.ask) == 1
    assert await memo.find("b", source.ask) == 2


async def test_an_error_is_found_as_well() -> None:
    """Asking again would give the same client another answer in the same breath."""
    memo, source = Memo[int](), Source()
    source.error = ValueError("no")
    source.is_open.set()
    for _ in range(2):
        with pytest.raises(ValueError, match="no"):
            await memo.find("a", source.ask)
    assert source.asked == 1


async def test_what_is_forgotten_is_asked_again() -> None:
    """For whoever waited and wants to look anew."""
    memo, source = Memo[int](), Source()
    source.is_open.set()
    assert await memo.find("a", source.ask) == 1
    memo.forget()
    assert await memo.find("a", source.ask) == 2


async def test_when_the_first_to_ask_is_cancelled_the_next_one_asks() -> None:
    """He waits for the answer and not for whoever asked."""
    memo, source = Memo[int](), Source()
    first, second = (asyncio.create_task(memo.find("a", source.ask)) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    source.is_open.set()
    assert await second == 2


async def test_closing_ends_whoever_still_asks() -> None:
    """Nothing of an operation outlives it."""
    memo, source = Memo[int](), Source()
    asking = asyncio.create_task(memo.find("a", source.ask))
    await asyncio.sleep(0)
    await memo.close()
    assert asking.cancelled()
