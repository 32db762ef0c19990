"""The dashboard in a real browser: it shows both planes live, says what cannot be asked, and can be used by anyone."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
from playwright.sync_api import APIResponse, Browser, Locator, Page, Request, Route, expect

from gateway.app import create_app
from gateway.demo.calls import CallLog
from gateway.demo.graphs import GRAPHS, PROJECT_ID
from gateway.demo.simulator import create_sandbox
from gateway.demo.trouble import Troubles
from gateway.settings import Settings
from tests import support_npm
from tests.e2e.browser import Watched, chromium, eventually, serving, watched

TOKEN = "sandbox-token-all"
BIG_PAGERANK = "5e9c0707-41d8-4b6a-93f0-27ac1d0e0007007740217"
PAGERANK = "5e9c070a-41d8-4b6a-93f0-27ac1d0e000a007740220"
# Starts about a minute after the sandbox.
NEXT_PAGERANK = "5e9c0745-41d8-4b6a-93f0-27ac1d0e004500004"
PARTIAL_IMPORT = "8a1f0000000000000000000000000003"
# The columns of each kind of rows, and whether a chart stands above them.
ALGORITHMS = {
    "louvain": (["Row", "Vertex", "Groups"], True),
    "node2vec": (["Row", "Vertex", "Vector"], False),
    "shortest_path": (["Row", "Edges", "Path"], False),
    "od_betweenness": (["Row", "Source", "Target", "Value", "Index"], True),
    "influence_wave": (["Row", "As GES sent it"], False),
    "k_hop": (["Row", "Vertex"], False),
}
WIDTHS = {"desktop": (1280, 800), "phone": (390, 844)}
AXE = Path(__file__).parents[1] / "accessibility"


class Sandbox:
    """The sandbox behind the gateway: its clock can be put forward, and it can be put in trouble."""

    def __init__(self) -> None:
        self._ahead = timedelta()
        self.app = create_sandbox(clock=lambda: datetime.now(UTC) + self._ahead)

    def forward(self, seconds: float) -> None:
        self._ahead += timedelta(seconds=seconds)

    def trouble(self, **planes: Any) -> None:
        cast(Troubles, self.app.state.trouble).set(planes)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture
def sandbox() -> Sandbox:
    return Sandbox()


@pytest.fixture
def origin(sandbox: Sandbox) -> Iterator[str]:
    settings = Settings(
        management_url="http://ges.sandbox", project_id=PROJECT_ID, watch_first_seconds=0.2, watch_longest_seconds=0.4
    )
    transport = httpx.ASGITransport(sandbox.app)
    with serving(create_app(settings, transport=transport, demo_token=TOKEN)) as address:
        yield address


@pytest.fixture
def visit(browser: Browser, origin: str) -> Iterator[Watched]:
    """The page, freshly opened; whatever a test does there, nothing may be complained of or asked elsewhere."""
    with watched(browser, origin) as visit:
        open_page(visit.page, origin)
        yield visit
        assert visit.complaints == []
        assert visit.foreign_requests == []


@pytest.fixture(scope="module")
def axe() -> str:
    """The checker's source, which is put into the page."""
    problem = support_npm.install(AXE)
    assert problem is None, problem
    return (support_npm.home_of(AXE) / "node_modules" / "axe-core" / "axe.min.js").read_text()


def open_page(page: Page, origin: str, path: str = "/") -> None:
    page.goto(origin + path)
    expect(page.locator("main h1")).not_to_have_text("Loading …")


def graph_link(page: Page, name: str) -> Locator:
    return page.get_by_role("navigation", name="Graphs").get_by_role("link", name=name)


def open_graph(page: Page, name: str = "supply_chain") -> None:
    graph_link(page, name).click()
    expect(page.get_by_role("heading", level=1, name=name)).to_be_visible()
    expect(page.locator(".jobs tbody tr").first).to_be_visible()


def open_job(page: Page, search: str) -> None:
    """Search a job of the graph that is open by its name or the end of its id, and open it."""
    page.get_by_role("searchbox").fill(search)
    page.locator(f'.jobs th:has(a:text-is("{search}"), .about[title$="{search}"])').first.get_by_role("link").click()
    expect(page.locator("nav.trail")).to_be_visible()


