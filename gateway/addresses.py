"""Which addresses of the service plane may be used. What GES reports is checked here before a token goes there."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

_Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class AddressBook:
    """
    The rules of the operator about service addresses.

    `static` maps graph names to origins and overrides discovery. A discovered address is used only if its host is in
    `hosts` or `networks`, and with a port of its own only if `host:port` is listed. The origin of the management
    plane is always allowed: the credential goes there anyway.
    """

    static: Mapping[str, str]
    hosts: frozenset[str]
    networks: tuple[_Network, ...]
    scheme: str
    management: str | None

    @classmethod
    def build(
        cls, *, static: Mapping[str, str], allow: Iterable[str], scheme: str, management: str | None
    ) -> AddressBook:
        """Build the rules from the settings; entries of `allow` are networks, hosts or `host:port`."""
        hosts, networks = set(), []
        for entry in allow:
            try:
                networks.append(ipaddress.ip_network(entry, strict=False))
            except ValueError:
                hosts.add(entry.lower())
        origins = {name: url.rstrip("/") for name, url in static.items()}
        return cls(origins, frozenset(hosts), tuple(networks), scheme, management.rstrip("/") if management else None)

    def origin(self, name: str, addresses: Iterable[str], *, enable_https: bool | None) -> str | None:
        """Return the origin to use: the operator's, else the first reported one that is allowed, else None."""
        if name in self.static:
            return self.static[name]
        for address in addresses:
            if self.management and address.lower() == urlsplit(self.management).netloc.lower():
                return self.management
            if self._allows(address.lower()):
                # Security mode answers HTTPS only; without it the pages describe both schemes.
                return f"{'https' if enable_https else self.scheme}://{_bracketed(address)}"
        return None

    def _allows(self, address: str) -> bool:
        if address in self.hosts:
            return True
        try:
            ip = ipaddress.ip_address(address)
        except ValueError:
            return False  # A name or a port of its own, not listed.
        return any(ip in network for network in self.networks)


def _bracketed(address: str) -> str:
    return f"[{address}]" if address.count(":") > 1 and not address.startswith("[") else address
