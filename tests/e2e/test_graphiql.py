"""The explorer in a real browser: it opens offline under its policy, and its examples run as they are."""

import json
import re
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page

from gateway.app import create_app
from gateway.demo.graphs import PROJECT_ID
from gateway.demo.simulator import create_sandbox
from gateway.graphiql import read_examples
from gateway.settings import Settings
from schema.ids import GraphKey, JobRef, job_id_of
from schema.plane import Plane
from tests.e2e.browser import Watched, chromium, eventually, serving, watched

EXAMPLES = read_examples(files("gateway") / "static" / "graphiql" / "examples")
TITLES = [example["title"] for example in EXAMPLES]
# The one example that is about a failure, and the code that it shows.
FAILING = {"When one plane cannot be asked": "GRAPH_NOT_RUNNING"}
TOKEN = "sandbox-token-all"


@pytest.fixture(scope="module")
def origin() -> Iterator[str]:
    ges = httpx.ASGITransport(create_sandbox())
    settings = Settings(management_url="http://ges.sandbox", project_id=PROJECT_ID)
    with serving(create_app(settings, transport=ges, demo_token=TOKEN)) as address:
        yield address


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture
def visit(browser: Browser, origin: str) -> Iterator[Watched]:
    """The page, freshly opened; whatever a test does there, nothing may be complained of or asked elsewhere."""
    with watched(browser, origin) as visit:
        open_page(visit.page, origin)
        yield visit
        assert visit.complaints == []
        assert visit.foreign_requests == []


@pytest.fixture(scope="module")
def tour(browser: Browser, origin: str) -> Iterator[Watched]:
    """One visit that goes through all examples, as a reader does."""
    with watched(browser, origin) as visit:
        open_page(visit.page, origin)
        yield visit


def open_page(page: Page, origin: str, path: str = "/graphql") -> None:
    page.goto(origin + path)
    page.wait_for_selector(".graphiql-container")
    # Operations are completed and checked against the schema, so the page is ready when the schema is.
    page.locator(".graphiql-sidebar button[disabled]").wait_for(state="detached")


def editor_text(page: Page, editor: str) -> str:
    text: str = page.evaluate("pane => document.querySelector(pane + ' .CodeMirror').CodeMirror.getValue()", editor)
    return text


def query_text(page: Page) -> str:
    return editor_text(page, ".graphiql-query-editor")


def type_query(page: Page, text: str) -> None:
    page.evaluate(
        "text => document.querySelector('.graphiql-query-editor .CodeMirror').CodeMirror.setValue(text)", text
    )


def run(page: Page) -> dict[str, Any]:
    """Press run and return what the answer pane then shows."""
    page.click(".graphiql-execute-button")
    eventually(page, lambda: editor_text(page, ".result-window").endswith("}"))
    answer: dict[str, Any] = json.loads(editor_text(page, ".result-window"))
    return answer


def pick(page: Page, title: str) -> None:
    page.get_by_role("region", name="Examples").get_by_role("button", name=re.compile(f"^{re.escape(title)}")).click()


def test_a_first_visit_shows_the_examples_and_the_first_of_them_ready_to_run(visit: Watched) -> None:
    listed = visit.page.locator(".examples li strong").all_inner_texts()
    assert listed == TITLES
    assert query_text(visit.page) == EXAMPLES[0]["query"]
    assert "errors" not in run(visit.page)


@pytest.mark.parametrize("title", TITLES)
def test_an_example_picked_from_the_menu_runs_as_it_is(tour: Watched, title: str) -> None:
    pick(tour.page, title)
    query = next(example["query"] for example in EXAMPLES if example["title"] == title)
    assert query_text(tour.page) == query
    if "subscription " in query:
        # GraphiQL tells a subscription from the document as it was read last, which is a moment behind what is typed.
        tour.page.wait_for_timeout(1500)
    answer = run(tour.page)
    codes = [error["extensions"]["code"] for error in answer.get("errors", [])]
    assert codes == ([FAILING[title]] if title in FAILING else [])
    assert all(value is not None for value in answer["data"].values())
    assert (tour.complaints, tour.foreign_requests) == ([], [])


def test_a_subscription_is_told_to_its_end_over_a_socket(visit: Watched) -> None:
    """The token goes with the first message; when the stream is complete, the button runs again."""
    ended = "5e9c0705-41d8-4b6a-93f0-27ac1d0e0005007740215"
    job = JobRef(Plane.SERVICE, GraphKey(PROJECT_ID, name="supply_chain"), ended)
    type_query(visit.page, f'subscription {{ jobUpdated(id: "{job_id_of(job)}") {{ type job {{ status }} }} }}')
    visit.page.wait_for_timeout(1500)
    with visit.page.expect_websocket() as opened:
        assert run(visit.page)["data"]["jobUpdated"] == {"type": "SNAPSHOT", "job": {"status": "SUCCEEDED"}}
    assert opened.value.url.endswith("/graphql")
    eventually(visit.page, lambda: '"FINISHED"' in editor_text(visit.page, ".result-window"))
    visit.page.get_by_role("button", name="Execute query").wait_for()


