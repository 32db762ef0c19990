"""What is let in: bodies within their size and encoding, waits that can be meant, no credential."""

from __future__ import annotations

import gzip
import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from gateway.planes.intake import (
    EXPAND_STEP_BYTES,
    SMALL_BODY_BYTES,
    Intake,
    NoRoomError,
    Room,
    UnacceptableBodyError,
    retry_after_seconds,
    without_credentials,
)

pytestmark = pytest.mark.anyio

MANY = 2**40
NOW = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
TOKEN = "MIIF8wYJKoZIhvcNAQcCoIIF5DCCBeACAQExDTALBglghkgBZQMEAgEwggQF/abc+def=="


class Chunks:
    """A body in pieces that knows how many were asked for."""

    def __init__(self, *chunks: bytes) -> None:
        self.chunks = chunks
        self.taken = 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in self.chunks:
            self.taken += 1
            yield chunk


def plain(max_body_bytes: int = 10, room: Room | None = None) -> Intake:
    return Intake(max_body_bytes=max_body_bytes, accept_compressed=False, room=room or Room(MANY))


def compressed(max_body_bytes: int) -> Intake:
    return Intake(max_body_bytes=max_body_bytes, accept_compressed=True, room=Room(MANY))


async def test_a_body_up_to_the_limit_is_taken_whole() -> None:
    """Ten bytes where ten are allowed."""
    intake = plain(10)
    assert await intake.take({"content-length": "10"}, Chunks(b"01234", b"56789")) == b"0123456789"
    assert intake.received_bytes == 10


async def test_a_body_that_announces_too_much_is_not_read() -> None:
    """Refused by its head."""
    body = Chunks(b"0")
    with pytest.raises(UnacceptableBodyError, match=r"^GES answered with more than 10 bytes\.$"):
        await plain(10).take({"content-length": "11"}, body)
    assert body.taken == 0


@pytest.mark.parametrize("length", ["", "-1", "many", "1e3"])
async def test_a_length_that_is_no_number_announces_nothing(length: str) -> None:
    """The bytes are counted all the same."""
    assert await plain(10).take({"content-length": length}, Chunks(b"ok")) == b"ok"


async def test_a_length_of_ten_thousand_digits_is_too_much() -> None:
    """And no ValueError of int's."""
    with pytest.raises(UnacceptableBodyError):
        await plain(10).take({"content-length": "9" * 10_000}, Chunks(b"0"))


async def test_large_bodies_share_room_while_they_are_collected() -> None:
    """One that does not fit is given up; what it held is there again at once, and small ones never ask."""
    room, piece = Room(2 * SMALL_BODY_BYTES), b"0" * SMALL_BODY_BYTES
    large = Chunks(piece, piece, piece, piece)
    with pytest.raises(NoRoomError):
        await plain(MANY, room).take({}, large)
    assert len(await plain(MANY, room).take({}, Chunks(piece, piece, piece))) == 3 * SMALL_BODY_BYTES
    room.take(2 * SMALL_BODY_BYTES)
    assert await plain(MANY, room).take({}, Chunks(piece)) == piece
    with pytest.raises(NoRoomError):
        await plain(MANY, room).take({}, Chunks(piece, b"0"))


async def test_a_body_that_is_passed_on_needs_no_room() -> None:
    """It is never held."""
    passed: list[int] = []

    async def sink(piece: bytes) -> None:
        passed.append(len(piece))

    chunks = Chunks(*[b"0" * SMALL_BODY_BYTES] * 3)
    assert await plain(MANY, Room(0)).take({}, chunks, sink) == b""
    assert passed == [SMALL_BODY_BYTES] * 3


async def test_an_endless_body_is_left_at_the_first_byte_too_many() -> None:
    """Whatever was announced."""
    body, intake = Chunks(*[b"0123"] * 1000), plain(10)
    with pytest.raises(UnacceptableBodyError, match="10 bytes"):
        await intake.take({}, body)
    assert (body.taken, intake.received_bytes) == (3, 12)


@pytest.mark.parametrize("encoding", ["gzip", "br", "deflate", "gzip, gzip"])
async def test_an_encoding_that_was_not_asked_for_is_refused(encoding: str) -> None:
    """Before anything is read."""
    body = Chunks(b"0")
    with pytest.raises(UnacceptableBodyError, match="encoding"):
        await plain().take({"content-encoding": encoding}, body)
    assert body.taken == 0


async def test_only_gzip_may_be_switched_on() -> None:
    """Others were not asked for."""
    with pytest.raises(UnacceptableBodyError, match="encoding"):
        await compressed(10).take({"content-encoding": "br"}, Chunks(b"0"))


@pytest.mark.parametrize("encoding", ["identity", " Identity ", ""])
async def test_identity_is_no_encoding(encoding: str) -> None:
    """Some servers say so."""
    assert await plain().take({"content-encoding": encoding}, Chunks(b"ok")) == b"ok"


@pytest.mark.parametrize("size", [1, 1000, EXPAND_STEP_BYTES, 2 * EXPAND_STEP_BYTES + 1])
@pytest.mark.parametrize("cut", [1, 7, 100_000])
async def test_a_compressed_body_is_expanded_however_it_is_cut(size: int, cut: int) -> None:
    """Also where a step ends exactly with the body."""
    content = b"x" * size
    packed = gzip.compress(content)
    body = Chunks(*(packed[at : at + cut] for at in range(0, len(packed), cut)))
    assert await compressed(size + 100).take({"content-encoding": "GZIP"}, body) == content


