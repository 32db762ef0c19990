"""gql, Python's client: queries, errors and introspection over HTTP and over a WebSocket."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from gql import Client, gql
from gql.dsl import DSLQuery, DSLSchema, dsl_gql
from gql.transport.exceptions import TransportQueryError
from gql.transport.httpx import HTTPXAsyncTransport
from gql.transport.websockets import WebsocketsTransport
from graphql import GraphQLError

from tests.e2e import clients

HEADERS = {"X-Auth-Token": clients.TOKEN}
JOB = """query Job($jobId: String!) {
  findJob(graph: { name: "supply_chain" }, jobId: $jobId) { jobId status }
}"""
RANKING = "5e9c0705-41d8-4b6a-93f0-27ac1d0e0005007740215"
FOUND = {"findJob": {"jobId": RANKING, "status": "SUCCEEDED"}}


def over_http(url: str) -> HTTPXAsyncTransport:
    return HTTPXAsyncTransport(url=url, headers=HEADERS)


def over_a_socket(url: str) -> WebsocketsTransport:
    return WebsocketsTransport(url=url.replace("http", "ws"), init_payload=HEADERS)


TRANSPORTS = [pytest.param(over_http, id="http"), pytest.param(over_a_socket, id="websocket")]
Connect = Callable[[str], HTTPXAsyncTransport | WebsocketsTransport]


async def asked(session: Any, query: str, **variables: Any) -> Any:
    request = gql(query)
    request.variable_values = variables
    return await session.execute(request)


async def refused(session: Any, query: str, **variables: Any) -> tuple[Any, list[str]]:
    with pytest.raises(TransportQueryError) as caught:
        await asked(session, query, **variables)
    return caught.value.data, [error["extensions"]["code"] for error in caught.value.errors or []]


@pytest.mark.parametrize("connect", TRANSPORTS)
def test_a_query_and_its_errors_pass(gateway_url: str, connect: Connect) -> None:
    """Data beside errors, codes whatever went wrong, and the connection is good for more."""

    async def talk() -> None:
        async with Client(transport=connect(gateway_url)) as session:
            assert await asked(session, JOB, jobId=RANKING) == FOUND
            assert await refused(session, JOB, jobId="no-such-job") == ({"findJob": None}, ["NOT_FOUND"])
            assert await refused(session, "{ nothingOfThisName }") == (None, ["GRAPHQL_VALIDATION_FAILED"])
            assert await asked(session, JOB, jobId=RANKING) == FOUND

    asyncio.run(talk())


@pytest.mark.parametrize("connect", TRANSPORTS)
def test_it_learns_the_schema_and_checks_documents_with_it(gateway_url: str, connect: Connect) -> None:
    """By introspection: a query is built of what it learned, a wrong one does not leave the client."""

    async def talk() -> None:
        client = Client(transport=connect(gateway_url), fetch_schema_from_transport=True)
        async with client as session:
            assert client.schema is not None
            schema = DSLSchema(client.schema)
            field = schema.Query.findJob(graph={"name": "supply_chain"}, jobId=RANKING)
            query = DSLQuery(field.select(schema.Job.jobId, schema.Job.status))
            assert await session.execute(dsl_gql(query)) == FOUND
            with pytest.raises(GraphQLError, match="nothingOfThisName"):
                await session.execute(gql("{ nothingOfThisName }"))

    asyncio.run(talk())