def is_live(page: Page, within_seconds: int = 5) -> None:
    expect(page.locator(".live")).to_have_text("Live", timeout=1000 * within_seconds)


def test_it_opens_with_the_graphs_and_the_task_center(visit: Watched) -> None:
    listed = visit.page.locator(".graph-list .title").all_inner_texts()
    assert [name.split("\n")[0] for name in listed] == ["Task center", *(graph.name for graph in GRAPHS)]
    stopped = graph_link(visit.page, "archived_store")
    assert stopped.inner_text().split("\n") == ["archived_store", "not queryable", "memory, stopped"]
    expect(visit.page.get_by_role("heading", level=1)).to_have_text("Task center")
    expect(visit.page.locator(".jobs tbody")).to_contain_text("CreateBackup")
    expect(visit.page.locator(".health")).to_have_text("Management: answersService: answers")


def test_the_jobs_of_a_graph_come_from_both_planes(visit: Watched) -> None:
    open_graph(visit.page)
    planes = set(visit.page.locator(".jobs tbody tr td:nth-child(3)").all_inner_texts())
    assert planes == {"Management", "Service"}
    visit.page.get_by_label("Plane", exact=True).select_option("Service plane")
    expect(visit.page.locator(".jobs tbody tr td:nth-child(3)", has_text="Management")).to_have_count(0)
    visit.page.get_by_label("Status", exact=True).select_option("Failed")
    expect(visit.page.locator(".jobs .badge:not(.bad)")).to_have_count(0)
    expect(visit.page.locator(".below")).to_contain_text("Filtered by this gateway, not by GES: statuses.")


def test_older_jobs_are_shown_on_demand_and_stay(visit: Watched) -> None:
    open_graph(visit.page)
    rows = visit.page.locator(".jobs tbody tr")
    before = rows.count()
    assert before == 50
    visit.page.get_by_role("button", name="Show older jobs").click()
    expect(rows.nth(before + 3)).to_be_visible()
    ids = visit.page.locator(".jobs .about").evaluate_all("all => all.map(one => one.title)")
    assert len(ids) == len(set(ids))


def test_a_job_that_starts_meanwhile_appears_and_is_told(visit: Watched, sandbox: Sandbox) -> None:
    open_graph(visit.page)
    is_followed(visit.page, sandbox)
    expect(visit.page.locator("#announcements")).to_contain_text("New: pagerank")


def test_a_bar_moves_and_the_row_keeps_the_focus(visit: Watched, sandbox: Sandbox) -> None:
    sandbox.forward(12)
    open_graph(visit.page)
    row = visit.page.locator(".jobs tbody tr").filter(has_text="27ac1d0e002b007740253")
    row.get_by_role("link").focus()
    bar = row.get_by_role("progressbar", name="Progress of pagerank")
    before = bar.evaluate("bar => bar.value")
    sandbox.forward(15)
    eventually(visit.page, lambda: bool(bar.evaluate("bar => bar.value") > before + 20))
    expect(row.get_by_role("link")).to_be_focused()
    sandbox.forward(30)
    expect(row.locator(".badge")).to_have_text("Succeeded")
    expect(row.get_by_role("progressbar")).to_be_hidden()


def test_an_import_is_triaged(visit: Watched) -> None:
    open_graph(visit.page)
    open_job(visit.page, PARTIAL_IMPORT)
    visit.page.get_by_role("heading", name="Import", exact=True).wait_for()
    sums = visit.page.locator(".sums").inner_text()
    for told in ("4 2 succeeded, 1 partly failed, 1 failed", "1,184", "1,061", "123 10 %"):
        assert told in sums
    rows = [row.split("\t") for row in visit.page.locator(".scroller tbody tr").all_inner_texts()]
    assert [cell.split("\n")[0] for cell in rows[0]] == [
        "Failed",
        "sc-data/edges/broken.csv",
        "120",
        "120",
        "column count differs from the schema",
        "sc-data/log/broken.log",
    ]
    expect(visit.page.locator("main")).to_contain_text("The sums leave out 1 file of which GES reports no counts.")