async def test_a_body_that_hardly_shrinks_is_expanded() -> None:
    """Random bytes come out larger than they are."""
    content = os.urandom(3000)
    intake = compressed(4000)
    assert await intake.take({"content-encoding": "x-gzip"}, Chunks(gzip.compress(content))) == content
    assert intake.received_bytes > 3000


async def test_a_bomb_is_left_at_the_limit() -> None:
    """Ten megabytes in ten kilobytes: at most a step too many is ever expanded."""
    bomb = gzip.compress(b"\0" * 10_000_000, 9)
    assert len(bomb) < 20_000
    with pytest.raises(UnacceptableBodyError, match="more than 200000 bytes"):
        await compressed(200_000).take({"content-encoding": "gzip"}, Chunks(bomb))


PACKED = gzip.compress(b"hello")


@pytest.mark.parametrize(
    "chunks", [(PACKED[:-1],), (), (b"hello",), (PACKED, b"more"), (PACKED + PACKED,), (PACKED[:12] + b"\xff" * 9,)]
)
async def test_a_damaged_compressed_body_is_refused(chunks: tuple[bytes, ...]) -> None:
    """Cut short, never begun, not compressed at all, with something behind its end."""
    with pytest.raises(UnacceptableBodyError, match="damaged"):
        await compressed(1000).take({"content-encoding": "gzip"}, Chunks(*chunks))


@pytest.mark.parametrize(
    ("content", "clean"),
    [
        (f'{{"error_msg":"token {TOKEN} is bad"}}', '{"error_msg":"token *** is bad"}'),
        (f'{{"error_msg":"{TOKEN}","again":"{TOKEN}"}}', '{"error_msg":"***","again":"***"}'),
        (f'{{"error_msg":"{TOKEN[:30]}... is bad"}}', '{"error_msg":"*** is bad"}'),
        (f'{{"error_msg":"say \\"{TOKEN}\\" again"}}', '{"error_msg":"say \\"***\\" again"}'),
        (f'{{"error_msg":"{TOKEN}\\n"}}', '{"error_msg":"***\\n"}'),
        (f'{{"error_msg":"{TOKEN.replace("/", chr(92) + "/")}"}}', '{"error_msg":"***"}'),
        (f'{{"url":"/x?t={TOKEN.replace("/", "%2F").replace("=", "%3D")}"}}', '{"url":"/x?t=***"}'),
        ('{"error_msg":"nothing of it"}', '{"error_msg":"nothing of it"}'),
    ],
)
def test_a_token_that_comes_back_is_removed(content: str, clean: str) -> None:
    """Whole, cut short, escaped; and what was JSON stays JSON."""
    assert without_credentials(content.encode(), {"x-auth-token": TOKEN}) == clean.encode()


def test_a_token_whose_start_needs_escapes_is_removed() -> None:
    """The start is what it is found by."""
    token = "MII/F8wY/JKoZIhvcNAQ"
    content = rf'{{"a":"{token}","b":"MII\/F8wY\/JKoZIhvcNAQ","c":"MII%2FF8wY%2FJKoZIhvcNAQ"}}'
    assert without_credentials(content.encode(), {"X-Auth-Token": token}) == b'{"a":"***","b":"***","c":"***"}'


def test_a_short_token_is_removed_where_it_stands() -> None:
    """Only as a whole."""
    assert (
        without_credentials(b'{"a":"to.ken","b":"toXken"}', {"X-Auth-Token": "to.ken"}) == b'{"a":"***","b":"toXken"}'
    )


def test_a_signature_is_removed() -> None:
    """What names the key as well."""
    signed = f"SDK-HMAC-SHA256 Access=AKIDEXAMPLE12345, SignedHeaders=host;x-sdk-date, Signature={'0123abcd' * 8}"
    assert b"0123abcd" not in without_credentials(signed.encode(), {"Authorization": signed})
    assert b"AKIDEXAMPLE" not in without_credentials(signed.encode(), {"Authorization": signed})


def test_other_headers_are_no_credentials() -> None:
    """A date or a trace may be repeated; so may nothing."""
    headers = {"X-Sdk-Date": "20261101T120000Z", "traceparent": "00-aa-bb-01", "X-Auth-Token": ""}
    assert without_credentials(b"20261101T120000Z 00-aa-bb-01", headers) == b"20261101T120000Z 00-aa-bb-01"


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        (None, None),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("0", 0.0),
        (" 7 ", 7.0),
        ("86400", 3600.0),
        ("9" * 5000, 3600.0),
        ("Sun, 01 Nov 2026 12:00:30 GMT", 30.0),
        ("Sun, 01 Nov 2026 12:00:30 -0000", 30.0),
        ("Sun, 01 Nov 2026 11:00:00 GMT", 0.0),
        ("Mon, 01 Nov 2027 12:00:00 GMT", 3600.0),
        ("Sun, 99 Nov 2026 12:00:00 GMT", None),
    ],
)
def test_a_wait_is_seconds_or_a_date_within_an_hour(said: str | None, seconds: float | None) -> None:
    """Anything else is not told to clients."""
    assert retry_after_seconds(said, NOW) == seconds
