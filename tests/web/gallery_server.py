"""A server of all page samples, for browsers, with the Content-Security-Policy of the pages."""

import threading
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from mimetypes import guess_type
from pathlib import Path
from typing import Any, Protocol

from playwright.sync_api import Page
from werkzeug.exceptions import NotFound
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

from app.infra.settings.palette import palette_of
from tests.web.page_gallery import SAMPLES

STATIC = Path(__file__).parents[2] / "app/web/static"
ASSETS = {path.name: path.read_bytes() for path in STATIC.iterdir() if path.is_file()}
# A colour of a business, which text of its own ink stands on, and its icon.
ASSETS["brand.css"] = palette_of("#0f766e").stylesheet.encode()
ASSETS["icon.svg"] = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"/>'
# One grey pixel.
ASSETS["portrait.png"] = b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNoAAAAggCBd81ytgAAAABJRU5ErkJggg=="
)

# R73, without form-action, as R75 says for every page under /authorize.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
    " connect-src 'self'; base-uri 'none'; frame-ancestors 'none'"
)


@dataclass
class GalleryServer:
    """A server of all samples; a POST is recorded, and leads nowhere."""

    url: str = ""
    posted: list[str] = field(default_factory=list)

    def answer(self, request: Request) -> Response:
        if request.method == "POST":
            self.posted.append(request.path)
            return Response(status=204)
        folder, _, name = request.path.strip("/").rpartition("/")
        if folder == "static":
            # Whole, not as a file: a page that goes on to the next one would leave it open.
            response = Response(ASSETS[name], mimetype=guess_type(name)[0])
        elif name in SAMPLES:
            page = SAMPLES[name].render(language=folder or "en")
            response = Response(page, mimetype="text/html")
        else:
            raise NotFound
        response.headers["Content-Security-Policy"] = POLICY
        return response


class Visit(Protocol):
    """Opens a sample in a browser of its own."""

    def __call__(self, name: str, *, paused: bool = False, **device: Any) -> Page:
        """Return sample *name* on *device*; *paused* leaves the page's clock to the test.

        "ar/confirm" is the sample "confirm" in Arabic.
        """
        ...


@contextmanager
def serving() -> Iterator[GalleryServer]:
    """Yield a gallery that answers at its address, and stop it after."""
    gallery = GalleryServer()
    server = make_server("127.0.0.1", 0, Request.application(gallery.answer), threaded=True)
    gallery.url = f"http://127.0.0.1:{server.port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield gallery
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