def test_a_job_under_way_is_followed_to_its_end(visit: Watched, sandbox: Sandbox) -> None:
    sandbox.forward(20)
    open_graph(visit.page)
    open_job(visit.page, "27ac1d0e002b007740253")
    expect(visit.page.get_by_role("progressbar")).to_be_visible()
    is_live(visit.page)
    sandbox.forward(30)
    expect(visit.page.locator(".heading .badge").first).to_have_text("Succeeded")
    expect(visit.page.locator(".live")).to_have_text("Ended")
    expect(visit.page.locator("#announcements")).to_contain_text("Succeeded")
    expect(visit.page.get_by_role("region", name="Rows of the result")).to_be_visible()
    assert visit.page.title() == "Succeeded: pagerank – GES gateway: sandbox"


def test_a_bar_moves_on_the_page_of_a_job(visit: Watched, sandbox: Sandbox) -> None:
    """Of jobs inside a graph only its list says how far they are."""
    hurry(visit)
    sandbox.forward(20)
    open_graph(visit.page)
    open_job(visit.page, "27ac1d0e002b007740253")
    is_live(visit.page)
    bar = visit.page.get_by_role("progressbar")
    before = float(bar.get_attribute("value") or 0)
    sandbox.forward(10)
    expect(bar).not_to_have_attribute("value", f"{before:g}")
    assert float(bar.get_attribute("value") or 0) > before


def test_a_result_is_paged_and_charted(visit: Watched) -> None:
    open_graph(visit.page)
    open_job(visit.page, BIG_PAGERANK)
    table = visit.page.get_by_role("region", name="Rows of the result")
    expect(table.locator("tbody tr").first).to_have_text("0site-00000000.25")
    expect(visit.page.locator(".pager")).to_contain_text("Rows 1 to 100 of 100,000")
    expect(visit.page.locator("figcaption")).to_have_text(
        "Highest 12 values of the rows shown below only (Rows 1 to 100 of 100,000)"
    )
    widths = visit.page.locator(".bar-fill").evaluate_all("all => all.map(one => one.getBoundingClientRect().width)")
    assert widths[1] == pytest.approx(widths[0] * 0.8, rel=0.01)
    visit.page.get_by_role("button", name="Next").click()
    expect(table.locator("tbody tr").first).to_contain_text("site-0000100")
    visit.page.get_by_role("button", name="Last").click()
    expect(visit.page.locator(".pager")).to_contain_text("Rows 99,901 to 100,000 of 100,000")
    expect(visit.page.get_by_role("button", name="Next")).to_have_attribute("aria-disabled", "true")
    expect(visit.page.locator("#announcements")).to_contain_text("Rows 99,901 to 100,000")
    visit.page.get_by_label("Rows on a page").select_option("25 rows")
    expect(table.locator("tbody tr")).to_have_count(25)


@pytest.mark.parametrize(("word", "ending", "lines"), [("CSV", "csv", 10_001), ("NDJSON", "ndjson", 10_000)])
def test_the_whole_result_is_saved(visit: Watched, word: str, ending: str, lines: int) -> None:
    open_graph(visit.page)
    open_job(visit.page, PAGERANK)
    # A browser without a screen has nobody to choose a place, so the file comes as a download.
    visit.page.evaluate("delete window.showSaveFilePicker")
    with visit.page.expect_download() as saved:
        visit.page.get_by_role("button", name=f"Export as {word}").click()
    assert saved.value.suggested_filename == f"pagerank-{PAGERANK}.{ending}"
    assert len(saved.value.path().read_text().splitlines()) == lines
    expect(visit.page.locator("#announcements")).to_contain_text("Exported pagerank-")
    expect(visit.page.get_by_role("button", name=f"Export as {word}")).to_be_visible()


