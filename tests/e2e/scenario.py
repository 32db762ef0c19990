"""Scenarios as Markdown: reads a story with its steps, and compares an answer with the one expected. Runs nothing."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_HEADING = re.compile(r"(#{1,3}) (\S.*)")
_FENCED = re.compile(r"```(\w+)\n(.*?)\n?```", re.DOTALL)
_BULLET = re.compile(r"- ([\w -]+?): (.+)")
_CALL = re.compile(r"- `(GET \S+)`")
_PLACEHOLDER = re.compile(r"<(\w+)>")
_ANSWER = re.compile(r"Answer(?: \(HTTP (\d{3})\))?")
_NO_CALLS = "None."
_SECTIONS = {"Given", "Query", "Variables", "Answer", "Upstream", "Took"}
# Always compared, whether the scenario states them or not; of the rest of an error only what it states.
_TELLING = ("code", "plane", "retryable")
_LONGEST_SHOWN = 200


class ScenarioError(ValueError):
    """The file is no scenario: a heading, a bullet or a block that cannot be meant."""


@dataclass(frozen=True)
class Step:
    """One question: what changes before it, what is asked, and what must come of it."""

    name: str
    given: tuple[tuple[str, str], ...]
    query: str
    variables: dict[str, Any]
    status: int
    answer: Any
    upstream: tuple[str, ...]
    took_seconds: float | None


@dataclass(frozen=True)
class Scenario:
    """A title, the story in a sentence or two, the circumstances and the steps."""

    title: str
    story: str
    given: tuple[tuple[str, str], ...]
    steps: tuple[Step, ...]


@dataclass(frozen=True)
class _Section:
    level: int
    name: str
    text: str


def read_scenario(text: str) -> Scenario:
    """Read a scenario; raises ScenarioError for anything that would otherwise be passed over in silence."""
    title, *rest = _sections(text)
    if title.level != 1 or not title.text:
        raise ScenarioError("A scenario begins with its title and its story.")
    given: tuple[tuple[str, str], ...] = ()
    steps: list[Step] = []
    while rest:
        head = rest.pop(0)
        parts: list[_Section] = []
        while rest and rest[0].level == 3:
            parts.append(rest.pop(0))
        if head.level != 2:
            raise ScenarioError(f"`{head.name}` belongs to no step.")
        if head.name == "Given" and not steps and not parts:
            given = _given(head.text)
        else:
            steps.append(_step(head.name, parts, steps[-1] if steps else None))
    if not steps:
        raise ScenarioError("A scenario has at least one step.")
    return Scenario(title.name, title.text, given, tuple(steps))


def fill(value: Any, known: Mapping[str, Any]) -> Any:
    """Return the value with what was learned in place of its placeholders."""
    if isinstance(value, dict):
        return {name: fill(item, known) for name, item in value.items()}
    if isinstance(value, list):
        return [fill(item, known) for item in value]
    return known.get(_placeholder(value) or "", value)


def differences(expected: Any, actual: Any, known: dict[str, Any]) -> list[str]:
    """
    Tell where an answer differs from the one expected; nothing when it does not.

    `"<any>"` stands for any value but null. `"<word>"` does so once; what it stood for is put into `known`, and from
    then on the word means that value.
    """
    wanted = {**expected, "errors": _in_order(expected["errors"])} if "errors" in expected else expected
    given = {**actual, "errors": _comparable(wanted, actual)} if "errors" in actual else actual
    return list(_differing(wanted, given, "", known))


def _differing(expected: Any, actual: Any, path: str, known: dict[str, Any]) -> Iterator[str]:
    name = _placeholder(expected)
    if name is not None:
        if name != "any" and name in known:
            yield from _differing(known[name], actual, path, {})
        elif actual is None:
            yield f"{path}: null, expected a value"
        elif name != "any":
            known[name] = actual
    elif isinstance(expected, dict) and isinstance(actual, dict):
        for member in expected.keys() | actual.keys():
            if member not in actual:
                yield f"{path}.{member}: missing"
            elif member not in expected:
                yield f"{path}.{member}: unexpected {_shown(actual[member])}"
            else:
                yield from _differing(expected[member], actual[member], f"{path}.{member}", known)
    elif isinstance(expected, list) and isinstance(actual, list):
        if len(expected) != len(actual):
            yield f"{path}: {len(actual)} entries, expected {len(expected)}: {_shown(actual)}"
        for index, (one, other) in enumerate(zip(expected, actual, strict=False)):
            yield from _differing(one, other, f"{path}[{index}]", known)
    elif expected != actual or isinstance(expected, bool) is not isinstance(actual, bool):
        yield f"{path}: {_shown(actual)}, expected {_shown(expected)}"


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]} ..."


def _comparable(expected: Any, actual: Any) -> list[dict[str, Any]]:
    """Return the errors as far as they are compared."""
    wanted = expected.get("errors", [])
    reduced = []
    for index, error in enumerate(_in_order(actual["errors"])):
        stated = wanted[index] if index < len(wanted) else {}
        told = {name: value for name, value in error.items() if name == "path" or name in stated}
        members = {*_TELLING, *stated.get("extensions", {})}
        told["extensions"] = {name: value for name, value in error["extensions"].items() if name in members}
        reduced.append(told)
    return reduced


def _in_order(errors: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return errors by their places: of fields that fail at the same time, neither is first."""
    return sorted(errors, key=lambda error: str(error.get("path")))


