"""The plans of a document: which requests share one, when it is made, and what never has one."""

from typing import Any

import pytest
from graphql import OperationDefinitionNode, parse

from schema.plans import Planned, Plans
from tests.fakes import SCHEMA

CONDITIONS = (
    "query ($yes: Boolean!, $no: Boolean = false) { gateway { version @skip(if: $yes) ...G @include(if: $no) } }"
)
CONDITIONS += " fragment G on Gateway { readOnly ... @skip(if: $yes) { planes { plane } } }"
ARGUMENTS = (
    "query ($id: ID!, $first: Int, $plane: Plane) { job(id: $id) { result { rows(first: $first) { totalCount } } } }"
)


class Asked:
    """A document that is asked for."""

    def __init__(self, text: str) -> None:
        self._tree = parse(text)
        self.plans = Plans(self._tree)
        self._operations = [it for it in self._tree.definitions if isinstance(it, OperationDefinitionNode)]

    def find(self, place: int = 0, /, **variables: Any) -> Planned | None:
        """Ask for one of its operations."""
        return self.plans.find(SCHEMA._schema, self._operations[place], variables)

    def kept(self, place: int = 0, /, **variables: Any) -> Planned:
        """Ask twice; the second time there is a plan."""
        self.find(place, **variables)
        found = self.find(place, **variables)
        assert found is not None
        return found


def test_a_plan_is_made_the_second_time() -> None:
    """And is the same from then on."""
    asked = Asked("{ gateway { version } }")
    assert asked.find() is None
    made, found = asked.find(), asked.find()
    assert made is not None
    assert found is not None
    assert made.plan is found.plan
    assert made.variables == {}


def test_no_variables_at_all_are_no_variables() -> None:
    """Clients may send null for them."""
    tree = parse("{ gateway { version } }")
    plans, [operation] = Plans(tree), tree.definitions
    assert isinstance(operation, OperationDefinitionNode)
    assert plans.find(SCHEMA._schema, operation, None) is None
    assert plans.find(SCHEMA._schema, operation, None) is not None


def test_each_outcome_of_the_conditions_has_a_plan() -> None:
    """Defaults count as what they are."""
    asked = Asked(CONDITIONS)
    yes, no = asked.kept(yes=True), asked.kept(yes=False)
    assert yes.plan is not no.plan
    assert yes.variables == {"yes": True, "no": False}
    assert asked.kept(yes=True, no=False).plan is yes.plan
    assert asked.kept(yes=True, no=True).plan not in (yes.plan, no.plan)


def test_each_set_of_variables_that_are_given_has_a_plan() -> None:
    """Their values do not matter, nor what the document does not know."""
    asked = Asked(ARGUMENTS)
    one, other = asked.kept(id="a", first=1), asked.kept(id="b", first=None, unknown=1)
    assert one.plan is other.plan
    assert (one.variables, other.variables) == ({"id": "a", "first": 1}, {"id": "b", "first": None})
    assert asked.kept(id="a").plan is not one.plan


def test_variables_are_coerced() -> None:
    """What says itself what it is stays as it is; the rest becomes what resolvers know."""
    asked = Asked(ARGUMENTS)
    assert asked.kept(id=7, first=2.0, plane="SERVICE").variables["id"] == "7"
    plain = Asked("query ($id: ID!, $yes: Boolean!) { job(id: $id) { jobId @skip(if: $yes) } }")
    for sent, coerced in (
        ({"id": "a", "yes": True}, {"id": "a", "yes": True}),
        ({"id": 7, "yes": True}, {"id": "7", "yes": True}),
    ):
        assert plain.kept(**sent, more=1).variables == coerced


@pytest.mark.parametrize(
    "sent", [{}, {"id": None}, {"id": []}, {"id": "a", "first": "x"}, {"id": "a", "plane": "NONE"}]
)
def test_variables_that_are_refused_have_no_plan(sent: dict[str, Any]) -> None:
    """It is for execution to say so."""
    asked = Asked(ARGUMENTS)
    assert [asked.find(**sent) for _ in range(3)] == [None] * 3


def test_each_operation_of_a_document_has_plans_of_its_own() -> None:
    """Named or found by name."""
    asked = Asked("query A { gateway { version } } query B { gateway { readOnly } }")
    assert asked.kept(0).plan is not asked.kept(1).plan


@pytest.mark.parametrize(
    "text",
    [
        'subscription { job(id: "1") { job { jobId } } }',
        "mutation { change }",
        "{ __schema { queryType { name } } }",
        '{ __type(name: "Job") { name } gateway { version } }',
        '{ nodes(ids: ["1"]) { id } }',
        '{ job(id: "1", waitSeconds: 0) { jobId } }',
        "{ nobody }",
    ],
)
def test_what_cannot_be_planned_is_not_tried_again(text: str) -> None:
    """Streams, actions, the schema itself, lists that fail item by item, waiting, and what is not valid."""
    asked = Asked(text)
    assert [asked.find() for _ in range(3)] == [None] * 3


def test_an_argument_that_cannot_be_meant_is_not_planned() -> None:
    """A variable may be null where its default may not."""
    asked = Asked('query ($id: ID = "1") { job(id: $id) { jobId } }')
    assert [asked.find(id=None) for _ in range(3)] == [None] * 3


def test_an_operation_that_cannot_be_told_from_others_is_not_planned() -> None:
    """Validation refuses it before; here it must not do harm."""
    asked = Asked("{ gateway { version } } { gateway { readOnly } }")
    assert [asked.find() for _ in range(3)] == [None] * 3


def test_a_document_has_no_more_than_sixteen_plans() -> None:
    """A client that varies its conditions is served without more of them, and keeps those it has."""
    names = [f"c{place}" for place in range(5)]
    head = ", ".join(f"${name}: Boolean!" for name in names)
    fields = " ".join(f"{name}: version @skip(if: ${name})" for name in names)
    asked = Asked(f"query ({head}) {{ gateway {{ {fields} readOnly }} }}")
    sent = [{name: bool(number >> place & 1) for place, name in enumerate(names)} for number in range(32)]
    for _ in range(2):
        for values in sent:
            asked.find(**values)
    found = [asked.find(**values) is not None for values in sent]
    assert found == [True] * 16 + [False] * 16


def test_plans_weigh_by_their_fields() -> None:
    """All of them together; what has no plan weighs nothing."""
    asked = Asked(
        "query A { gateway { version readOnly } } query B { __schema { description } } query C { __typename }"
    )
    weights = []
    for place in range(3):
        for _ in range(3):
            asked.find(place)
        weights.append(asked.plans.fields)
    assert weights == [3, 3, 4]
