"""The caller: a scope that tells callers apart and a credential that is never shown."""

from gateway.auth.caller import Caller, scope_of


def test_a_scope_tells_credentials_and_processes_apart() -> None:
    """The same credential gives the same scope in one process, and another one in the next."""
    assert scope_of("token", b"one") == scope_of("token", b"one")
    assert scope_of("token", b"one") != scope_of("nekot", b"one")
    assert scope_of("token", b"one") != scope_of("token", b"two")


def test_a_scope_is_the_keyed_hash_of_the_credential() -> None:
    """HMAC-SHA256 over `what do ya want for nothing?` with the key `Jefe` is test case 2 of RFC 4231."""
    expected = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    assert scope_of("what do ya want for nothing?", b"Jefe") == expected


def test_a_caller_shows_no_credential() -> None:
    """Callers end in logs and tracebacks."""
    assert "s3cret" not in repr(Caller("scope", {"X-Auth-Token": "s3cret"}))