def test_the_whole_result_goes_straight_to_a_file_where_the_browser_can(visit: Watched) -> None:
    open_graph(visit.page)
    open_job(visit.page, PAGERANK)
    visit.page.evaluate(
        """() => {
            window.written = "";
            const decoder = new TextDecoder();
            const write = (chunk) => void (written += decoder.decode(chunk, { stream: true }));
            const createWritable = async () => new WritableStream({ write });
            window.showSaveFilePicker = async ({ suggestedName }) => {
                window.named = suggestedName;
                return { createWritable };
            };
        }"""
    )
    visit.page.get_by_role("button", name="Export as CSV").click()
    expect(visit.page.locator("#announcements")).to_contain_text("Exported pagerank-")
    assert visit.page.evaluate("named") == f"pagerank-{PAGERANK}.csv"
    assert visit.page.evaluate("written").count("\n") == 10_001


def test_an_export_that_cannot_be_begun_says_why(visit: Watched, sandbox: Sandbox) -> None:
    open_graph(visit.page)
    open_job(visit.page, PAGERANK)
    visit.page.evaluate("delete window.showSaveFilePicker")
    button = visit.page.get_by_role("button", name="Export as CSV")
    expect(button).to_be_visible()
    sandbox.trouble(service={"kind": "status503"})
    button.click()
    expect(visit.page.locator("main .problems .codes")).to_contain_text("PLANE_UNAVAILABLE")
    expect(button).to_be_visible()
    assert {text for text in visit.complaints if "503" not in text} == set()
    visit.complaints.clear()


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_rows_of_each_kind_have_their_columns(visit: Watched, algorithm: str) -> None:
    open_graph(visit.page)
    visit.page.get_by_label("Status", exact=True).select_option("Succeeded")
    open_job(visit.page, algorithm)
    heads = visit.page.locator("[aria-label='Rows of the result'] thead th")
    columns, has_chart = ALGORITHMS[algorithm]
    expect(heads).to_have_text(columns)
    assert visit.page.locator("figure").count() == has_chart


def test_a_graph_that_is_stopped_says_so_and_shows_the_rest(visit: Watched) -> None:
    open_graph(visit.page, "archived_store")
    problem = visit.page.locator(".problems .notice")
    expect(problem).to_have_count(1)
    expect(problem).to_contain_text("Service plane: The graph `archived_store` is not running (status 900).")
    expect(problem.locator(".codes")).to_have_text(re.compile(r"GRAPH_NOT_RUNNING · request [0-9a-f]{32}"))
    expect(visit.page.locator(".jobs tbody tr")).to_have_count(2)


def is_told(page: Page, code: str = "PLANE_UNAVAILABLE") -> None:
    """One notice says that the service plane is out, and that what is shown of it is from before."""
    problem = page.locator("main .problems .notice")
    expect(problem).to_contain_text(re.compile(r"Service plane: .+ Shown is the last known state\."))
    expect(problem.locator(".codes")).to_contain_text(code)


def is_over(page: Page) -> None:
    expect(page.locator("main .problems .notice")).to_have_count(0)


def asks(request: Request, name: str) -> bool:
    return f"query {name}" in (request.post_data or "")


def asked(page: Page, name: str) -> list[Request]:
    """Collect, from now on, the requests with an operation of this name."""
    requests: list[Request] = []
    page.on("request", lambda request: requests.append(request) if asks(request, name) else None)
    return requests


def is_followed(page: Page, sandbox: Sandbox) -> None:
    """Not only has the stream begun: the gateway has looked, and told of what happened since."""
    is_live(page)
    new = page.locator(f'.about[title="{NEXT_PAGERANK}"]')
    expect(new).to_have_count(0)
    sandbox.forward(95)
    expect(new).to_be_visible()


@contextmanager
def held_stream(page: Page) -> Iterator[None]:
    """Let the next stream begin no sooner than this is left."""
    held: list[Route] = []

    def hold(route: Route) -> None:
        is_stream = route.request.headers["accept"] == "text/event-stream"
        return held.append(route) if is_stream and not held else route.continue_()

    page.route("**/graphql", hold)
    yield
    eventually(page, lambda: len(held) == 1)
    held[0].continue_()
    page.unroute("**/graphql", hold)


