"""Tokens: what each opens, and when those that IAM issued end."""

from datetime import UTC, datetime, timedelta

import pytest

from gateway.demo.tokens import Rights, Tokens

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
    rights = Tokens().rights_of(token, _NOW)
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
        ("sandbox-token-issued-gateway-1", "unknown"),
        ("sandbox-token-issued-gateway-1-M", "unknown"),
        ("sandbox-token-issued-gateway-1-0", "unknown"),
        ("sandbox-token-issued-gateway-" + "9" * 5000, "unknown"),
    ],
)
def test_other_tokens_open_nothing(token: str | None, refusal: str) -> None:
    """Refused for the right reason."""
    assert Tokens().rights_of(token, _NOW) == refusal


def test_an_issued_token_lives_until_its_end() -> None:
    """With the rights of its user."""
    tokens = Tokens(lifetime_seconds=20)
    issued = tokens.issue("supply", _NOW)
    assert issued.expires_at == _NOW + timedelta(seconds=20)
    assert tokens.rights_of(issued.text, issued.expires_at - timedelta(microseconds=1)) == Rights(
        frozenset({"supply_chain"})
    )
    assert tokens.rights_of(issued.text, issued.expires_at) == "expired"


def test_issued_tokens_can_be_taken_back() -> None:
    """Those issued so far, and none of the later ones; fixed ones stay."""
    tokens = Tokens()
    early = [tokens.issue("gateway", _NOW).text for _ in range(2)]
    tokens.take_back()
    late = tokens.issue("gateway", _NOW).text
    assert [tokens.rights_of(token, _NOW) for token in early] == ["unknown", "unknown"]
    assert isinstance(tokens.rights_of(late, _NOW), Rights)
    assert isinstance(tokens.rights_of("sandbox-token-all", _NOW), Rights)


def test_an_issued_token_is_as_long_as_real_ones() -> None:
    """Headers must have room for kilobytes."""
    assert len(Tokens().issue("gateway", _NOW).text) > 2000
