"""What the commands ask: valid documents of the contract, with a job named in either way."""

import pytest
from graphql import parse, validate

from gateway.cli.documents import WATCH, Target
from tests.fakes import SCHEMA

BY_ID = Target("some-id")
BY_NAME = Target("42", "movies", plane="service")


@pytest.mark.parametrize("target", [BY_ID, BY_NAME], ids=["id", "name"])
def test_every_document_fits_the_contract(target: Target) -> None:
    """A field that is renamed would break every script."""
    documents = [target.ask_job(), target.ask_rows(5, 0), *(target.ask_export(name) for name in ("csv", "arrow"))]
    assert [validate(SCHEMA._schema, parse(document)) for document in [*documents, WATCH]] == [[]] * 5


def test_a_job_is_named_by_its_global_id_or_in_its_graph() -> None:
    """In an instance of the database edition by both of its ids."""
    assert BY_ID.variables(5) == {"id": "some-id", "wait": 5}
    assert BY_NAME.variables() == {"graph": {"name": "movies"}, "job": "42", "plane": "SERVICE", "wait": 0}
    graph = Target("42", "movies", "g1").variables()["graph"]
    assert graph == {"inInstance": {"graphId": "g1", "name": "movies"}}
