"""A real browser and a real server for tests of the page: Chromium without a screen, uvicorn on a loopback port.

Knows nothing of the application it serves, nor of what the tests look for.
"""

import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import pytest
import uvicorn
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, ViewportSize, expect, sync_playwright
from starlette.types import ASGIApp

# A busy machine is slow, and two looks at a quiet graph are up to ten seconds apart.
expect.set_options(timeout=30_000)

# A browser in a test has nothing to ask Google's hosts, and as root it runs only without its own sandbox.
_ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
_PATIENCE_MILLISECONDS = 15_000


@dataclass
class Watched:
    """A page, and what it did that no test may overlook."""

    page: Page
    origin: str
    complaints: list[str] = field(default_factory=list)
    foreign_requests: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.set_default_timeout(_PATIENCE_MILLISECONDS)
        self.page.on("console", self._note_message)
        self.page.on("pageerror", lambda error: self.complaints.append(f"uncaught: {error}"))
        self.page.on("requestfailed", self._note_failure)
        self.page.on("request", self._note_request)

    def _note_message(self, message: ConsoleMessage) -> None:
        # Violations of the content security policy arrive here too.
        if message.type == "error":
            self.complaints.append(message.text)

    def _note_failure(self, request: Request) -> None:
        # What the page itself gave up, as a stream nobody looks at any more, has not failed.
        if request.failure != "net::ERR_ABORTED":
            self.complaints.append(f"failed: {request.url}")

    def _note_request(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme != "data" and f"{parts.scheme}://{parts.netloc}" != self.origin:
            self.foreign_requests.append(request.url)


@contextmanager
def serving(app: ASGIApp) -> Iterator[str]:
    """Serve `app` on a free loopback port, with its lifespan, and give its origin."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(
            app, ws="websockets-sansio", log_config=None, lifespan="auto", timeout_graceful_shutdown=1
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(timeout=10)
    assert not thread.is_alive(), "the server did not stop"


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start the system's Chromium."""
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    assert path is not None, "tests of the page need Chromium: install the system's package `chromium`"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(_ARGUMENTS))
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def watched(browser: Browser, origin: str, *, width: int = 1280, height: int = 800) -> Iterator[Watched]:
    """Open an empty page, as a visitor who has never been here."""
    context = browser.new_context(viewport=ViewportSize(width=width, height=height))
    try:
        yield Watched(context.new_page(), origin)
    finally:
        context.close()


def eventually(page: Page, holds: Callable[[], bool]) -> None:
    """Wait until it holds. Playwright's own waiting for a condition is an eval, which the page's policy refuses."""
    for _ in range(500):
        if holds():
            return
        page.wait_for_timeout(20)
    pytest.fail("It did not come to hold in ten seconds.")