def hurry(visit: Watched) -> None:
    """Let what the page does every so many seconds happen ten times as often, from a fresh start on."""
    visit.page.add_init_script("const every = setInterval; window.setInterval = (act, wait) => every(act, wait / 10);")
    visit.page.goto("about:blank")
    visit.page.goto(visit.origin)


def test_an_outage_is_told_while_it_lasts(visit: Watched, sandbox: Sandbox) -> None:
    open_graph(visit.page)
    is_followed(visit.page, sandbox)
    sandbox.trouble(service={"kind": "status503"})
    is_told(visit.page)
    assert visit.page.locator(".jobs tbody tr").count() >= 50
    sandbox.trouble(service=None)
    is_over(visit.page)


def test_an_outage_from_before_the_first_look_is_told(visit: Watched, sandbox: Sandbox) -> None:
    """The stream has no job to tell it by: it has seen none of that plane."""
    hurry(visit)
    with held_stream(visit.page):
        open_graph(visit.page)
        sandbox.trouble(service={"kind": "status503"})
    is_live(visit.page)
    is_told(visit.page)
    # As soon as the stream tells of the plane again, no list is needed.
    visit.page.route("**/graphql", lambda route: None if asks(route.request, "GraphJobs") else route.continue_())
    sandbox.trouble(service=None)
    is_over(visit.page)


def test_an_outage_is_told_where_no_job_is_under_way(visit: Watched, sandbox: Sandbox) -> None:
    hurry(visit)
    open_graph(visit.page, "hr_people")
    is_live(visit.page)
    assert visit.page.locator(".jobs .badge").all_inner_texts() == ["Succeeded"] * 4
    sandbox.trouble(service={"kind": "status503"})
    is_told(visit.page)
    # It is worded differently each time, and told to screen readers once.
    visit.page.locator("main .problems .notice").evaluate("notice => notice.id = 'first'")
    lists = asked(visit.page, "GraphJobs")
    eventually(visit.page, lambda: len(lists) > 3)
    expect(visit.page.locator("main .problems #first")).to_be_visible()
    sandbox.trouble(service=None)
    is_over(visit.page)


def test_what_keeps_no_gateway_from_asking_on_is_told_after_a_minute(visit: Watched, sandbox: Sandbox) -> None:
    visit.page.clock.install()
    visit.page.reload()
    open_graph(visit.page, "hr_people")
    is_live(visit.page)
    notices = visit.page.locator("main .problems .notice")

    def are(count: int) -> bool:
        # Not once only: the gateway keeps a list in which nothing moves for five seconds.
        visit.page.clock.fast_forward("01:01")
        visit.page.wait_for_timeout(200)
        return notices.count() == count

    sandbox.trouble(service={"kind": "garbage"})
    eventually(visit.page, lambda: are(1))
    is_told(visit.page, "UPSTREAM_MALFORMED")
    expect(visit.page.locator(".health")).to_have_text("Management: answersService: answers")
    sandbox.trouble(service=None)
    eventually(visit.page, lambda: are(0))


def test_a_list_from_before_an_outage_does_not_end_it(visit: Watched, sandbox: Sandbox) -> None:
    """Lists are kept for a while, so the answer to a question may be older than what an event has told."""
    given: list[APIResponse] = []

    def give_the_first(route: Route) -> None:
        if not asks(route.request, "GraphJobs"):
            return route.continue_()
        given.append(given[0] if given else route.fetch())
        return route.fulfill(response=given[0])

    hurry(visit)
    visit.page.route("**/graphql", give_the_first)
    open_graph(visit.page)
    is_followed(visit.page, sandbox)
    sandbox.trouble(service={"kind": "status503"})
    is_told(visit.page)
    before = len(given)
    eventually(visit.page, lambda: len(given) > before + 2)
    is_told(visit.page)
    sandbox.trouble(service=None)
    is_over(visit.page)
    visit.page.unroute_all(behavior="wait")


