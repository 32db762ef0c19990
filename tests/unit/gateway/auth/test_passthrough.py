"""Callers who bring their own token: it goes upstream as it came, and stands for them as a scope."""

import pytest

from gateway.auth.caller import scope_of
from gateway.auth.passthrough import TokenBearers
from schema.errors import BadUserInputError

pytestmark = pytest.mark.anyio
SECRET = b"secret"


async def test_the_token_goes_upstream_under_the_one_name_ges_knows() -> None:
    """GES decides by it, so the gateway has no rule of its own."""
    for caller in (
        TokenBearers(SECRET).known([(b"authorization", b"Bearer abc")]),
        await TokenBearers(SECRET).read([(b"x-auth-token", b"abc")]),
    ):
        assert caller is not None
        assert caller.headers == {"X-Auth-Token": "abc"}
        assert caller.scope == caller.name == scope_of("abc", SECRET)
        assert caller.rights is None


async def test_without_a_token_there_is_no_caller() -> None:
    """Nobody is not an error yet: some fields need no credential."""
    assert await TokenBearers(SECRET).read([]) is None


async def test_what_cannot_be_meant_is_refused() -> None:
    """At once as well as later."""
    headers = [(b"x-auth-token", b"abc"), (b"x-auth-token", b"def")]
    with pytest.raises(BadUserInputError):
        TokenBearers(SECRET).known(headers)
    with pytest.raises(BadUserInputError):
        await TokenBearers(SECRET).read(headers)
