"""Runs the scenarios: each file is a story, with the answers that clients get and the calls that GES receives."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.gateway import Gateway, open_gateway
from tests.e2e.scenario import Scenario, ScenarioError, Step, differences, fill, read_scenario
from tests.support_clock import FAKE_TIME, fake_time_loop, pass_time

SCENARIOS = {path.stem: path.read_text() for path in sorted((Path(__file__).parent / "scenarios").glob("*.md"))}
# What no answer may ever hold: the secrets of stored requests, and the credentials of callers.
SECRETS = ("SANDBOX-ACCESS-KEY", "sandbox-secret-key", "sandbox-token")
WELL = "well"


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    """Run on a loop of fake time: outages and waits of minutes take none."""
    return FAKE_TIME


@dataclass
class Teller:
    """Tells one scenario to a gateway; what it learns from one answer it may use in later steps."""

    gateway: Gateway
    headers: dict[str, str] = field(default_factory=lambda: {"X-Auth-Token": "sandbox-token-all"})
    known: dict[str, Any] = field(default_factory=dict)

    def change(self, name: str, value: str) -> None:
        """Change the circumstances from here on."""
        if name in ("management", "service"):
            trouble = None if value == WELL else json.loads(value)
            self.gateway.sandbox.state.trouble.set({name: trouble})
        elif name == "seconds passed":
            pass_time(float(value))
        elif name == "token" or name.startswith("header "):
            header = "X-Auth-Token" if name == "token" else name.removeprefix("header ")
            self.headers.pop(header, None)
            self.headers.update({} if value == "none" else {header: value})
        else:
            raise ScenarioError(f"`{name}` cannot be given here.")

    async def tell(self, step: Step) -> list[str]:
        """Ask, and return what differs from the story."""
        for name, value in step.given:
            self.change(name, value)
        began = fake_time_loop().seconds
        response = await self.gateway.ask(step.query, fill(step.variables, self.known), self.headers)
        took = fake_time_loop().seconds - began
        found = differences(step.answer, response.json(), self.known)
        if response.status_code != step.status:
            found.append(f"HTTP {response.status_code}, expected {step.status}")
        if step.took_seconds is not None and took != pytest.approx(step.took_seconds, abs=0.001):
            found.append(f"it took {took} seconds, expected {step.took_seconds}")
        found += [f"the answer holds {secret}" for secret in SECRETS if secret in response.text]
        return [f"{step.name}: {difference}" for difference in found + self._called(step)]

    def _called(self, step: Step) -> list[str]:
        expected = sorted(fill_calls(step.upstream, self.known))
        called = sorted(self.gateway.upstream_calls())
        if called == expected:
            return []
        return ["upstream calls were", *(f"  {call}" for call in called), "expected", *(f"  {c}" for c in expected)]


def fill_calls(calls: tuple[str, ...], known: dict[str, Any]) -> list[str]:
    """Return the calls with learned ids in place of their placeholders."""
    for name, value in known.items():
        calls = tuple(call.replace(f"<{name}>", str(value)) for call in calls)
    return list(calls)


async def tell(scenario: Scenario) -> list[str]:
    """Tell a scenario from its beginning, and return what differs from the story."""
    settings, circumstances = {}, []
    for name, value in scenario.given:
        if name.startswith("setting "):
            settings[name.removeprefix("setting ")] = json.loads(value)
        else:
            circumstances.append((name, value))
    async with open_gateway(**settings) as gateway:
        teller = Teller(gateway)
        for name, value in circumstances:
            teller.change(name, value)
        return [difference for step in scenario.steps for difference in await teller.tell(step)]


@pytest.mark.anyio
@pytest.mark.parametrize("story", SCENARIOS)
async def test_the_story_holds(story: str) -> None:
    """Every answer, and every call to GES, is as the scenario says."""
    found = await tell(read_scenario(SCENARIOS[story]))
    assert not found, "\n".join(found)


def test_the_stories_are_there() -> None:
    """A folder that was moved or renamed would otherwise pass as no stories at all."""
    assert len(SCENARIOS) >= 40


STORY = """# A story

Somebody asks for the version.

## Given

- setting graphiql: false
- token: none

## Ask

### Query

```graphql
{ gateway { readOnly version } }
```

### Answer

```json
{"data": {"gateway": {"readOnly": true, "version": "<version>"}}}
```

### Upstream

None.
"""


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("old", "new", "difference"),
    [
        ("{ gateway", "{ gateway", None),
        ("true", "false", "Ask: .data.gateway.readOnly: True, expected False"),
        ("true", "1", "Ask: .data.gateway.readOnly: True, expected 1"),
        ("version }", "}", "Ask: .data.gateway.version: missing"),
        ('"readOnly": true, ', "", "Ask: .data.gateway.readOnly: unexpected True"),
        ("### Answer", "### Answer (HTTP 400)", "Ask: HTTP 200, expected 400"),
        ("### Upstream", "### Took\n\n7 seconds\n\n### Upstream", "Ask: it took 0.0 seconds, expected 7.0"),
        ("None.", "- `GET /v2`", "Ask: upstream calls were\nAsk: expected\nAsk:   GET /v2"),
        (
            "{ gateway { readOnly version } }",
            '{ gateway { readOnly version } job(id: "sandbox-token") { id } }',
            "Ask: .data.job: unexpected None",
        ),
    ],
)
async def test_a_difference_is_told(old: str, new: str, difference: str | None) -> None:
    """A scenario that is not true fails, and says where."""
    story = STORY.replace(old, new)
    assert difference is None or story != STORY
    found = "\n".join(await tell(read_scenario(story)))
    assert found == "" if difference is None else difference in found


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("# A story", "A story"),
        ("Somebody asks for the version.", ""),
        ("## Ask", "### Ask"),
        ("### Upstream", "### Upsteam"),
        ("### Upstream", "### Answer"),
        ("None.", "Nothing."),
        ("None.", "- `GET /v2`\nand more"),
        ("- token: none", "- token none"),
        ("```graphql", "```json"),
        ("### Query", "### Question"),
        (STORY[STORY.index("## Ask") :], ""),
    ],
)
def test_a_file_that_cannot_be_meant_is_refused(old: str, new: str) -> None:
    """A slip in a scenario must not make it pass by leaving something out."""
    with pytest.raises(ScenarioError):
        read_scenario(STORY.replace(old, new))