def _placeholder(value: Any) -> str | None:
    match = _PLACEHOLDER.fullmatch(value) if isinstance(value, str) else None
    return match[1] if match else None


def _sections(text: str) -> list[_Section]:
    """Cut a document at its headings; a line inside a block is none."""
    sections: list[tuple[int, str, list[str]]] = []
    is_fenced = False
    for line in text.splitlines():
        is_fenced ^= line.startswith("```")
        heading = None if is_fenced else _HEADING.fullmatch(line)
        if heading:
            sections.append((len(heading[1]), heading[2].strip(), []))
        elif sections:
            sections[-1][2].append(line)
    if not sections:
        raise ScenarioError("A scenario has headings.")
    return [_Section(level, name, "\n".join(lines).strip()) for level, name, lines in sections]


def _step(name: str, parts: list[_Section], before: Step | None) -> Step:
    texts: dict[str, str] = {}
    status = 200
    for part in parts:
        answer = _ANSWER.fullmatch(part.name)
        section = "Answer" if answer else part.name
        if section not in _SECTIONS or section in texts:
            raise ScenarioError(f"`{part.name}` is no section of a step, or there twice.")
        texts[section] = part.text
        status = int(answer[1]) if answer and answer[1] else status
    missing = {"Answer", "Upstream"} - texts.keys()
    if missing or ("Query" not in texts and before is None):
        raise ScenarioError(f"The step `{name}` lacks {', '.join(sorted(missing)) or 'a query'}.")
    # Without a query of its own a step asks the same again.
    query = _block(texts["Query"], "graphql") if "Query" in texts else before.query if before else ""
    inherited = before.variables if before and "Query" not in texts else {}
    return Step(
        name=name,
        given=_given(texts["Given"]) if "Given" in texts else (),
        query=query,
        variables=json.loads(_block(texts["Variables"], "json")) if "Variables" in texts else inherited,
        status=status,
        answer=json.loads(_block(texts["Answer"], "json")),
        upstream=_calls(texts["Upstream"]),
        took_seconds=float(texts["Took"].removesuffix(" seconds")) if "Took" in texts else None,
    )


def _block(text: str, language: str) -> str:
    found = _FENCED.findall(text)
    if len(found) != 1 or found[0][0] != language:
        raise ScenarioError(f"A block of {language} is expected, not: {text[:60]}")
    return str(found[0][1])


def _given(text: str) -> tuple[tuple[str, str], ...]:
    bullets = [_BULLET.fullmatch(line) for line in text.splitlines()]
    found = tuple((bullet[1], bullet[2]) for bullet in bullets if bullet)
    if not found or len(found) < len(bullets):
        raise ScenarioError(f"`Given` is a list of `- name: value`, not: {text[:60]}")
    return found


def _calls(text: str) -> tuple[str, ...]:
    if text == _NO_CALLS:
        return ()
    calls = [_CALL.fullmatch(line) for line in text.splitlines()]
    found = tuple(call[1] for call in calls if call)
    if not found or len(found) < len(calls):
        raise ScenarioError(f"`Upstream` is a list of calls, or `{_NO_CALLS}`, not: {text[:60]}")
    return found
