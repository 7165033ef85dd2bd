"""A simulated Facebook that redirects browsers, and a Threadlink that uses it, over sockets."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from sqlalchemy import text
from sqlalchemy.orm import Session
from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.wrappers import Request as Asked
from werkzeug.wrappers import Response

from app.services.container import Services
from tests.actors import Graph, LogIn, log_in
from tests.installation import ANA

PATH = "/messenger_platform/account_linking/"


class _Quiet(WSGIRequestHandler):
    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Log nothing: the tests' output stays quiet."""


@contextmanager
def served(app: object, host: str) -> Iterator[str]:
    server = make_server(host, 0, app, threaded=True, request_handler=_Quiet)  # type: ignore[arg-type]  # any WSGI application
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield f"http://{host}:{server.port}"
    server.shutdown()
    thread.join()
    server.server_close()


@dataclass
class Facebook:
    """Facebook's return address: it records each request and redirects it to *onward*."""

    origin: str = ""
    onward: str = ""
    came_back: list[str] = field(default_factory=list)

    def answer(self, request: Asked) -> Response:
        if request.path == PATH:
            self.came_back.append(request.url)
            return Response(status=302, headers={"Location": self.onward})
        return Response("<!doctype html><title>Arrived</title>", mimetype="text/html")


@dataclass
class RedirectSetup:
    """A running server, the simulated Facebook, and the simulated Graph API."""

    services: Services
    facebook: Facebook
    graph: Graph

    def login(self) -> LogIn:
        token = log_in().account_linking_token
        login = LogIn(token, f"{self.facebook.origin}{PATH}?account_linking_token={token}")
        self.graph.knows(login, ANA)
        return login

    def address(self, login: LogIn) -> str:
        return self.services.settings.public_url + login.address()

    def becomes(self, change: str) -> None:
        """Apply the SQL assignments *change* to every attempt."""

        def set_(session: Session) -> None:
            session.execute(text(f"UPDATE attempt SET {change}"))  # noqa: S608 - a test's own words

        self.services.write(set_)
