"""GraphiQL's page and files: strict headers, nothing from elsewhere, nothing but what the table names."""

import hashlib
import html
import re
from importlib.resources import files

import httpx
import pytest
from graphql import parse, validate
from starlette.applications import Starlette
from starlette.routing import Route

from gateway import graphiql
from schema.build import build_schema
from schema.limits import Limits, check_operation, parse_document

FOLDER = files("gateway") / "static" / "graphiql"


def client(*, endpoint: str = "/graphql", demo_token: str | None = None) -> httpx.AsyncClient:
    """A client of an application with nothing but the page and its files."""

    async def show(_: object) -> object:
        return graphiql.page(endpoint=endpoint, demo_token=demo_token)

    app = Starlette(routes=[Route(endpoint, show), *graphiql.assets()])
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://gateway.test")


def attribute(page: str, name: str) -> str:
    found = re.search(rf'\b{name}="([^"]*)"', page)
    assert found is not None, name
    return html.unescape(found[1])


def addresses(page: str) -> list[str]:
    """All that the page itself makes a browser load."""
    return [html.unescape(url) for url in re.findall(r'(?:src|href|data-examples)="([^"]*)"', page)]


@pytest.mark.anyio
async def test_the_page_carries_a_policy_without_any_unsafe_word() -> None:
    answer = await client().get("/graphql")
    policy = answer.headers["content-security-policy"]
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "unsafe" not in policy
    assert "http" not in policy
    for directive in ("default-src 'none'", "script-src 'self'", "connect-src 'self'", "frame-ancestors 'none'"):
        assert directive in policy.split("; ")
    assert f"style-src 'self' 'nonce-{attribute(answer.text, 'data-nonce')}'" in policy.split("; ")


@pytest.mark.anyio
async def test_the_page_is_not_sniffed_not_stored_and_tells_no_referrer() -> None:
    headers = (await client().get("/graphql")).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cache-control"] == "no-store"
    assert headers["vary"] == "Accept"


def test_each_page_has_a_nonce_of_its_own() -> None:
    first, second = (bytes(graphiql.page(endpoint="/graphql", demo_token=None).body).decode() for _ in range(2))
    assert attribute(first, "data-nonce") != attribute(second, "data-nonce")


@pytest.mark.anyio
async def test_the_page_holds_no_script_and_no_style_of_its_own() -> None:
    page = (await client().get("/graphql")).text
    assert re.findall(r"<script[^>]*>[^<]+</script>", page) == []
    assert "<style" not in page
    assert " style=" not in page
    assert re.findall(r"\son\w+=", page) == []


@pytest.mark.anyio
@pytest.mark.parametrize("endpoint", ["/graphql", "/", "/api/graphql"])
async def test_everything_the_page_loads_is_served_from_beside_it(endpoint: str) -> None:
    async with client(endpoint=endpoint) as http:
        urls = addresses((await http.get(endpoint)).text)
        assert len(urls) == 8
        for url in urls:
            assert "//" not in url
            answer = await http.get(httpx.URL(f"http://gateway.test{endpoint}").join(url))
            assert answer.status_code == 200, url
            assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
            assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.anyio
async def test_the_sandbox_presets_its_token() -> None:
    page = (await client(demo_token="sandbox-token-all").get("/graphql")).text
    assert attribute(page, "data-headers") == '{\n  "X-Auth-Token": "sandbox-token-all"\n}'
    assert attribute(page, "data-mode") == "sandbox"
    assert "<title>GES gateway: sandbox</title>" in page


@pytest.mark.anyio
async def test_outside_the_sandbox_the_token_is_left_to_be_filled_in() -> None:
    page = (await client().get("/graphql")).text
    assert attribute(page, "data-headers") == '{\n  "X-Auth-Token": ""\n}'
    assert attribute(page, "data-mode") == "gateway"


