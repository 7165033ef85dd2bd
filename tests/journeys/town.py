"""A server and an emulator that talk over sockets, and people who walk through both."""

import re
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from flask import Flask
from sqlalchemy import URL
from werkzeug.serving import WSGIRequestHandler, make_server

from app import create_app
from app.emulator import EmulatorServer, EmulatorSettings, PageSettings, psid_for
from app.emulator.context import Emulator, emulator_of
from app.infra import clock
from app.services.container import Services, build
from tests.actors import Person
from tests.browsers import Answer, OverSockets
from tests.installation import ENVIRONMENT, PAGE, add_jane, settings_for

TOKEN: Final = ENVIRONMENT["PAGE_ACCESS_TOKEN"]


@dataclass(frozen=True, slots=True)
class Town:
    """The server, the emulator, and the emulator's pages as a browser sees them."""

    services: Services
    emulator: Emulator
    chat: Any
    app: Flask

    def psid(self, name: str) -> str:
        return psid_for(self.emulator.settings, PAGE, name)

    def expects_log_in(self) -> None:
        """Let the emulator know where Log In leads."""
        self.emulator.state.set_linking_url(PAGE, self.services.linking_url(PAGE))

    def flush(self) -> None:
        """Store what pages and webhook have only noted so far."""
        self.services.events.flush()
        self.services.delivery_counter.flush()

    @contextmanager
    def visit(self, name: str) -> Iterator["Visit"]:
        """Yield a way through the pages for the person called *name*."""
        browser = OverSockets(self.services.settings.public_url)
        yield Visit(self, self.psid(name), Person(browser))
        browser.close()


@dataclass(frozen=True, slots=True)
class Visit:
    """A person with a chat and a browser, and the steps that they may take in it."""

    town: Town
    psid: str
    person: Person

    def taps_log_in(self) -> Answer:
        """Open the address of the button; the answer leads to the sign-in page, if all is well."""
        answer = self.town.chat.post(f"/t/{PAGE}/{self.psid}/log-in")
        return self.person.opens(answer.headers["Location"])

    def connects(self) -> None:
        """Type the code that the chat was sent, press Connect, and go back to Messenger."""
        written = self.town.emulator.state.thread(PAGE, self.psid).messages[-1].text or ""
        (digits,) = re.findall(r"\d{3} \d{3}", written)
        self.person.presses("Connect", code=digits)
        self.town.chat.get(self.person.sees.location)
        self.town.emulator.dispatcher.settle()

    def says(self, text: str) -> None:
        self.town.chat.post(f"/t/{PAGE}/{self.psid}/messages", data={"text": text})
        self.town.emulator.dispatcher.settle()

    def logs_out(self) -> None:
        self.town.chat.post(f"/t/{PAGE}/{self.psid}/log-out")
        self.town.emulator.dispatcher.settle()


@contextmanager
def town_on(database: URL, people: Sequence[str], **settings: str) -> Iterator[Town]:
    """Yield a town of *people*, all of one clock, that of the program."""
    http = make_server("127.0.0.1", 0, _nothing, threaded=True, request_handler=_Silent)
    public_url = f"http://127.0.0.1:{http.server_port}"
    messenger = _messenger(f"{public_url}/webhook", people)
    with (
        EmulatorServer(messenger, clock=lambda: clock.now()) as server,  # noqa: PLW0108 - patched
        _running(database, public_url, server.origin, settings) as services,
    ):
        http.app = app = create_app(services)
        thread = threading.Thread(target=http.serve_forever, args=(0.02,))
        thread.start()
        yield Town(services, emulator_of(server.app), server.app.test_client(), app)
        http.shutdown()
        thread.join()
        http.server_close()


@contextmanager
def _running(
    database: URL, public_url: str, messenger: str, more: dict[str, str]
) -> Iterator[Services]:
    settings = settings_for(
        database,
        PUBLIC_URL=public_url,
        GRAPH_URL=messenger,
        REDIRECT_ORIGINS=messenger,
        CONFIRM_IN_CHAT="always",
        # All of them sign in as the same user.
        MAX_LINKS_PER_USER="100",
        **more,
    )
    services = build(settings, limit_seconds=60)
    add_jane(services)
    yield services
    services.close()


def _messenger(webhook_url: str, people: Sequence[str]) -> EmulatorSettings:
    return EmulatorSettings(
        app_id=ENVIRONMENT["APP_ID"],
        app_secret=ENVIRONMENT["APP_SECRET"],
        verify_token=ENVIRONMENT["VERIFY_TOKEN"],
        webhook_url=webhook_url,
        pages=(PageSettings(PAGE, "Harbour Coffee", TOKEN),),
        people=tuple(people),
    )


class _Silent(WSGIRequestHandler):
    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        pass


def _nothing(_environ: Any, _start: Any) -> Any:
    raise AssertionError("asked before the server was there")
