"""Takes the pictures in README.md anew: `python -m tests.screenshots`. Look at them before they are committed."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

import httpx
from playwright.sync_api import Browser, Page

from gateway.app import create_app
from gateway.demo.graphs import PROJECT_ID
from gateway.demo.simulator import create_sandbox
from gateway.settings import Settings
from tests.e2e.browser import chromium, serving

HERE = Path(__file__).parent
PAGERANK = "5e9c0707-41d8-4b6a-93f0-27ac1d0e0007007740217"
PARTIAL_IMPORT = "8a1f0000000000000000000000000003"
# Long enough for a page to have everything it shows.
_SETTLED_MILLISECONDS = 2_500

Scheme = Literal["light", "dark"]


@contextmanager
def demo() -> Iterator[str]:
    """Serve the demo some seconds after its jobs began, so that bars have something to show."""
    # The stories begin when the sandbox is built; after that its clock is the gateway's.
    behind = timedelta(seconds=22)
    sandbox = create_sandbox(clock=lambda: datetime.now(UTC) - behind)
    behind = timedelta()
    settings = Settings(management_url="http://ges.sandbox", project_id=PROJECT_ID)
    app = create_app(settings, transport=httpx.ASGITransport(sandbox), demo_token="sandbox-token-all")
    with serving(app) as origin:
        yield origin


def graph(page: Page) -> None:
    """The jobs of a graph, live."""
    page.get_by_role("link", name="supply_chain").first.click()


def job(job_id: str) -> Callable[[Page], None]:
    """One job of that graph."""

    def show(page: Page) -> None:
        graph(page)
        page.get_by_role("searchbox").fill(job_id)
        page.locator(f'.jobs th:has(.about[title="{job_id}"]) a').click()

    return show


def triage(page: Page) -> None:
    """GraphiQL with an example that has run."""
    page.get_by_role("button", name="An import that partly failed").click()
    page.click(".graphiql-execute-button")


def take(
    browser: Browser, origin: str, name: str, scheme: Scheme, show: Callable[[Page], None], path: str = "/"
) -> None:
    """Take one picture."""
    wide, high = (390, 844) if name.endswith("phone") else (1280, 800)
    context = browser.new_context(viewport={"width": wide, "height": high}, color_scheme=scheme)
    page = context.new_page()
    page.goto(origin + path)
    show(page)
    page.wait_for_timeout(_SETTLED_MILLISECONDS)
    page.screenshot(path=HERE / f"{name}.png")
    context.close()


def main() -> None:
    """Take them all."""
    with demo() as origin, chromium() as browser:
        take(browser, origin, "dashboard-graph", "light", graph)
        take(browser, origin, "dashboard-result", "dark", job(PAGERANK))
        take(browser, origin, "dashboard-import", "light", job(PARTIAL_IMPORT))
        take(browser, origin, "dashboard-phone", "dark", graph)
        take(browser, origin, "graphiql", "light", triage, "/graphql")


if __name__ == "__main__":
    main()
