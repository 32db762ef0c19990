"""The dashboard's page and files: strict headers, nothing from elsewhere, operations that fit the contract."""

import html
import json
import re

import httpx
import pytest
from graphql import OperationDefinitionNode, parse, validate
from starlette.applications import Starlette

from gateway.assets import STATIC
from gateway.dashboard import dashboard, operations
from schema.build import build_schema
from schema.limits import Limits, check_operation, parse_document

FOLDER = STATIC / "dashboard"
SCRIPTS = {file.name: file.read_text(encoding="utf-8") for file in FOLDER.iterdir() if file.name.endswith(".js")}
MOST_LINES = 300
MOST_SCRIPT_BYTES = 60_000
# Ways in which a text could become markup, a script or an address.
SINKS = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|srcdoc|createContextualFragment"


def client(*, has_explorer: bool = True, demo_token: str | None = None) -> httpx.AsyncClient:
    """A client of an application with nothing but the dashboard."""
    app = Starlette(routes=dashboard(endpoint="/graphql", has_explorer=has_explorer, demo_token=demo_token))
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://gateway.test")


def attribute(page: str, name: str) -> str:
    found = re.search(rf'\b{name}="([^"]*)"', page)
    assert found is not None, name
    return html.unescape(found[1])


@pytest.mark.anyio
async def test_the_page_carries_a_policy_in_which_no_text_becomes_a_script() -> None:
    answer = await client().get("/")
    policy = answer.headers["content-security-policy"].split("; ")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    for directive in ("default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'"):
        assert directive in policy
    for directive in ("require-trusted-types-for 'script'", "trusted-types 'none'", "frame-ancestors 'none'"):
        assert directive in policy
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert re.findall(r"<script[^>]*>[^<]+</script>|<style|\sstyle=|\son\w+=", answer.text) == []


@pytest.mark.anyio
async def test_everything_the_page_loads_is_served_from_beside_it_for_good() -> None:
    async with client() as http:
        urls = re.findall(r'(?:src|href)="(dashboard/[^"]*)"', (await http.get("/")).text)
        folder = urls[0].rpartition("/")[0]
        for url in [*urls, *(f"{folder}/{name}" for name in (*SCRIPTS, "operations.js"))]:
            answer = await http.get(f"/{url}")
            assert answer.status_code == 200, url
            assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
            assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.anyio
async def test_files_of_another_version_are_not_kept() -> None:
    async with client() as http:
        assert (await http.get("/dashboard/0123/main.js")).headers["cache-control"] == "no-cache"
        assert (await http.get("/dashboard/0123/page.html")).status_code == 404
        assert (await http.get("/dashboard/0123/..%2fgraphiql%2fboot.js")).status_code == 404


@pytest.mark.anyio
async def test_the_sandbox_presets_its_token_and_nothing_else_does() -> None:
    sandbox = (await client(demo_token='"><script>alert(1)</script>').get("/")).text
    assert attribute(sandbox, "data-token") == '"><script>alert(1)</script>'
    assert "<script>alert" not in sandbox
    assert "GES gateway: sandbox" in sandbox
    plain = (await client().get("/")).text
    assert attribute(plain, "data-token") == ""
    assert 'class="tag" hidden' in plain


@pytest.mark.anyio
async def test_it_leads_to_the_explorer_if_there_is_one() -> None:
    assert attribute((await client().get("/")).text, "data-explorer") == "graphql"
    assert attribute((await client(has_explorer=False).get("/")).text, "data-explorer") == ""


@pytest.mark.parametrize("name", operations())
def test_an_operation_fits_the_contract_and_its_limits(name: str) -> None:
    document = parse_document(operations()[name], Limits())
    assert validate(build_schema()._schema, document) == []
    variables = {"first": 500, "ids": []}
    check_operation(document, None, variables, Limits())


def test_every_operation_is_used_and_every_one_used_is_there() -> None:
    """Under its own name, by which the log tells them apart."""
    imported = re.findall(r'^import \{(.*?)\} from "\./operations\.js"', "\n".join(SCRIPTS.values()), re.M)
    assert {name.strip() for names in imported for name in names.split(",")} == set(operations())
    for name, text in operations().items():
        first = parse(text).definitions[0]
        assert isinstance(first, OperationDefinitionNode)
        assert first.name is not None
        assert first.name.value.lower() == name.replace("_", "").lower()


@pytest.mark.anyio
async def test_the_scripts_are_given_the_operations_as_they_are() -> None:
    """Letter by letter, so that they can be trusted by their text."""
    script = (await client().get("/dashboard/0/operations.js")).text
    given = dict(re.findall(r"^export const (\w+) = (.*);$", script, re.M))
    assert {name: json.loads(text) for name, text in given.items()} == operations()


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_says_what_it_is_for_and_stays_small(name: str) -> None:
    text = SCRIPTS[name]
    assert re.match(r"/\* .{20,}[.] \*/\n", text)
    assert len(text.splitlines()) < MOST_LINES
    assert max(map(len, text.splitlines())) <= 240


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_has_no_way_for_text_to_become_markup(name: str) -> None:
    assert re.findall(SINKS, SCRIPTS[name]) == []
    assert re.findall(r"https?://(?!www\.w3\.org/2000/svg)", SCRIPTS[name]) == []


@pytest.mark.parametrize("name", SCRIPTS)
def test_what_a_script_exports_is_used_elsewhere_and_what_it_imports_here(name: str) -> None:
    text = SCRIPTS[name]
    others = "".join(other for other_name, other in SCRIPTS.items() if other_name != name)
    exported = re.findall(r"^export (?:async )?(?:function\*? |const |class )(\w+)", text, re.M)
    imported = [
        word.strip() for names in re.findall(r"^import \{(.*?)\} from", text, re.M) for word in names.split(",")
    ]
    body = re.sub(r"^import .*$", "", text, flags=re.M)
    assert [word for word in exported if not re.search(rf"\b{word}\b", others)] == []
    assert [word for word in imported if not re.search(rf"\b{word}\b", body)] == []


def test_the_whole_of_it_stays_small() -> None:
    assert sum(len(text.encode()) for text in SCRIPTS.values()) <= MOST_SCRIPT_BYTES
