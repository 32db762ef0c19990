"""The credential read from the headers of a request; what is ambiguous is refused."""

import pytest

from gateway.auth.credential import read_credential
from schema.errors import BadUserInputError

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
def test_it_is_read_from_either_header(headers: Headers) -> None:
    """Spelled in any case, with spaces around it; what is no bearer's is not looked at."""
    assert read_credential(headers) == "abc"


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
def test_there_may_be_none(headers: Headers) -> None:
    """That is not an error yet: some fields need no credential."""
    assert read_credential(headers) is None


@pytest.mark.parametrize(
    "headers",
    [
        [(b"x-auth-token", b"abc"), (b"x-auth-token", b"def")],
        [(b"x-auth-token", b"abc"), (b"X-AUTH-TOKEN", b"abc")],
        [(b"x-auth-token", b"abc"), (b"authorization", b"Bearer def")],
        [(b"authorization", b"Bearer abc"), (b"authorization", b"Bearer abc")],
    ],
)
def test_r10_two_credentials_are_refused(headers: Headers) -> None:
    """Whoever reads the same request behind us might take the other one, even if they look the same here."""
    with pytest.raises(BadUserInputError, match="more than one credential"):
        read_credential(headers)


@pytest.mark.parametrize(
    "value", [b"a b", b"a\tb", b"a\r\nx-evil: 1", b"a\x00", b"a\x7f", "ü".encode(), b"x" * (16 * 1024 + 1)]
)
@pytest.mark.parametrize(("name", "prefix"), [(b"x-auth-token", b""), (b"authorization", b"Bearer ")])
def test_r10_what_cannot_be_a_credential_is_refused(name: bytes, prefix: bytes, value: bytes) -> None:
    """It would be a header of its own upstream, or too large for one; the text repeats none of it."""
    with pytest.raises(BadUserInputError, match="visible ASCII of at most 16 KiB") as caught:
        read_credential([(name, prefix + value)])
    assert "evil" not in str(caught.value)


def test_one_of_sixteen_kibibytes_is_read() -> None:
    """IAM tokens run to several."""
    assert len(read_credential([(b"x-auth-token", b"x" * 16 * 1024)]) or "") == 16 * 1024
