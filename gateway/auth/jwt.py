"""JWT of callers: signature, issuer, audience and times checked, claims turned into graphs. Knows no request."""

from __future__ import annotations

import base64
import binascii
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec
from joserfc import jwt
from joserfc.errors import ExpiredTokenError, InvalidClaimError, JoseError, MissingClaimError
from joserfc.jwk import Key

from gateway.auth.caller import scope_of
from gateway.auth.jwks import Jwks
from schema.errors import UnauthenticatedError

_MOST_REMEMBERED = 10_000
_PARTS = 3
# What reading a token can raise, whatever stands in it.
_UNREADABLE = (JoseError, ValueError, TypeError, KeyError, AttributeError, RecursionError, OverflowError)


@dataclass(frozen=True, slots=True)
class JwtRules:
    """What a token must be, and how its claim becomes graphs: by the table, or as it is when there is none."""

    algorithms: Sequence[str]
    issuer: str
    audience: str
    leeway_seconds: int = 30
    claim: str = "ges_graphs"
    graphs: Mapping[str, Sequence[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Bearer:
    """Who bears a token that was verified: a name for bounds, the graphs he may see, and until when."""

    name: str = field(repr=False)
    graphs: frozenset[str]
    ends_at: float
    generation: int


class _Head(msgspec.Struct):
    kid: str | None = None


class Jwts:
    """Verifies tokens. What was verified is remembered until its end, under a keyed hash, while its keys are."""

    def __init__(
        self,
        rules: JwtRules,
        jwks: Jwks,
        *,
        now: Callable[[], datetime],
        secret: bytes,
        most_remembered: int = _MOST_REMEMBERED,
    ) -> None:
        self._rules = rules
        self._jwks = jwks
        self._now = now
        self._secret = secret
        self._most_remembered = most_remembered
        self._remembered: OrderedDict[str, Bearer] = OrderedDict()

    @staticmethod
    def takes(credential: str) -> bool:
        """Tell whether a credential has the form of a token with claims."""
        return credential.count(".") == _PARTS - 1

    def known(self, token: str) -> Bearer | None:
        """Return who bears a token that was verified before, None when it has to be verified."""
        place = scope_of(token, self._secret)
        bearer = self._remembered.get(place)
        # Asked for every token: or keys that are taken back would go on opening what was verified by them.
        if bearer is None or not self._jwks.hold():
            return None
        if bearer.generation != self._jwks.generation or bearer.ends_at <= self._now().timestamp():
            del self._remembered[place]
            return None
        self._remembered.move_to_end(place)
        return bearer

    async def verify(self, token: str) -> Bearer:
        """Return who bears the token. Raises UnauthenticatedError, or PlaneUnavailableError while there are no keys."""
        if bearer := self.known(token):
            return bearer
        key = await self._jwks.find(_kid_of(token))
        if key is None:
            raise _refused("it is signed with a key that its issuer does not publish")
        bearer = self._verified(token, key)
        self._remembered[scope_of(token, self._secret)] = bearer
        if len(self._remembered) > self._most_remembered:
            self._remembered.popitem(last=False)
        return bearer

    def _verified(self, token: str, key: Key) -> Bearer:
        rules, why = self._rules, "its form or its signature is wrong"
        try:
            claims = jwt.decode(token, key, algorithms=list(rules.algorithms)).claims
            jwt.JWTClaimsRegistry(
                now=int(self._now().timestamp()),
                leeway=rules.leeway_seconds,
                iss={"essential": True, "value": rules.issuer},
                aud={"essential": True, "value": rules.audience},
                exp={"essential": True},
            ).validate(claims)
            return Bearer(
                name=claims.get("sub") or scope_of(token, self._secret),
                graphs=graphs_of(claims, rules),
                ends_at=float(claims["exp"]) + rules.leeway_seconds,
                generation=self._jwks.generation,
            )
        except ExpiredTokenError:
            why = "it has expired"
        except (InvalidClaimError, MissingClaimError) as error:
            why = f"its claim `{error.claim}` is missing or wrong" if error.claim in _TOLD else why
        except _UNREADABLE:
            pass
        # Raised here: what was met may quote the token.
        raise _refused(why)


_TOLD = frozenset({"iss", "aud", "exp", "nbf", "iat"})


def graphs_of(claims: Mapping[str, Any], rules: JwtRules) -> frozenset[str]:
    """Return the graphs that a claim opens: none when it is missing or says nothing that is known."""
    said = _claim(claims, rules.claim)
    words = said.split() if isinstance(said, str) else said if isinstance(said, list) else []
    named = [word for word in words if isinstance(word, str)]
    if not rules.graphs:
        return frozenset(named)
    return frozenset(graph for word in named for graph in rules.graphs.get(word, ()))


def _claim(claims: Mapping[str, Any], name: str) -> object:
    """Find a claim by its name, or by a path with dots: names may hold dots themselves, so the name comes first."""
    if name in claims:
        return claims[name]
    value: object = claims
    for part in name.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def _kid_of(token: str) -> str | None:
    head = token.partition(".")[0]
    try:
        return msgspec.json.decode(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)), type=_Head).kid
    except (msgspec.DecodeError, UnicodeDecodeError, binascii.Error, ValueError, RecursionError):
        pass
    raise _refused("its form is wrong")


def _refused(why: str) -> UnauthenticatedError:
    return UnauthenticatedError(f"The token is not accepted: {why}.")
