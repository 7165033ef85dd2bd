"""One person of one page, with a phone and Messenger's own browser."""

from app.emulator import psid_for
from app.messenger.types import Psid
from tests.actors import Person
from tests.browsers import OverSockets
from tests.setup.conftest import Platform


class Visitor:
    """A person who has tapped Log In on *page_id*, and sees the sign-in page."""

    def __init__(self, server_url: str, platform: Platform, page_id: str, name: str) -> None:
        self.psid = Psid(psid_for(platform.emulator.settings, page_id, name))
        self.phone = OverSockets(platform.origin)
        self.webview = OverSockets(server_url)
        query = f"response_type=code&client_id={page_id}&scope=basic"
        platform.emulator.state.set_linking_url(page_id, f"{server_url}/authorize?{query}")
        self.entry = self.phone("POST", f"/t/{page_id}/{self.psid}/log-in").location
        self.person = Person(self.webview)
        self.person.opens(self.entry)
        self.person.follows()

    def connects(self) -> None:
        """Consent, and go back to Messenger, which notifies the server."""
        self.person.presses("Connect")
        self.phone("GET", self.person.sees.location)

    def close(self) -> None:
        self.phone.close()
        self.webview.close()
