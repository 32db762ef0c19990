"""
Faults: what GES answers when it does not answer the question, and the error each becomes.

The only place that knows upstream's codes and the wording of its messages. None of that wording leaves it in an error.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from gateway.planes import values, words
from gateway.planes.bodies import PLANE_NAMES, is_success, members_of
from gateway.planes.read import Body
from gateway.planes.values import Members
from schema.errors import (
    BadUserInputError,
    ForbiddenError,
    GraphNotRunningError,
    NotCancellableError,
    NotFoundError,
    PlaneUnavailableError,
    RateLimitedError,
    UnauthenticatedError,
    UpstreamError,
    UpstreamFailedError,
    UpstreamTimeoutError,
)
from schema.job import JobFailure, JobStatus
from schema.plane import Plane


@dataclass(frozen=True, slots=True)
class Rule:
    """One kind of fault: HTTP statuses, or codes together with a message that `says` so, become the error."""

    error: type[UpstreamError]
    message: str
    statuses: frozenset[int] = frozenset()
    codes: frozenset[str] = frozenset()
    says: re.Pattern[str] | None = None
    retryable: bool | None = None

    def matches(self, status: int, code: str | None, message: str) -> bool:
        """Return whether a fault is of this kind."""
        return status in self.statuses or (
            code in self.codes and (self.says is None or bool(self.says.search(message)))
        )


_NO_SUCH_JOB = re.compile(r"can\s*not\s+find\s+job", re.IGNORECASE)
_NO_SUCH_GRAPH = re.compile(
    r"\b(?:graph|resource)\b\s*:?\s*(?:\[[^\]]*\]|\S{1,200})?\s*"
    r"(?:is|was|does|can|could)?\s*not\s+(?:be\s+)?(?:found|exist)",
    re.IGNORECASE,
)
_JOB_FAILED = re.compile(r"running\s+algorithm|unknown\s+algorithm\s+name", re.IGNORECASE)
_LONGEST_MESSAGE = 2000
_CODE = re.compile(r"[A-Z]+\.\d{1,6}")


def _codes(prefix: str, *numbers: str) -> frozenset[str]:
    return frozenset(f"{prefix}.{number}" for number in numbers)


# GES.8301 is both "no such job" and "the job failed"; only the message tells them apart. The second is data to whoever
# asks for the job, and an error to everybody else.
JOB_FAILED = Rule(
    UpstreamFailedError, "{plane} says that the job failed.", codes=_codes("GES", "8301"), says=_JOB_FAILED
)

CREDENTIAL_REFUSED = Rule(
    UnauthenticatedError,
    "{plane} does not accept the credential.",
    statuses=frozenset({401}),
    # The service plane answers HTTP 400, not 401, to a token it does not accept.
    codes=_codes("APIG", "0301", "0305", "0307")
    | _codes("APIGW", "0301", "0305", "0307")
    | _codes("GES", "8006", "8007"),
)

# The first that matches wins; pages 0110, 0040 of the GES API reference and the error codes of APIG.
RULES = (
    CREDENTIAL_REFUSED,
    Rule(
        ForbiddenError,
        "{plane} refuses: the caller lacks the permission.",
        statuses=frozenset({403}),
        codes=_codes("APIG", "0302", "0306", "0310") | _codes("GES", "7041", "8020"),
    ),
    Rule(RateLimitedError, "{plane} throttles.", statuses=frozenset({429}), codes=_codes("APIG", "0308")),
    Rule(NotFoundError, "{plane} has no such job.", codes=_codes("GES", "7007")),
    Rule(NotFoundError, "{plane} has no such job.", codes=_codes("GES", "8301"), says=_NO_SUCH_JOB),
    JOB_FAILED,
    Rule(NotFoundError, "{plane} has no such graph.", codes=_codes("GES", "7000")),
    Rule(
        NotFoundError,
        "{plane} has no such graph.",
        codes=_codes("GES", "0016", "8402", "8000", "8001", "8011", "8603", "8806", "8107"),
        says=_NO_SUCH_GRAPH,
    ),
    Rule(
        GraphNotRunningError,
        "The graph is not running.",
        codes=_codes("GES", "7001", "7002", "7003", "7015", "7037", "7042", "7054"),
    ),
    Rule(NotCancellableError, "{plane} cannot stop this job.", codes=_codes("GES", "8303", "7008", "7009")),
    Rule(
        BadUserInputError, "{plane} does not accept one of the parameters.", codes=_codes("GES", "0001", "8005", "8000")
    ),
    Rule(
        UpstreamTimeoutError,
        "{plane} did not get an answer from the engine in time.",
        statuses=frozenset({408}),
        codes=_codes("GES", "7005"),
    ),
    Rule(
        PlaneUnavailableError,
        "{plane} is out of service.",
        statuses=frozenset({502, 503, 504}),
        codes=_codes("GES", "8602"),
    ),
    # Internal errors that the documentation advises to retry, whatever their HTTP status.
    Rule(
        UpstreamFailedError,
        "{plane} failed.",
        codes=_codes("GES", "7006", "8008", "8302", "8601"),
        retryable=True,
    ),
)
# Errors about the asking, never about the job asked for, even beside a status word.
_ABOUT_ASKING = (
    NotFoundError,
    UnauthenticatedError,
    ForbiddenError,
    RateLimitedError,
    GraphNotRunningError,
    UpstreamTimeoutError,
    PlaneUnavailableError,
)
# The members that can state a fault, folded. Any other may be called `code` too, so that one must look like a code.
_CODES = ("errorcode", "errcode")
_MESSAGES = ("errormessage", "errormsg", "externalmessage", "message")

# Without any of these a good answer states no fault; almost every answer is one of those.
_STATING = frozenset({*_CODES, "code", "error", "errors", "result"})

# What the error tables say about a code that a job failed with: the advice, and whether the same may work later.
_ADVICE = {
    "GES.7005": ("The engine was not available: try again later.", True),
    "GES.7006": ("The engine met an internal error: try again later.", True),
    "GES.8011": ("Check that the OBS path exists and that the keys may write to it.", False),
    "GES.8013": ("Check the paths and the format of the files; the import log names the lines that failed.", False),
    "GES.8020": ("Ask an administrator for the fine-grained permission on this graph.", False),
    "GES.8301": ("Check the algorithm's name and its parameters.", False),
    "GES.8302": ("The engine met an internal error: try again later.", True),
    "GES.8401": ("Name the algorithm and the graph.", False),
    "GES.8402": ("Check the algorithm's parameters; vertices they name must exist in the graph.", False),
    "GES.8403": ("The engine met an internal error: try again later.", True),
    "GES.8404": ("Use the execution mode `sync` or `async`.", False),
    "GES.8601": ("The Gremlin service was not available: try again later.", True),
    "GES.8602": ("The engine was not available: try again later.", True),
    "GES.8904": ("Create a label index for vertices and edges first: Cypher needs it.", False),
}
NO_REASON = "GES gives no reason."
_NO_CODES = ("", "0", "False")
_REASONS = ("failreason", "errormessage", "errormsg", "externalmessage")


def check(body: Body, plane: Plane) -> Members:
    """
    Return the members of a good answer under their folded names, unread.

    Raises the error that a fault becomes. An error code beside a status word is the job's own, so it is no fault.
    """
    members = members_of(body, plane)
    fault = _fault(body, members)
    if fault is None or (is_success(body) and fault.status_word):
        return members
    raise fault.error(plane)


def check_job(body: Body, plane: Plane) -> Members:
    """Do as `check` for the status of one job, where some faults are data: they say that this job failed."""
    members = members_of(body, plane)
    fault = _fault(body, members)
    if fault is None or fault.tells_of_job(is_success=is_success(body)):
        return members
    raise fault.error(plane)


def refuses_credential(body: Body) -> bool:
    """Return whether GES did not answer because it does not accept the credential."""
    if is_success(body):
        return False
    # Of an error that is no JSON the status still tells; which plane it came from makes no difference here.
    fault = _fault(body, members_of(body, Plane.SERVICE))
    return fault is not None and fault.rule is CREDENTIAL_REFUSED


def has_failed(members: Members) -> bool:
    """Return whether the members of a job hold a sign of failure: an error code, or a result that says so."""
    if _STATING.isdisjoint(members):
        return False
    return _code(members) is not None or words.says_failed(values.get(members, "result"))


def is_failed_job(body: Body, members: Members) -> bool:
    """Return whether the body says by its error alone, not by a status word, that the job ran and failed."""
    fault = _fault(body, members)
    return fault is not None and fault.rule is JOB_FAILED and not (is_success(body) and fault.status_word)


def read_failure(job: Members, status: JobStatus) -> JobFailure | None:
    """Read why a job failed from the members of the job."""
    if status not in (JobStatus.FAILED, JobStatus.PARTIALLY_FAILED):
        return None
    message = values.get_text(job, *_REASONS)
    code = _shown(_code(job))
    if message is None and code is None and status is JobStatus.PARTIALLY_FAILED:
        return None
    advice, retryable = _ADVICE.get(code or "", (None, None))
    return JobFailure(message=message or NO_REASON, code=code, advice=advice, retryable=retryable)


@dataclass(frozen=True, slots=True)
class _Fault:
    status: int
    code: str | None
    rule: Rule | None
    status_word: str
    retry_after_seconds: float | None

    def tells_of_job(self, *, is_success: bool) -> bool:
        if self.rule is JOB_FAILED:
            return is_success or 400 <= self.status < 500
        # HyG writes `complete` into every error body, so beside it an error may still be about the asking.
        about_asking = self.rule is not None and issubclass(self.rule.error, _ABOUT_ASKING)
        if is_success:
            return bool(self.status_word) and not (self.status_word == words.COMPLETE and about_asking)
        return self.status == 400 and self.status_word in (words.COMPLETE, words.FAILED) and not about_asking

    def error(self, plane: Plane) -> UpstreamError:
        rule = self.rule or Rule(UpstreamFailedError, "{plane} failed.", retryable=self.status >= 500)
        return rule.error(
            rule.message.format(plane=PLANE_NAMES[plane]),
            plane=plane,
            upstream_status=self.status,
            upstream_code=_shown(self.code),
            retryable=rule.retryable,
            retry_after_seconds=self.retry_after_seconds,
        )


def _fault(body: Body, members: Members) -> _Fault | None:
    if is_success(body) and _STATING.isdisjoint(members):
        return None
    inner = _inner(members)
    code = _code(members) or _code(inner)
    if is_success(body) and not inner and not has_failed(members):
        return None
    message = values.get_text(members, *_MESSAGES) or values.get_text(inner, *_MESSAGES) or ""
    rule = next((rule for rule in RULES if rule.matches(body.status, code, message[:_LONGEST_MESSAGE])), None)
    status_word = (values.get_text(members, "status") or "").strip().casefold()
    return _Fault(body.status, code, rule, status_word, body.retry_after_seconds)


def _inner(members: Members) -> Members:
    # IAM puts the fault under `error`, Cypher a list of them under `errors`.
    several = values.items_of(members.get("errors", values.NULL))
    return values.folded_members(members.get("error")) or values.folded_members(next(iter(several), None))


def _code(members: Members) -> str | None:
    for value in (values.get(members, name) for name in _CODES):
        code = str(value).strip() if isinstance(value, str | int) else ""
        if code not in _NO_CODES:
            return code
    return _shown(values.get_text(members, "code"))


def _shown(code: str | None) -> str | None:
    return code if code is not None and _CODE.fullmatch(code) else None
