"""What goes wrong, kind by kind, as far as an ASGI application can do it. Knows when nothing of it; see `trouble`."""

import asyncio
import re
import zlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import msgspec
from starlette.datastructures import Headers
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

Sleep = Callable[[float], Awaitable[object]]

_PAGE = "<html><head><title>Welcome</title></head><body>This is not the service you look for.</body></html>"
_ELSEWHERE = "http://elsewhere.example"
_STATUS = re.compile(rb'("status":\s*)"[^"]*"')
_TEXT = re.compile(rb':\s*"')
# More than a gateway reads by default, from less than a hundred KiB on the wire.
_BOMB_STEPS, _BOMB_STEP_BYTES = 80, 2**20
_ENDLESS_CHUNK = b" " * 2**16


@dataclass(frozen=True, slots=True)
class Troubled:
    """A call that is about to go wrong, and all that an effect may need for it. `number` counts the calls struck."""

    app: ASGIApp
    scope: Scope
    receive: Receive
    send: Send
    seconds: float
    sleep: Sleep
    number: int = 1

    async def reply(self, reply: ASGIApp) -> None:
        """Answer by this instead of the plane."""
        await reply(self.scope, self.receive, self.send)

    async def pass_on(self) -> None:
        """Let the plane answer as it would."""
        await self.app(self.scope, self.receive, self.send)

    async def good_answer(self) -> "GoodAnswer":
        """Return what the plane would have answered."""
        messages: list[Message] = []

        async def keep(message: Message) -> None:
            messages.append(message)

        await self.app(self.scope, self.receive, keep)
        start, *pieces = messages
        body = b"".join(bytes(piece.get("body", b"")) for piece in pieces)
        return GoodAnswer(start["status"], start["headers"], body)

    async def abandoned(self) -> None:
        """Wait until whoever called has gone."""
        while (await self.receive())["type"] != "http.disconnect":
            pass


@dataclass(frozen=True, slots=True)
class GoodAnswer:
    """An answer before it is spoiled."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes

    def with_body(self, body: bytes) -> Response:
        """Return the same answer with another body, its length told right."""
        return Response(body, self.status, media_type="application/json")


async def _latency(call: Troubled) -> None:
    await call.sleep(call.seconds)
    await call.pass_on()


async def _status_503(call: Troubled) -> None:
    await call.reply(JSONResponse({"error_code": "APIG.0613", "error_msg": "The service is unavailable."}, 503))


async def _flapping(call: Troubled) -> None:
    await (_status_503(call) if call.number % 2 else call.pass_on())


async def _throttled(call: Troubled, headers: Mapping[str, str] | None = None) -> None:
    body = {"error_code": "APIG.0308", "error_msg": "The throttling threshold has been reached."}
    await call.reply(JSONResponse(body, 429, headers))


async def _throttled_with_pause(call: Troubled) -> None:
    await _throttled(call, {"Retry-After": f"{call.seconds:.0f}"})


async def _hang(call: Troubled) -> None:
    await call.abandoned()


async def _hang_body(call: Troubled) -> None:
    answer = await call.good_answer()
    await call.send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
    half = answer.body[: len(answer.body) // 2]
    await call.send({"type": "http.response.body", "body": half, "more_body": True})
    await call.abandoned()


async def _drip(call: Troubled) -> None:
    """Give a byte, and after so many seconds the next."""
    answer = await call.good_answer()
    await call.send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
    gone = asyncio.ensure_future(call.abandoned())
    for byte in answer.body:
        if gone.done():
            return
        await call.send({"type": "http.response.body", "body": bytes([byte]), "more_body": True})
        await call.sleep(call.seconds)
        # The loop must go round, or the end of the connection is never noticed.
        await asyncio.sleep(0)
    gone.cancel()
    await call.send({"type": "http.response.body", "body": b""})


async def _endless(call: Troubled) -> None:
    headers = [(b"content-type", b"application/json")]
    await call.send({"type": "http.response.start", "status": 200, "headers": headers})
    gone = asyncio.ensure_future(call.abandoned())
    while not gone.done():
        await call.send({"type": "http.response.body", "body": _ENDLESS_CHUNK, "more_body": True})
        await asyncio.sleep(0)


async def _gzip_bomb(call: Troubled) -> None:
    await call.reply(Response(_bomb(), media_type="application/json", headers={"Content-Encoding": "gzip"}))


@lru_cache(maxsize=1)
def _bomb() -> bytes:
    squeezer = zlib.compressobj(level=1, wbits=16 + zlib.MAX_WBITS)
    step = b" " * _BOMB_STEP_BYTES
    return b"".join([squeezer.compress(b'{"jobs":'), *map(squeezer.compress, [step] * _BOMB_STEPS), squeezer.flush()])


async def _garbage(call: Troubled) -> None:
    await call.reply(HTMLResponse(_PAGE))


async def _invalid_utf8(call: Troubled) -> None:
    answer = await call.good_answer()
    await call.reply(answer.with_body(_TEXT.sub(lambda found: found[0] + b"\xff\xfe", answer.body, count=1)))


async def _wrong_types(call: Troubled) -> None:
    answer = await call.good_answer()
    await call.reply(answer.with_body(msgspec.json.encode(_mistyped(msgspec.json.decode(answer.body)))))


def _mistyped(value: Any) -> Any:
    """Keep the members and their names, and give each what it never has."""
    if isinstance(value, dict):
        return {name: _mistyped(member) for name, member in value.items()}
    if isinstance(value, list):
        return {str(index): _mistyped(item) for index, item in enumerate(value)}
    if isinstance(value, bool) or value is None:
        return [value]
    return len(value) if isinstance(value, str) else f"about {value}"


async def _error_with_200(call: Troubled) -> None:
    """Say no as if it were yes, and repeat the token: GES was seen to do either."""
    token = Headers(scope=call.scope).get("x-auth-token", "")
    text = f"no permission for the token {token}"
    is_service = call.scope["path"].startswith("/ges/")
    names = ("errorCode", "errorMessage") if is_service else ("error_code", "error_msg")
    await call.reply(JSONResponse(dict(zip(names, ("GES.9999", text), strict=True))))


async def _unknown_status(call: Troubled) -> None:
    answer = await call.good_answer()
    await call.reply(answer.with_body(_STATUS.sub(rb'\1"hibernating"', answer.body)))


async def _redirect(call: Troubled) -> None:
    await call.reply(Response(status_code=302, headers={"Location": _ELSEWHERE + call.scope["path"]}))


async def _set_cookie(call: Troubled) -> None:
    async def with_cookie(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message["headers"], (b"set-cookie", b"session=of-one-caller; Path=/")]}
        await call.send(message)

    await call.app(call.scope, call.receive, with_cookie)


# An effect may answer by itself, call the app, or call it with a `send` of its own that spoils what passes.
Effect = Callable[[Troubled], Awaitable[None]]
EFFECTS: dict[str, Effect] = {
    "latency": _latency,
    "status503": _status_503,
    "flapping": _flapping,
    "throttled": _throttled_with_pause,
    "throttled_silently": _throttled,
    "hang": _hang,
    "hang_body": _hang_body,
    "drip": _drip,
    "endless": _endless,
    "gzip_bomb": _gzip_bomb,
    "garbage": _garbage,
    "invalid_utf8": _invalid_utf8,
    "wrong_types": _wrong_types,
    "error_with_200": _error_with_200,
    "unknown_status": _unknown_status,
    "redirect": _redirect,
    "set_cookie": _set_cookie,
}