def test_an_outage_from_before_the_first_look_is_told_of_a_job(visit: Watched, sandbox: Sandbox) -> None:
    sandbox.forward(12)
    open_graph(visit.page)
    with held_stream(visit.page):
        open_job(visit.page, "27ac1d0e002b007740253")
        expect(visit.page.locator(".heading .badge").first).to_have_text("Running")
        sandbox.trouble(service={"kind": "status503"})
    is_told(visit.page)
    sandbox.trouble(service=None)
    is_over(visit.page)


def test_what_could_not_be_read_of_an_ended_job_is_asked_for_again(visit: Watched) -> None:
    def spoil(route: Route) -> None:
        if not asks(route.request, "JobDetail"):
            return route.continue_()
        answer = route.fetch()
        problem = {"message": "No list.", "extensions": {"code": "TIMEOUT", "plane": "SERVICE"}}
        return route.fulfill(response=answer, json={**answer.json(), "errors": [problem]})

    hurry(visit)
    open_graph(visit.page)
    visit.page.route("**/graphql", spoil)
    open_job(visit.page, BIG_PAGERANK)
    expect(visit.page.locator(".live")).to_have_text("Ended")
    expect(visit.page.locator("main .problems .notice").first).to_have_text("Service plane: No list.TIMEOUT")
    visit.page.unroute_all(behavior="wait")
    is_over(visit.page)


def test_a_plane_that_is_out_leaves_the_other(browser: Browser, origin: str, sandbox: Sandbox) -> None:
    sandbox.trouble(service={"kind": "status503"})
    with watched(browser, origin) as visit:
        open_page(visit.page, origin)
        open_graph(visit.page)
        codes = visit.page.locator("main .problems .codes")
        expect(codes).to_have_text(
            re.compile("PLANE_UNAVAILABLE · APIG.0613 · HTTP 503 · worth asking again · request ")
        )
        planes = set(visit.page.locator(".jobs tbody tr td:nth-child(3)").all_inner_texts())
        assert planes == {"Management"}
        expect(visit.page.locator("main .problems")).not_to_contain_text("last known")


def test_an_answer_that_takes_long_is_waited_for(visit: Watched) -> None:
    """Were it asked for again meanwhile, the answer would be to a question that another has overtaken."""
    held: list[Route] = []
    hurry(visit)
    expect(visit.page.locator(".live")).to_have_text("Asked again every 5 seconds")
    visit.page.route(
        "**/graphql",
        lambda route: held.append(route) if asks(route.request, "TaskCenter") else route.continue_(),
    )
    eventually(visit.page, lambda: len(held) == 1)
    looks = asked(visit.page, "Health")
    eventually(visit.page, lambda: len(looks) > 2)
    assert len(held) == 1
    held[0].continue_()
    eventually(visit.page, lambda: len(held) == 2)


def test_without_a_stream_it_asks_again(visit: Watched, sandbox: Sandbox) -> None:
    visit.page.route(
        "**/graphql",
        lambda route: (
            route.fulfill(status=502, body="")
            if route.request.headers["accept"] == "text/event-stream"
            else route.continue_()
        ),
    )
    open_graph(visit.page)
    expect(visit.page.locator(".live")).to_contain_text("Not live")
    sandbox.forward(95)
    expect(visit.page.locator(f'.about[title="{NEXT_PAGERANK}"]')).to_be_visible()
    sandbox.trouble(service={"kind": "status503"})
    expect(visit.page.locator("main .problems .codes")).to_contain_text("PLANE_UNAVAILABLE")
    # What is known of the plane that is out stays where it is.
    assert visit.page.locator(".jobs tbody tr td:nth-child(3)", has_text="Service").count() > 10
    sandbox.trouble(service=None)
    visit.page.unroute("**/graphql")
    # Pauses between two tries have grown meanwhile.
    is_live(visit.page, within_seconds=20)
    expect(visit.page.locator("main .problems .notice")).to_have_count(0)
    assert {text for text in visit.complaints if "502" not in text} == set()
    visit.complaints.clear()


