"""How long measuring takes, and which targets are not there."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Effort:
    """How thoroughly to measure; `absent` maps a target that cannot run to the reason."""

    rounds: int
    load_seconds: float
    checked_rows: int
    absent: Mapping[str, str]


def thorough(absent: Mapping[str, str]) -> Effort:
    """What the published figures are measured with."""
    return Effort(rounds=3, load_seconds=2.0, checked_rows=100_000, absent=absent)


def quick(absent: Mapping[str, str]) -> Effort:
    """One look at everything, for the time of a change."""
    return Effort(rounds=1, load_seconds=0.5, checked_rows=1_000, absent=absent)
