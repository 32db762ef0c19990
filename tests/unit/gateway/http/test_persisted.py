"""Tests of documents that are named instead of sent."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from gateway.cache.store import Store, open_store
from gateway.http.persisted import Found, PersistedDocuments
from gateway.http.request import GraphQLRequest
from gateway.trusted import Trusted
from schema.errors import (
    BadUserInputError,
    DocumentNotFoundError,
    DocumentNotTrustedError,
    DocumentsNotStoredError,
)

pytestmark = pytest.mark.anyio
TEXT = "{ hello }"
HASH = hashlib.sha256(TEXT.encode()).hexdigest()
OTHER = "{ other }"


def asked(query: str | None = None, hash: object = None, id: str | None = None, version: object = 1) -> GraphQLRequest:
    """Return a request that names a document in one way or another."""
    extensions = None if hash is None else {"persistedQuery": {"version": version, "sha256Hash": hash}}
    return GraphQLRequest(query, None, None, extensions, id)


def a_store(max_bytes: int = 100_000) -> Store:
    """Return an empty store."""
    return open_store("memory", max_bytes=max_bytes)


async def stored(store: Store, text: str = TEXT) -> PersistedDocuments:
    """Return documents among which a client has stored one."""
    documents = PersistedDocuments(store)
    await documents.keep(await documents.find(asked(text, hashlib.sha256(text.encode()).hexdigest())))
    return documents


async def test_a_document_that_is_sent_is_taken_as_it_is() -> None:
    """And kept only if that is wished."""
    for documents in (PersistedDocuments(), PersistedDocuments(a_store())):
        assert await documents.find(asked(TEXT)) == Found(TEXT)
    assert await PersistedDocuments(a_store()).find(asked(TEXT, HASH)) == Found(TEXT, HASH)


async def test_a_document_that_was_kept_is_found_by_its_hash() -> None:
    """Also by another gateway that shares the store, in any of the ways to name it."""
    store = a_store()
    await stored(store)
    another = PersistedDocuments(store)
    for request in (asked(hash=HASH), asked(hash=HASH.upper()), asked(id=HASH), asked(id=f"sha256:{HASH}")):
        assert await another.find(request) == Found(TEXT)


async def test_one_that_was_not_kept_is_not_found() -> None:
    """Checking comes between finding and keeping."""
    documents = PersistedDocuments(a_store())
    await documents.find(asked(TEXT, HASH))
    for request in (asked(hash=HASH), asked(id="7"), asked(id="sha256:")):
        with pytest.raises(DocumentNotFoundError):
            await documents.find(request)


@pytest.mark.parametrize(
    "request_",
    [
        asked(hash="x"),
        asked(hash=HASH[1:]),
        asked(hash=5),
        asked(hash=HASH, version=2),
        asked(hash=HASH, version=None),
        asked(TEXT, HASH, version=2),
        asked(OTHER, HASH),
        asked(OTHER, "x"),
        GraphQLRequest(None, None, None, {"persistedQuery": 5}),
        GraphQLRequest(TEXT, None, None, {"persistedQuery": []}),
    ],
    ids=range(10),
)
async def test_a_hash_that_cannot_be_meant_is_the_clients_mistake(request_: GraphQLRequest) -> None:
    """Another version, another form, or not that of the text beside it."""
    documents = await stored(a_store())
    with pytest.raises(BadUserInputError):
        await documents.find(request_)


async def test_without_a_store_clients_are_told_to_send_the_text() -> None:
    """A text with a hash beside it is taken as any other."""
    documents = PersistedDocuments()
    with pytest.raises(DocumentsNotStoredError):
        await documents.find(asked(hash=HASH))
    assert await documents.find(asked(TEXT, HASH)) == Found(TEXT)
    await documents.keep(Found(TEXT, HASH))


async def test_a_store_that_gives_another_document_is_not_believed() -> None:
    """Whoever else writes to it would choose what is run."""
    store = a_store()
    await store.put_piece(("document", HASH), OTHER.encode(), 60)
    with pytest.raises(DocumentNotFoundError):
        await PersistedDocuments(store).find(asked(hash=HASH))


async def test_what_clients_store_is_bounded() -> None:
    """The oldest leaves; its client sends it again."""
    store = a_store(max_bytes=20_000)
    for number in range(100):
        await stored(store, f"{{ a{number}: hello }}")
    documents = await stored(store)
    with pytest.raises(DocumentNotFoundError):
        await documents.find(asked(id=hashlib.sha256(b"{ a0: hello }").hexdigest()))
    cache: Any = store._cache
    assert cache.held_bytes <= 20_000


TRUSTED = Trusted({"Hello.1": TEXT})


async def test_a_trusted_document_is_found_by_its_id_whatever_that_looks_like() -> None:
    """And by the hash that clients make of its text."""
    for documents in (PersistedDocuments(a_store(), TRUSTED), PersistedDocuments(None, TRUSTED, only_trusted=True)):
        for request in (asked(id="Hello.1"), asked(hash="Hello.1"), asked(hash=HASH), asked(id=f"sha256:{HASH}")):
            assert await documents.find(request) == Found(TEXT)
        assert (await documents.find(asked(TEXT))).text == TEXT


async def test_a_trusted_document_may_be_named_by_a_hash_of_another_text() -> None:
    """As long as the file says so: graphql-codegen writes the algorithm into the name."""
    documents = PersistedDocuments(None, Trusted({"sha256:abc": TEXT}), only_trusted=True)
    assert await documents.find(asked(id="sha256:abc")) == Found(TEXT)


async def test_beside_trusted_documents_others_are_taken_unless_it_is_said_that_they_are_not() -> None:
    """By text, by hash, by id; nothing is stored then."""
    assert (await PersistedDocuments(a_store(), TRUSTED).find(asked(OTHER))).text == OTHER
    store = a_store()
    await stored(store, OTHER)
    closed = PersistedDocuments(store, TRUSTED, only_trusted=True)
    hash = hashlib.sha256(OTHER.encode()).hexdigest()
    for request in (asked(OTHER), asked(f"{TEXT} "), asked(OTHER, hash), asked(hash=hash), asked(id="Hello.2")):
        with pytest.raises(DocumentNotTrustedError):
            await closed.find(request)
    assert await closed.find(asked(TEXT, HASH)) == Found(TEXT)