def test_while_nobody_looks_nothing_is_asked(visit: Watched, sandbox: Sandbox) -> None:
    open_graph(visit.page)
    is_live(visit.page)
    look(visit.page, away=True)
    expect(visit.page.locator(".live")).to_have_text("Paused while not in view")
    calls = cast(CallLog, sandbox.app.state.calls)
    eventually(visit.page, lambda: ends_quiet(visit.page, calls))
    sandbox.forward(95)
    look(visit.page, away=False)
    expect(visit.page.locator(f'.about[title="{NEXT_PAGERANK}"]')).to_be_visible()
    is_live(visit.page)


def look(page: Page, *, away: bool) -> None:
    """Do what a browser does when another tab is brought to the front, or this one again."""
    page.evaluate(
        """away => {
            Object.defineProperty(document, "hidden", { value: away, configurable: true });
            document.dispatchEvent(new Event("visibilitychange"));
        }""",
        away,
    )


def ends_quiet(page: Page, calls: CallLog) -> bool:
    """Whether no call reaches GES for longer than two looks at the jobs are apart."""
    calls.clear()
    page.wait_for_timeout(1_000)
    return not calls.calls


def test_what_ges_sends_stays_text(visit: Watched) -> None:
    """Even if it were markup: job names, causes and rows come from people."""
    hostile = "<img src=x onerror=alert(1)>"

    def spoil(route: Route) -> None:
        if not asks(route.request, "GraphJobs"):
            return route.continue_()
        answer = route.fetch()
        return route.fulfill(response=answer, body=answer.text().replace('"kcore"', json.dumps(hostile)))

    visit.page.route("**/graphql", spoil)
    open_graph(visit.page)
    expect(visit.page.locator(".jobs tbody")).to_contain_text(hostile)
    assert visit.page.locator("main img").count() == 0
    # Before it is left, so that no answer is on its way.
    visit.page.unroute_all(behavior="wait")


def test_a_link_leads_deep(visit: Watched, origin: str) -> None:
    open_graph(visit.page)
    open_job(visit.page, BIG_PAGERANK)
    there = visit.page.url
    assert re.fullmatch(re.escape(origin) + r"/#graph/[\w-]+/job/[\w-]+", there)
    visit.page.goto("about:blank")
    visit.page.goto(there)
    expect(visit.page.get_by_role("heading", level=1)).to_have_text("pagerank")
    visit.page.get_by_role("link", name="Jobs of supply_chain").click()
    expect(visit.page.get_by_role("heading", level=1)).to_have_text("supply_chain")


def test_a_graph_is_opened_by_its_name(visit: Watched) -> None:
    visit.page.get_by_label("Open by name").fill("hr_people")
    visit.page.keyboard.press("Enter")
    expect(visit.page.get_by_role("heading", level=1)).to_have_text("hr_people")
    visit.page.get_by_label("Open by name").fill("nowhere")
    visit.page.keyboard.press("Enter")
    expect(visit.page.locator(".graphs .notice .codes")).to_contain_text("NOT_FOUND")


def test_all_of_it_is_reached_with_the_keyboard(visit: Watched) -> None:
    page = visit.page
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    graph_link(page, "supply_chain").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_be_focused()
    for expected in ("Search jobs", "Status", "Plane"):
        page.keyboard.press("Tab")
        expect(page.get_by_label(expected, exact=True)).to_be_focused()
    expect(page.locator(".jobs tbody tr").first).to_be_visible()
    page.keyboard.press("Tab")
    focused = page.locator(".jobs tbody a:focus")
    assert focused.evaluate("link => getComputedStyle(link).outlineStyle") == "solid"
    page.keyboard.press("Enter")
    expect(page.locator("nav.trail")).to_be_visible()
    expect(page.get_by_role("heading", level=1)).to_be_focused()