@pytest.mark.parametrize(("endpoint", "home"), [("/graphql", "./"), ("/api/graphql", "../")])
def test_it_leads_to_the_dashboard_if_there_is_one(endpoint: str, home: str) -> None:
    with_one = graphiql.page(endpoint=endpoint, demo_token=None, has_dashboard=True)
    assert attribute(bytes(with_one.body).decode(), "data-home") == home
    without = graphiql.page(endpoint=endpoint, demo_token=None)
    assert attribute(bytes(without.body).decode(), "data-home") == ""


@pytest.mark.anyio
async def test_a_token_with_markup_in_it_stays_a_token() -> None:
    page = (await client(demo_token='"><script>alert(1)</script>').get("/graphql")).text
    assert "<script>alert" not in page


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("name", "media_type"),
    [
        ("graphiql.min.js", "text/javascript; charset=utf-8"),
        ("graphiql.min.css", "text/css; charset=utf-8"),
        ("favicon.svg", "image/svg+xml"),
        ("examples.json", "application/json"),
    ],
)
async def test_a_file_has_its_own_media_type(name: str, media_type: str) -> None:
    answer = await client().get(f"/graphiql/{name}")
    assert answer.headers["content-type"] == media_type


@pytest.mark.anyio
async def test_a_file_asked_for_without_its_digest_is_asked_about_each_time() -> None:
    async with client() as http:
        first = await http.get("/graphiql/boot.js")
        assert first.headers["cache-control"] == "no-cache"
        again = await http.get("/graphiql/boot.js", headers={"If-None-Match": first.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        other = await http.get("/graphiql/boot.js", headers={"If-None-Match": '"something-else"'})
        assert (other.status_code, other.content) == (200, first.content)


@pytest.mark.anyio
async def test_an_outdated_digest_is_not_kept_for_good() -> None:
    assert (await client().get("/graphiql/boot.js?v=0123")).headers["cache-control"] == "no-cache"


@pytest.mark.anyio
@pytest.mark.parametrize(
    "path",
    [
        "page.html",
        "VENDORED.md",
        "vendor/graphiql.min.js",
        "../graphiql.py",
        "%2e%2e/graphiql.py",
        "..%2f..%2f__init__.py",
        "examples/01-find-job-on-both-planes.graphql",
        "",
    ],
)
async def test_nothing_is_served_that_the_table_does_not_name(path: str) -> None:
    assert (await client().get(f"http://gateway.test/graphiql/{path}")).status_code == 404


@pytest.mark.anyio
async def test_files_are_only_read() -> None:
    assert (await client().post("/graphiql/boot.js")).status_code == 405


def test_the_vendored_files_are_those_that_were_written_down() -> None:
    rows = re.findall(r"^\| `([^`]+)` \|.*\| `([0-9a-f]{64})` \|$", (FOLDER / "VENDORED.md").read_text(), re.MULTILINE)
    found = {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in (FOLDER / "vendor").iterdir()}
    assert dict(rows) == {name: digest for name, digest in found.items() if not name.startswith("LICENSE.")}


def test_each_example_has_a_title_an_explanation_and_one_operation() -> None:
    examples = graphiql.read_examples(FOLDER / "examples")
    assert 12 <= len(examples) <= 16
    for example in examples:
        assert example["title"], example["name"]
        assert example["about"].endswith("."), example["name"]
        assert len(parse(example["query"]).definitions) >= 1


@pytest.mark.parametrize("example", graphiql.read_examples(FOLDER / "examples"), ids=lambda example: example["name"])
def test_an_example_fits_the_contract_and_its_limits(example: dict[str, str]) -> None:
    document = parse_document(example["query"], Limits())
    assert validate(build_schema()._schema, document) == []
    check_operation(document, None, None, Limits())


def test_the_examples_stand_in_the_order_of_their_file_names() -> None:
    names = [example["name"] for example in graphiql.read_examples(FOLDER / "examples")]
    assert names == sorted(names)
    assert [name[:2] for name in names] == [f"{number:02}" for number in range(1, len(names) + 1)]
