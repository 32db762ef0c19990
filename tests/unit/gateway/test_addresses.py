"""Service addresses: the operator's rules decide where a token goes, whatever GES reports."""

import pytest

from gateway.addresses import AddressBook
from gateway.upstream_settings import PRIVATE_NETWORKS


def a_book(*allow: str, management: str | None = "https://GES.example/", **static: str) -> AddressBook:
    """Make the rules that the settings would give."""
    return AddressBook.build(static=static, allow=allow, scheme="http", management=management)


@pytest.mark.parametrize("address", ["10.1.2.3", "172.31.255.255", "192.168.0.1"])
def test_private_addresses_are_used_by_default(address: str) -> None:
    """The usual SERVER_URL is the floating address inside the VPC."""
    book = a_book(*PRIVATE_NETWORKS)
    assert book.origin("movies", [address], enable_https=False) == f"http://{address}"


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "0.0.0.0",
        "169.254.169.254",
        "100.64.0.1",
        "172.32.0.1",
        "8.8.8.8",
        "::1",
        "::",
        "fe80::1",
        "fe80::1%eth0",
        "fd00::1",
        "::ffff:10.0.0.1",
        "10.0.0.1:80",
        "10.0.0.1:8080",
        "010.0.0.1",
        "10.0.0.1/x",
        "10.0.0.1@evil.example",
        "evil.example#10.0.0.1",
        "evil.example",
        "localhost",
        "[fd00::1]",
        "ges.example:8443",
        "notges.example",
        "",
    ],
)
def test_any_other_address_is_not(address: str) -> None:
    """Loopback, metadata services, other spellings of a private address, a port or a name that nobody listed."""
    assert a_book(*PRIVATE_NETWORKS).origin("movies", [address], enable_https=True) is None


def test_what_the_operator_lists_is_used() -> None:
    """Networks of both families, names, and a port only together with its host."""
    book = a_book("fd00::/8", "Graphs.Example", "10.0.0.1:8080", "[fd00::5]:8443")
    origins = {
        "fd00::1": "http://[fd00::1]",
        "FD00::1": "http://[fd00::1]",
        "graphs.example": "http://graphs.example",
        "GRAPHS.example": "http://GRAPHS.example",
        "10.0.0.1:8080": "http://10.0.0.1:8080",
        "[fd00::5]:8443": "http://[fd00::5]:8443",
    }
    for address, origin in origins.items():
        found = book.origin("movies", [address], enable_https=False)
        assert found is not None
        assert found.lower() == origin.lower()
    for address in ("10.0.0.1", "10.0.0.1:8081", "graphs.example:80", "www.graphs.example"):
        assert book.origin("movies", [address], enable_https=False) is None


def test_security_mode_means_https() -> None:
    """With it only HTTPS works; where GES does not say, the setting decides."""
    book = AddressBook.build(static={}, allow=["10.0.0.0/8"], scheme="http", management=None)
    careful = AddressBook.build(static={}, allow=["10.0.0.0/8"], scheme="https", management=None)
    assert book.origin("movies", ["10.0.0.1"], enable_https=True) == "https://10.0.0.1"
    assert book.origin("movies", ["10.0.0.1"], enable_https=None) == "http://10.0.0.1"
    assert careful.origin("movies", ["10.0.0.1"], enable_https=False) == "https://10.0.0.1"


def test_the_first_allowed_address_is_taken() -> None:
    """GES gives the floating address first, then the physical ones, then a public one."""
    book = a_book("10.0.0.0/8")
    assert book.origin("movies", ["8.8.8.8", "10.0.0.2", "10.0.0.3"], enable_https=False) == "http://10.0.0.2"
    assert book.origin("movies", [], enable_https=False) is None


def test_the_management_plane_is_always_allowed() -> None:
    """The credential goes there anyway, by the scheme that the operator gave."""
    assert a_book().origin("movies", ["ges.EXAMPLE"], enable_https=False) == "https://GES.example"
    assert a_book(management=None).origin("movies", ["ges.example"], enable_https=False) is None


def test_the_operators_address_of_a_graph_overrides_what_is_reported() -> None:
    """It is used as it is, for that graph alone."""
    book = a_book("10.0.0.0/8", movies="https://graphs.example:9000/")
    assert book.origin("movies", ["10.0.0.1"], enable_https=False) == "https://graphs.example:9000"
    assert book.origin("books", ["10.0.0.1"], enable_https=False) == "http://10.0.0.1"