def test_the_token_is_asked_for_and_kept_for_the_tab_only(browser: Browser, sandbox: Sandbox) -> None:
    settings = Settings(management_url="http://ges.sandbox", project_id=PROJECT_ID)
    app = create_app(settings, transport=httpx.ASGITransport(sandbox.app))
    with serving(app) as origin, watched(browser, origin) as visit:
        page = visit.page
        page.goto(origin)
        dialog = page.get_by_role("dialog", name="Token")
        expect(dialog).to_contain_text("A token is needed to ask GES.")
        page.keyboard.press("Escape")
        expect(page.locator("main .problems .codes")).to_contain_text("UNAUTHENTICATED")
        page.get_by_role("button", name="Token").click()
        page.get_by_label("IAM token, or a key of this gateway").fill("sandbox-token-expired")
        page.keyboard.press("Enter")
        expect(dialog).to_contain_text("This token is not accepted (any more).")
        page.get_by_label("IAM token, or a key of this gateway").fill(TOKEN)
        page.get_by_label("Project id (optional)").fill(PROJECT_ID)
        with page.expect_request("**/graphql") as sent:
            page.get_by_role("button", name="Use").click()
        assert sent.value.headers["x-auth-token"] == TOKEN
        assert sent.value.headers["x-project-id"] == PROJECT_ID
        expect(graph_link(page, "supply_chain")).to_be_visible()
        assert TOKEN in page.evaluate("JSON.stringify(sessionStorage)")
        assert page.evaluate("JSON.stringify(localStorage) + document.cookie + location") == "{}" + origin + "/"


def test_a_list_that_was_refused_is_not_asked_for_again(visit: Watched, browser: Browser, sandbox: Sandbox) -> None:
    open_graph(visit.page)
    graph = visit.page.url.partition("#")[2]
    app = create_app(Settings(management_url="http://ges.sandbox"), transport=httpx.ASGITransport(sandbox.app))
    with serving(app) as origin, watched(browser, origin) as refused:
        lists, looks = asked(refused.page, "GraphJobs"), asked(refused.page, "Health")
        hurry(refused)
        refused.page.goto(f"{origin}/#{graph}")
        expect(refused.page.locator("main .problems .codes")).to_contain_text("UNAUTHENTICATED")
        lists.clear()
        looks.clear()
        eventually(refused.page, lambda: len(looks) > 2)
        assert lists == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
def test_every_view_is_accessible_and_fits(browser: Browser, origin: str, axe: str, scheme: str, width: str) -> None:
    wide, high = WIDTHS[width]
    with watched(browser, origin, width=wide, height=high) as visit:
        page = visit.page
        page.emulate_media(color_scheme=cast(Any, scheme))
        open_page(page, origin)
        page.evaluate(axe)
        check(page, wide)
        open_graph(page, "archived_store")
        check(page, wide)
        open_page(page, origin)
        page.evaluate(axe)
        open_graph(page)
        is_live(page)
        check(page, wide)
        there = page.url
        open_job(page, BIG_PAGERANK)
        expect(page.get_by_role("region", name="Rows of the result")).to_be_visible()
        check(page, wide)
        page.goto(there)
        open_job(page, PARTIAL_IMPORT)
        expect(page.get_by_role("heading", name="Import", exact=True)).to_be_visible()
        check(page, wide)
        page.get_by_role("button", name="Token").click()
        check(page, wide)
        assert visit.complaints == []


def check(page: Page, width: int) -> None:
    """Nothing sticks out, and none of the rules of WCAG 2.2 AA that a program can check is broken."""
    assert page.evaluate("document.documentElement.scrollWidth") == width
    options = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
    found = page.evaluate(f"axe.run(document, {json.dumps(options)})")
    assert [(rule["id"], [node["html"] for node in rule["nodes"]]) for rule in found["violations"]] == []


def test_it_can_be_switched_off(browser: Browser, sandbox: Sandbox) -> None:
    settings = Settings(management_url="http://ges.sandbox", dashboard=False, graphiql=False)
    app = create_app(settings, transport=httpx.ASGITransport(sandbox.app))
    with serving(app) as origin, watched(browser, origin) as visit:
        visit.page.goto(origin)
        expect(visit.page.locator("main")).to_contain_text("This address answers GraphQL")
        assert visit.page.url == f"{origin}/graphql"
        assert visit.page.evaluate("getComputedStyle(document.body).maxWidth") != "none"
        assert visit.complaints == []
