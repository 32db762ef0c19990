"""The caller's own token, read from the headers of his request; what is ambiguous is refused."""

import pytest

from gateway.auth.caller import scope_of
from gateway.auth.passthrough import read_caller
from schema.errors import BadUserInputError

SECRET = b"secret"
Headers = list[tuple[bytes, bytes]]


@pytest.mark.parametrize(
    "headers",
    [
        [(b"x-auth-token", b"abc")],
        [(b"X-Auth-Token", b"  abc ")],
        [(b"authorization", b"Bearer abc")],
        [(b"Authorization", b"bEARER   abc  ")],
        [(b"accept", b"*/*"), (b"authorization", b"Basic Zm9v"), (b"x-auth-token", b"abc")],
        [(b"x-auth-token", b""), (b"authorization", b"Bearer abc")],
    ],
)
def test_a_token_is_read_from_either_header(headers: Headers) -> None:
    """It goes upstream under the one name GES knows, and stands for its caller as a scope."""
    caller = read_caller(headers, SECRET)
    assert caller is not None
    assert caller.headers == {"X-Auth-Token": "abc"}
    assert caller.scope == scope_of("abc", SECRET)


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [(b"cookie", b"x-auth-token=abc")],
        [(b"x-auth-token", b"   ")],
        [(b"authorization", b"Bearer")],
        [(b"authorization", b"Bearer  ")],
        [(b"authorization", b"Basic YWJjOmRlZg==")],
        [(b"authorization", b"abc")],
    ],
)
def test_without_a_token_there_is_no_caller(headers: Headers) -> None:
    """Nobody is not an error yet: some fields need no credential."""
    assert read_caller(headers, SECRET) is None


@pytest.mark.parametrize(
    "headers",
    [
        [(b"x-auth-token", b"abc"), (b"x-auth-token", b"def")],
        [(b"x-auth-token", b"abc"), (b"X-AUTH-TOKEN", b"abc")],
        [(b"x-auth-token", b"abc"), (b"authorization", b"Bearer def")],
        [(b"authorization", b"Bearer abc"), (b"authorization", b"Bearer abc")],
    ],
)
def test_two_credentials_are_refused(headers: Headers) -> None:
    """Whoever reads the same request behind us might take the other one, even if they look the same here."""
    with pytest.raises(BadUserInputError, match="more than one credential"):
        read_caller(headers, SECRET)


@pytest.mark.parametrize(
    "value", [b"a b", b"a\tb", b"a\r\nx-evil: 1", b"a\x00", b"a\x7f", "ü".encode(), b"x" * (16 * 1024 + 1)]
)
@pytest.mark.parametrize(("name", "prefix"), [(b"x-auth-token", b""), (b"authorization", b"Bearer ")])
def test_what_cannot_be_a_token_is_refused(name: bytes, prefix: bytes, value: bytes) -> None:
    """It would be a header of its own upstream, or too large for one; the text repeats none of it."""
    with pytest.raises(BadUserInputError, match="visible ASCII of at most 16 KiB") as caught:
        read_caller([(name, prefix + value)], SECRET)
    assert "evil" not in str(caught.value)


def test_a_token_of_sixteen_kibibytes_is_read() -> None:
    """IAM tokens run to several."""
    caller = read_caller([(b"x-auth-token", b"x" * 16 * 1024)], SECRET)
    assert caller is not None
    assert len(caller.headers["X-Auth-Token"]) == 16 * 1024
