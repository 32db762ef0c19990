"""Tokens: what each opens, and when those that IAM issued end."""

from datetime import UTC, datetime, timedelta

import pytest

from gateway.demo.tokens import Rights, issue, rights_of

_NOW = datetime(2026, 3, 5, 2, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("token", "opened"),
    [
        ("sandbox-token-all", ["supply_chain", "hr_people"]),
        ("sandbox-token-supply", ["supply_chain"]),
        ("sandbox-token-restricted", ["supply_chain", "hr_people"]),
    ],
)
def test_a_fixed_token_opens_its_graphs(token: str, opened: list[str]) -> None:
    """And no others."""
    rights = rights_of(token, _NOW)
    assert isinstance(rights, Rights)
    assert [name for name in ("supply_chain", "hr_people") if rights.opens(name)] == opened


@pytest.mark.parametrize(
    ("token", "refusal"),
    [
        (None, "unknown"),
        ("", "unknown"),
        ("somebody-else", "unknown"),
        ("sandbox-token-expired", "expired"),
        ("sandbox-token-issued-", "unknown"),
        ("sandbox-token-issued-nobody-1-M", "unknown"),
        ("sandbox-token-issued-gateway-soon-M", "unknown"),
        ("sandbox-token-issued-gateway-²-M", "unknown"),
        ("sandbox-token-issued-gateway-" + "9" * 5000, "unknown"),
    ],
)
def test_other_tokens_open_nothing(token: str | None, refusal: str) -> None:
    """Refused for the right reason."""
    assert rights_of(token, _NOW) == refusal


def test_an_issued_token_lives_until_its_end() -> None:
    """With the rights of its user."""
    token = issue("supply", _NOW)
    assert rights_of(token, _NOW - timedelta(microseconds=1)) == Rights(frozenset({"supply_chain"}))
    assert rights_of(token, _NOW) == "expired"


def test_an_issued_token_is_as_long_as_real_ones() -> None:
    """Headers must have room for kilobytes."""
    assert len(issue("gateway", _NOW)) > 2000
