"""Signatures: equal, byte for byte, to those of the vendor's own signer."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gateway.auth.signing import Signer

CASES: list[dict[str, Any]] = msgspec.json.decode((Path(__file__).parent / "signatures.json").read_bytes())["cases"]
NOW = datetime(2026, 3, 5, 2, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_it_signs_as_the_vendor_does(case: dict[str, Any]) -> None:
    """`signatures.json` says how the expected ones were made."""
    signed = Signer(case["access_key"], case["secret_key"]).sign(
        case["method"],
        case["host"],
        case["path"],
        [(name, value) for name, value in case["query"]],
        now=datetime.strptime(case["date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC),
        headers=case["headers"],
        body=case["body"].encode(),
    )
    assert signed == {"X-Sdk-Date": case["date"], "Authorization": case["authorization"]}


def test_the_date_is_told_in_utc() -> None:
    """Whatever zone the clock is in."""
    elsewhere = NOW.astimezone(timezone(timedelta(hours=8)))
    signer = Signer("ak", "sk")
    assert signer.sign("GET", "h", "/", now=elsewhere) == signer.sign("GET", "h", "/", now=NOW)
    assert signer.sign("GET", "h", "/", now=NOW)["X-Sdk-Date"] == "20260305T020000Z"


def test_a_signer_shows_neither_key() -> None:
    """It ends in tracebacks."""
    assert "hunter2" not in repr(Signer("hunter2", "hunter2"))
