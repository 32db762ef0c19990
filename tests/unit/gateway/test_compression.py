"""Tests of the compression of answers."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Callable, Mapping
from typing import Any

import brotli
import pytest
import zstandard
from starlette.types import Message, Receive, Scope, Send

from gateway.compression import COMPRESSORS, Choice, Compression, choose, normal

pytestmark = pytest.mark.anyio
JSON = b"application/json; charset=utf-8"
ROWS = [b'{"id":"v%d","label":"movie"},' % number for number in range(30_000)]
LARGE = b"".join(ROWS)
SMALL = LARGE[:1_024]
DECOMPRESS: Mapping[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.decompress,
    "br": brotli.decompress,
    "zstd": lambda content: zstandard.ZstdDecompressor().decompressobj().decompress(content),
}
EACH = pytest.mark.parametrize("encoding", COMPRESSORS)


async def sent(*pieces: bytes, accept: str | None = "gzip", fails: bool = False, **options: Any) -> list[Message]:
    """Return the messages of an answer in these pieces, as a client that accepts something gets them."""
    messages: list[Message] = []
    headers = [(b"content-type", options.pop("media_type", JSON)), *options.pop("headers", ())]

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": options.get("status", 200), "headers": headers})
        for number, piece in enumerate(pieces, 1):
            await send({"type": "http.response.body", "body": piece, "more_body": number < len(pieces) or fails})
        if fails:
            raise RuntimeError("the rows broke off")

    async def receive() -> Message:
        return {"type": "http.request"}

    async def send(message: Message) -> None:
        messages.append(message)

    asked = [] if accept is None else [(b"accept-encoding", value.encode()) for value in accept.split("|")]
    scope = {"type": "http", "method": "GET", "http_version": "1.1", "headers": asked, **options.get("scope", {})}
    try:
        await Compression(app, options.get("compressors", COMPRESSORS))(scope, receive, send)
    except RuntimeError:
        assert fails
    return messages


def body_of(messages: list[Message]) -> bytes:
    """Return the body as it was sent."""
    return b"".join(message["body"] for message in messages[1:])


def headers_of(messages: list[Message]) -> dict[str, str]:
    """Return the headers of an answer."""
    return {name.decode(): value.decode() for name, value in messages[0]["headers"]}


@EACH
@pytest.mark.parametrize("content", [SMALL, LARGE], ids=["small", "large"])
async def test_an_answer_in_one_piece_stays_in_one_piece(encoding: str, content: bytes) -> None:
    """Whoever keeps answers in front keeps it compressed; its length is known."""
    messages = await sent(content, accept=encoding, headers=[(b"content-length", b"%d" % len(content))])
    assert len(messages) == 2
    assert DECOMPRESS[encoding](body_of(messages)) == content
    headers = headers_of(messages)
    assert headers["content-encoding"] == encoding
    assert headers["content-length"] == str(len(body_of(messages)))
    assert len(body_of(messages)) < len(content) / 2
    assert headers["vary"] == "Accept-Encoding"


@EACH
async def test_an_answer_in_pieces_is_compressed_in_pieces(encoding: str) -> None:
    """Never all of it at once; no length is told."""
    messages = await sent(*ROWS, accept=encoding, headers=[(b"content-length", b"%d" % len(LARGE))])
    assert DECOMPRESS[encoding](body_of(messages)) == LARGE
    assert len(messages) > 3
    assert max(len(message["body"]) for message in messages[1:]) < len(LARGE) / 8
    assert "content-length" not in headers_of(messages)
    assert [message["more_body"] for message in messages[1:]] == [True] * (len(messages) - 2) + [False]


@EACH
async def test_an_answer_that_breaks_off_is_not_ended(encoding: str) -> None:
    """Neither as HTTP nor as what it is compressed with."""
    messages = await sent(LARGE, LARGE, accept=encoding, fails=True)
    assert messages[-1]["more_body"]
    if encoding == "gzip":
        with pytest.raises(EOFError):
            gzip.decompress(body_of(messages))
    if encoding == "br":
        with pytest.raises(brotli.error):
            brotli.decompress(body_of(messages))
    if encoding == "zstd":
        reader = zstandard.ZstdDecompressor().decompressobj()
        reader.decompress(body_of(messages))
        assert not reader.eof


async def test_large_pieces_are_compressed_in_a_thread() -> None:
    """The event loop goes on meanwhile; for small ones a thread would take longer than the work."""
    threads: list[bool] = []

    class Witness:
        def compress(self, piece: bytes) -> bytes:
            threads.append(threading.current_thread() is not threading.main_thread())
            return piece

        def flush(self) -> bytes:
            return b""

    for pieces in ((SMALL,), (LARGE,), (SMALL, LARGE)):
        await sent(*pieces, compressors={"gzip": Witness})
    assert threads == [False, True, False, True]


async def test_what_is_small_stays_as_it_is() -> None:
    """Unless the client refuses that; caches learn what it depends on."""
    messages = await sent(SMALL[:-1])
    assert body_of(messages) == SMALL[:-1]
    assert "content-encoding" not in headers_of(messages)
    assert headers_of(messages)["vary"] == "Accept-Encoding"
    insisting = await sent(SMALL[:-1], accept="gzip, identity;q=0")
    assert gzip.decompress(body_of(insisting)) == SMALL[:-1]


@pytest.mark.parametrize("accept", [None, "", "gzip;q=0", "deflate", "identity"])
async def test_who_does_not_ask_for_it_gets_the_plain_answer(accept: str | None) -> None:
    """A header that names nothing of ours is no wish."""
    messages = await sent(LARGE, accept=accept)
    assert body_of(messages) == LARGE
    assert headers_of(messages) == {"content-type": JSON.decode(), "vary": "Accept-Encoding"}


async def test_several_headers_are_one_list() -> None:
    """As HTTP says."""
    assert headers_of(await sent(LARGE, accept="gzip;q=0.5|br"))["content-encoding"] == "br"


@pytest.mark.parametrize("media_type", [b"text/event-stream; charset=utf-8", b'multipart/mixed; boundary="graphql"'])
async def test_streams_of_events_are_never_touched(media_type: bytes) -> None:
    """Each event goes out when it is there, the head before any."""
    plain = [(b"content-type", media_type)]
    messages: list[Message] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": plain})
        assert len(messages) == 1
        await send({"type": "http.response.body", "body": b"x" * 5_000, "more_body": True})
        assert messages[1]["body"] == b"x" * 5_000

    async def send(message: Message) -> None:
        messages.append(message)

    async def receive() -> Message:
        return {"type": "http.request"}

    asked = [(b"accept-encoding", b"gzip, identity;q=0")]
    scope = {"type": "http", "method": "POST", "http_version": "1.1", "headers": asked}
    await Compression(app)(scope, receive, send)
    assert plain == [(b"content-type", media_type)]


@pytest.mark.parametrize(
    ("status", "headers"),
    [
        (200, [(b"content-encoding", b"br")]),
        (204, []),
        (206, []),
        (304, []),
    ],
)
async def test_what_is_encoded_or_no_whole_content_is_not_touched(status: int, headers: list[Any]) -> None:
    """It would be another content."""
    assert body_of(await sent(LARGE, status=status, headers=headers)) == LARGE


async def test_what_was_not_modified_depends_on_the_same_headers() -> None:
    """A cache takes them over for the answer that it has."""
    assert headers_of(await sent(b"", status=304))["vary"] == "Accept-Encoding"


@pytest.mark.parametrize("media_type", [b"font/woff2", b"image/png", b"application/vnd.apache.arrow.stream"])
async def test_what_is_no_text_is_not_touched(media_type: bytes) -> None:
    """Most of it is compressed by itself."""
    messages = await sent(LARGE, media_type=media_type)
    assert (body_of(messages), headers_of(messages)) == (LARGE, {"content-type": media_type.decode()})


@pytest.mark.parametrize("scope", [{"method": "HEAD"}, {"http_version": "1.0"}])
async def test_head_and_the_first_version_of_http_are_not_touched(scope: dict[str, str]) -> None:
    """The one has no body; the other tells the end of a compressed stream by hanging up, as when it is cut off."""
    messages = await sent(LARGE, scope=scope)
    assert (body_of(messages), headers_of(messages)) == (LARGE, {"content-type": JSON.decode()})


async def test_a_strong_etag_becomes_a_weak_one() -> None:
    """The same content, other bytes."""
    assert headers_of(await sent(LARGE, headers=[(b"etag", b'"x"')]))["etag"] == 'W/"x"'
    assert headers_of(await sent(LARGE, headers=[(b"etag", b'W/"x"')]))["etag"] == 'W/"x"'
    assert headers_of(await sent(SMALL[:-1], headers=[(b"etag", b'"x"')]))["etag"] == '"x"'


def test_a_choice_is_spelled_alike_however_it_was_asked_for() -> None:
    """Whoever keeps answers keeps one for each choice."""
    assert choose(b"gzip, deflate, br, zstd") == Choice("zstd")
    assert normal(b"gzip, deflate, br, zstd") == normal(b"zstd;q=0.9, br;q=0.8") == b"zstd"
    assert normal(b"") == normal(b"identity") == b"None"
    assert normal(b"gzip, identity;q=0") == b"gzip!"


async def test_what_is_no_http_request_passes_untouched() -> None:
    """Start and end of the process, and sockets."""
    seen: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope["type"])

    nothing: Any = None
    await Compression(app)({"type": "websocket"}, nothing, nothing)
    assert seen == ["websocket"]
