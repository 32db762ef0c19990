"""The caller: a scope that tells callers apart and a credential that is never shown."""

from gateway.auth.caller import Caller, scope_of


def test_a_scope_tells_credentials_and_processes_apart() -> None:
    """The same credential gives the same scope in one process, and another one in the next."""
    assert scope_of("token", b"one") == scope_of("token", b"one")
    assert scope_of("token", b"one") != scope_of("nekot", b"one")
    assert scope_of("token", b"one") != scope_of("token", b"two")


def test_a_scope_reveals_nothing_of_the_credential() -> None:
    """It ends in keys and metrics: of one length for every credential, printable, and without any of it."""
    scopes = [scope_of(credential, b"one") for credential in ("a", "token-of-somebody", "x" * 16_000)]
    assert len({len(scope) for scope in scopes}) == 1
    assert len(scopes[0]) >= 32
    assert all(scope.isalnum() and scope.isascii() for scope in scopes)
    assert "token-of-somebody" not in scopes[1]


def test_a_caller_shows_no_credential() -> None:
    """Callers end in logs and tracebacks."""
    assert "s3cret" not in repr(Caller("scope", {"X-Auth-Token": "s3cret"}))
