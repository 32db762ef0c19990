"""Clients of every kind, for ever: who asks, who watches, who takes large pages, who leaves, who sends nonsense.

Knows what is right: the answer a gateway gives before any trouble, or a code of the contract.
"""

import asyncio
import json
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from gateway.http.answer import STATUS_BY_CODE
from gateway.http.problems import INTERNAL
from schema.errors import RequestRefusedError
from schema.problem import ProblemCode
from tests.e2e.threats import job_id
from tests.e2e.troubled import QUERIES, TOKEN, told_alike

HEADERS = {"X-Auth-Token": TOKEN}
CODES = {code.name for code in ProblemCode} | {error.code for error in RequestRefusedError.__subclasses__()}
CODES |= {*STATUS_BY_CODE}
# About jobs that have ended, and so the same at any time.
STEADY = ("FindJob", "TriageImport", "FirstPage", "NextPage", "TypedRows", "ReadAgain", "TooMuch")
LARGE_ROWS = 30_000
LARGE = (
    f'{{ job(id: "{job_id("supply_chain", 7)}") {{ result {{ rows(first: {LARGE_ROWS}) {{ nodes {{ index }} }} }} }} }}'
)
WATCH = f'subscription {{ jobUpdated(id: "{job_id("supply_chain", 2)}") {{ type job {{ status }} }} }}'
NONSENSE = (b"", b"null", b"[" * 5000, b'{"query": "{ a"}', b'{"query": "{ jobs { nothing } }"}', b"\xff")
_MOST_COMPLAINTS = 20


@dataclass
class Load:
    """Asks one gateway, and notes what came of it."""

    url: str
    right: dict[str, Any] = field(default_factory=dict)
    outcomes: Counter[str] = field(default_factory=Counter)
    complaints: list[str] = field(default_factory=list)
    # Troubles may break a large page off in the middle; without one nothing may.
    is_troubled: Callable[[], bool] = lambda: False

    async def learn(self) -> None:
        """Note what is right; nothing must be in trouble."""
        async with aiohttp.ClientSession() as session:
            for name in STEADY:
                self.right[name] = told_alike(json.loads(await self._post(session, QUERIES[name])))

    async def client(self, seed: int, over: asyncio.Event) -> None:
        """Play one client until it is over."""
        chance = random.Random(seed)
        acts: Mapping[Callable[[aiohttp.ClientSession, random.Random], Awaitable[None]], int] = {
            self._ask: 20,
            self._leave: 3,
            self._watch: 2,
            self._take_a_large_page: 1,
            self._send_nonsense: 2,
        }
        while not over.is_set():
            # A new session now and then: connections come and go as well.
            async with aiohttp.ClientSession() as session:
                for _ in range(chance.randint(5, 50)):
                    if over.is_set():
                        return
                    [act] = chance.choices([*acts], [*acts.values()])
                    await self._acted(act, session, chance)

    async def is_right(self) -> bool:
        """Ask every steady query once; tell whether all are answered as before any trouble."""
        async with aiohttp.ClientSession() as session:
            told = {name: told_alike(json.loads(await self._post(session, QUERIES[name]))) for name in STEADY}
        return told == self.right

    async def _acted(
        self,
        act: Callable[[aiohttp.ClientSession, random.Random], Awaitable[None]],
        session: aiohttp.ClientSession,
        chance: random.Random,
    ) -> None:
        try:
            async with asyncio.timeout(30):
                await act(session, chance)
        except (TimeoutError, aiohttp.ClientError, ValueError, KeyError) as error:
            self._complain(f"{act.__name__}: {type(error).__name__} {error}")

    async def _ask(self, session: aiohttp.ClientSession, chance: random.Random) -> None:
        name = chance.choice([*QUERIES])
        headers = {"Cache-Control": "no-cache"} if chance.random() < 0.3 else {}
        self._judge(name, json.loads(await self._post(session, QUERIES[name], **headers)))

    async def _leave(self, session: aiohttp.ClientSession, chance: random.Random) -> None:
        try:
            async with asyncio.timeout(chance.random() * 0.05):
                await self._post(session, QUERIES["GraphJobs"], **{"Cache-Control": "no-cache"})
        except TimeoutError:
            self.outcomes["left"] += 1

    async def _watch(self, session: aiohttp.ClientSession, chance: random.Random) -> None:
        headers = {**HEADERS, "Accept": "text/event-stream"}
        events = chance.randint(1, 3)
        async with session.post(self.url, json={"query": WATCH}, headers=headers) as answer:
            try:
                async with asyncio.timeout(3):
                    async for line in answer.content:
                        if line.startswith(b"data: {"):
                            self._judge("watch", json.loads(line[6:]))
                            events -= 1
                        if not events:
                            break
            except TimeoutError:
                self.outcomes["watched in vain"] += 1

    async def _take_a_large_page(self, session: aiohttp.ClientSession, _: random.Random) -> None:
        was_troubled = self.is_troubled()
        try:
            told = json.loads(await self._post(session, LARGE))
        except aiohttp.ClientPayloadError:
            if not (was_troubled or self.is_troubled()):
                raise
            self.outcomes["broken off"] += 1
            return
        if "errors" not in told:
            nodes = told["data"]["job"]["result"]["rows"]["nodes"]
            if [nodes[0]["index"], nodes[-1]["index"], len(nodes)] != [0, LARGE_ROWS - 1, LARGE_ROWS]:
                self._complain("a large page of other rows")
        self._judge("large", told)

    async def _send_nonsense(self, session: aiohttp.ClientSession, chance: random.Random) -> None:
        headers = {**HEADERS, "Content-Type": "application/json"}
        async with session.post(self.url, data=chance.choice(NONSENSE), headers=headers) as answer:
            self._judge("nonsense", await answer.json(content_type=None))

    async def _post(self, session: aiohttp.ClientSession, query: str, **headers: str) -> bytes:
        async with session.post(self.url, json={"query": query}, headers={**HEADERS, **headers}) as answer:
            return await answer.read()

    def _judge(self, name: str, told: Any) -> None:
        codes = {error["extensions"]["code"] for error in told.get("errors", ())}
        if name in self.right and told_alike(told) == self.right[name]:
            self.outcomes["right"] += 1
        elif codes and (codes - CODES or INTERNAL in codes or ("NOT_FOUND" in codes and name in STEADY)):
            self._complain(f"{name}: {json.dumps(told)}")
        elif codes:
            self.outcomes["coded"] += 1
        elif name in self.right:
            self._complain(f"{name}: {json.dumps(told)}")
        else:
            self.outcomes["answered"] += 1

    def _complain(self, text: str) -> None:
        self.outcomes["wrong"] += 1
        if len(self.complaints) < _MOST_COMPLAINTS:
            self.complaints.append(text[:500])
