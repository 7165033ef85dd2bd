import shutil
from collections.abc import Callable, Iterator
from contextvars import Context
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize

from app.infra.database.writer import Writer
from app.infra.settings.database_url import database_url
from tests import shipped as shipping
from tests.shipped import Shipped
from tests.web.gallery_server import GalleryServer, Visit, serving

PHONE = ViewportSize(width=390, height=844)


@pytest.fixture(autouse=True)
def flaskless_use_cases(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide Flask from everything that is run by the `Writer`, in all tests of the web.

    A use case runs on the writer's thread, perhaps twice, so it may not depend on the request that
    it was called for. Here each is run in an empty context, where `current_app` and `request` raise
    RuntimeError.
    """
    for name in ("write", "write_meanwhile", "read"):
        monkeypatch.setattr(Writer, name, _without_context(getattr(Writer, name)))


def _without_context(run: Callable[..., Any]) -> Callable[..., Any]:
    def run_without_context(
        writer: Writer, use_case: Callable[..., Any], *args: Any, **kwargs: Any
    ) -> Any:
        def hidden(*its_args: Any, **its_kwargs: Any) -> Any:
            return Context().run(use_case, *its_args, **its_kwargs)

        return run(writer, hidden, *args, **kwargs)

    return run_without_context


@pytest.fixture(scope="session")
def served() -> Iterator[GalleryServer]:
    with serving() as gallery:
        yield gallery


@pytest.fixture(scope="module")
def shipped(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shipped]:
    """Yield `threadlink serve`, as it is shipped, for the tests of one module."""
    path = tmp_path_factory.mktemp("shipped") / "threadlink.sqlite"
    shutil.copyfile(sqlite_template, path)
    with shipping.serving(database_url(f"sqlite:///{path}"), LOG_LEVEL="info") as shipped:
        yield shipped


@pytest.fixture
def gallery(served: GalleryServer) -> GalleryServer:
    """Return the gallery of all samples, to which nothing has been posted yet."""
    served.posted.clear()
    return served


@pytest.fixture
def visit(browser: Browser, gallery: GalleryServer) -> Iterator[Visit]:
    """Yield what opens a sample on a device; at the end, no page may have complained."""
    complaints: list[str] = []
    contexts: list[BrowserContext] = []

    def visit(name: str, *, paused: bool = False, **device: Any) -> Page:
        context = browser.new_context(**{"viewport": PHONE, **device})
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        if paused:
            page.clock.install(time=0)
            page.clock.pause_at(1000)
        page.goto(f"{gallery.url}/{name}")
        return page

    yield visit
    for context in contexts:
        context.close()
    assert [] == complaints