def test_an_example_is_reached_and_picked_with_the_keyboard(visit: Watched) -> None:
    visit.page.get_by_role("button", name=re.compile(f"^{TITLES[0]}")).focus()
    visit.page.keyboard.press("Tab")
    visit.page.keyboard.press("Enter")
    assert query_text(visit.page) == EXAMPLES[1]["query"]
    assert visit.page.evaluate("document.activeElement.closest('.graphiql-query-editor') !== null")


def test_what_the_reader_has_typed_is_kept_when_an_example_is_picked(visit: Watched) -> None:
    mine = "query Mine { gateway { version } }"
    type_query(visit.page, mine)
    tab = visit.page.get_by_role("button", name="Mine", exact=True)
    tab.wait_for()
    pick(visit.page, TITLES[1])
    assert query_text(visit.page) == EXAMPLES[1]["query"]
    tab.click()
    assert query_text(visit.page) == mine


def test_an_untouched_example_makes_room_for_the_next(visit: Watched) -> None:
    pick(visit.page, TITLES[1])
    pick(visit.page, TITLES[2])
    assert query_text(visit.page) == EXAMPLES[2]["query"]
    assert visit.page.locator(".graphiql-tab-close").count() == 0


def test_the_documentation_opens_and_shows_the_contract(visit: Watched) -> None:
    visit.page.get_by_role("button", name="Show Documentation Explorer").click()
    visit.page.locator(".graphiql-doc-explorer-content").get_by_text("Query", exact=True).click()
    visit.page.locator(".graphiql-doc-explorer-content").get_by_text("findJob", exact=True).wait_for()


def test_the_dialogs_keep_to_the_policy_as_well(visit: Watched) -> None:
    for name in ("Open settings dialog", "Open short keys dialog"):
        visit.page.get_by_role("button", name=name).click()
        visit.page.get_by_role("dialog").wait_for()
        visit.page.keyboard.press("Escape")
        visit.page.get_by_role("dialog").wait_for(state="hidden")


def test_the_token_is_sent_but_never_written_to_the_disk(visit: Watched) -> None:
    with visit.page.expect_request("**/graphql") as sent:
        run(visit.page)
    assert sent.value.headers["x-auth-token"] == TOKEN
    written = "() => 'graphiql:queries' in localStorage && 'graphiql:tabState' in localStorage"
    eventually(visit.page, lambda: bool(visit.page.evaluate(written)))
    assert TOKEN not in visit.page.evaluate("JSON.stringify(localStorage)")


def test_a_header_left_empty_is_not_sent(visit: Watched) -> None:
    visit.page.evaluate(
        "document.querySelectorAll('.graphiql-editor-tool .CodeMirror')[1].CodeMirror"
        """.setValue('{"X-Auth-Token": "", "X-Request-Id": "from-the-page"}')"""
    )
    with visit.page.expect_request("**/graphql") as sent:
        visit.page.click(".graphiql-execute-button")
    assert "x-auth-token" not in sent.value.headers
    assert sent.value.headers["x-request-id"] == "from-the-page"


def test_a_link_shows_its_operation_and_does_not_run_it(visit: Watched, origin: str) -> None:
    open_page(visit.page, origin, "/graphql?query=query+Linked+%7B+gateway+%7B+version+%7D+%7D")
    assert query_text(visit.page) == "query Linked { gateway { version } }"
    assert editor_text(visit.page, ".result-window") == ""


def test_on_a_phone_nothing_sticks_out_and_a_picked_example_takes_the_screen(browser: Browser, origin: str) -> None:
    with watched(browser, origin, width=390, height=844) as visit:
        open_page(visit.page, origin)
        visit.page.get_by_role("button", name="Show Examples").click()
        pick(visit.page, TITLES[3])
        visit.page.locator(".examples").wait_for(state="hidden")
        assert "errors" not in run(visit.page)
        assert visit.page.evaluate("document.documentElement.scrollWidth") == 390
        for pane in (".graphiql-query-editor", ".graphiql-response"):
            box = visit.page.locator(pane).bounding_box()
            assert box is not None
            assert box["width"] > 340
            assert box["height"] > 200
        assert (visit.complaints, visit.foreign_requests) == ([], [])
