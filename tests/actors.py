"""Those who speak HTTP with Threadlink, as they do in life: a person, Messenger, Graph.

Nothing here imports what it is to test: bodies are escaped and signed a second time.
"""

import hmac
import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import responses
from requests import PreparedRequest

from tests.browsers import Answer, Browser
from tests.installation import ENVIRONMENT, PAGE, PASSWORD, USERNAME

RETURN_ADDRESS: Final = "https://www.facebook.com/messenger_platform/account_linking/"


@dataclass(frozen=True, slots=True)
class LogIn:
    """The parameters that Messenger adds to the address of a Log In button."""

    account_linking_token: str
    redirect_uri: str

    def address(self, **more: str) -> str:
        """Return the path and query that the person's browser is sent to."""
        given = {
            "account_linking_token": self.account_linking_token,
            "redirect_uri": self.redirect_uri,
        }
        return f"/authorize?{urlencode({**given, **more})}"


def log_in(mark: str = "") -> LogIn:
    """Return a log-in with a token nobody has seen, of the shape that Messenger's have.

    *mark* stands in front of what is random in it.
    """
    token = f"ARR{mark}{secrets.token_urlsafe(79)}"
    return LogIn(token, f"{RETURN_ADDRESS}?account_linking_token={quote(token, safe='')}")


class Person:
    """Somebody with a browser; *sees* is the answer in front of them."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self.sees: Answer

    def opens(self, address: str, **headers: str) -> Answer:
        self.sees = self._browser("GET", address, headers=headers)
        return self.sees

    def taps_log_in(self, login: LogIn, **more: str) -> Answer:
        """Open *login* and come to the sign-in page behind its redirect."""
        self.opens(login.address(**more))
        return self.follows()

    def follows(self) -> Answer:
        """Go where the redirect in front of this person leads; it must be on the same server."""
        assert not urlsplit(self.sees.location).netloc
        return self.opens(self.sees.location)

    def presses(self, button: str, **fields: str) -> Answer:
        """Fill *fields* into the form that says *button*, and send it."""
        form = self.sees.form(button)
        self.sees = self._browser("POST", form.action, body={**form.fields, **fields})
        return self.sees

    def posts(self, address: str, body: Mapping[str, str], **headers: str) -> Answer:
        """Post *body* to *address*, whether or not a form in front of this person would."""
        self.sees = self._browser("POST", address, body=body, headers=headers)
        return self.sees

    def signs_in(self, username: str = USERNAME, password: str = PASSWORD) -> Answer:
        """Sign in, and come to the confirm page if that was right."""
        self.presses("Log in", username=username, password=password)
        return self.follows() if self.sees.status == 303 else self.sees

    def connects(self) -> str:
        """Consent; return the authorization_code that the browser takes to Messenger."""
        self.presses("Connect")
        (code,) = parse_qs(urlsplit(self.sees.location).query)["authorization_code"]
        return code


class Messenger:
    """Posts what Messenger posts, escaped and signed as it does."""

    def __init__(self, browser: Browser, app_secret: str = ENVIRONMENT["APP_SECRET"]) -> None:
        self._browser = browser
        self._app_secret = app_secret

    def posts(self, body: bytes, **headers: str) -> Answer:
        """Post the bytes *body*, signed; *headers* come in addition or instead."""
        own = {"Content-Type": "application/json", "X-Hub-Signature-256": self.signature(body)}
        return self._browser("POST", "/webhook", body=body, headers={**own, **headers})

    def tells(self, *events: Mapping[str, Any], page_id: str = PAGE) -> Answer:
        """Post *events* of one page in one delivery."""
        return self.posts(delivery(*events, page_id=page_id))

    def shakes_hands(self, **hub: str) -> Answer:
        """Ask as the dashboard does when the webhook's address is saved."""
        given = {
            "mode": "subscribe",
            "verify_token": ENVIRONMENT["VERIFY_TOKEN"],
            "challenge": "1158201444",
            **hub,
        }
        query = urlencode({f"hub.{name}": value for name, value in given.items()})
        return self._browser("GET", f"/webhook?{query}")

    def signature(self, body: bytes) -> str:
        return "sha256=" + hmac.new(self._app_secret.encode(), body, "sha256").hexdigest()


def linked(psid: str, code: str, at: datetime, *, page_id: str = PAGE) -> dict[str, Any]:
    """Return the event that *psid*'s browser has come back with *code*."""
    linking = {"status": "linked", "authorization_code": code}
    return {**about(psid, at, page_id), "account_linking": linking}


def unlinked(psid: str, at: datetime, *, page_id: str = PAGE) -> dict[str, Any]:
    """Return the event that *psid* has logged out."""
    return {**about(psid, at, page_id), "account_linking": {"status": "unlinked"}}


def message(psid: str, text: str, at: datetime, *, page_id: str = PAGE) -> dict[str, Any]:
    """Return the event that *psid* has written *text*: the bot's, not ours."""
    return {**about(psid, at, page_id), "message": {"mid": "m_1", "text": text}}


def delivery(*events: Mapping[str, Any], page_id: str = PAGE) -> bytes:
    """Return the body with which Messenger posts *events* of one page."""
    time = max((event["timestamp"] for event in events), default=0)
    entry = {"id": page_id, "time": time, "messaging": events}
    text = json.dumps({"object": "page", "entry": [entry]}, separators=(",", ":"))
    for plain, escaped in (("/", r"\/"), ("<", r"\u003C"), ("%", r"\u0025"), ("@", r"\u0040")):
        text = text.replace(plain, escaped)
    return text.encode("ascii")


def about(psid: str, at: datetime, page_id: str) -> dict[str, Any]:
    sender, recipient = {"id": psid}, {"id": page_id}
    return {"sender": sender, "recipient": recipient, "timestamp": round(at.timestamp() * 1000)}


def digits_in(message: Mapping[str, Any]) -> str:
    """Return the code in *message*, which was sent to a chat."""
    found = re.match("\u2068(\\d{3} \\d{3})\u2069 ", message["message"]["text"])
    assert found
    return found[1]


class Graph:
    """Graph's edge, played by `responses`: it knows whom it was told of, and notes each call."""

    def __init__(self, edge: responses.RequestsMock, page_id: str = PAGE) -> None:
        self._page_id = page_id
        self._psids: dict[str, str] = {}
        self._names: dict[str, str] = {}
        # PSIDs by app-scoped id.
        self._matches: dict[str, str] = {}
        # Where their pictures are, by PSID.
        self.pictures: dict[str, str] = {}
        self.calls: list[PreparedRequest] = []
        self.is_down = False
        self.messages: list[str] = []
        self.refuses_messages = False
        # Code and subcode: outside of the 24 hours in which a page may write.
        self.message_refusal: tuple[int, int | None] = (10, 2018278)
        # Code and subcode with which a call is refused, by its name in `GraphClient`.
        self.refusals: dict[str, tuple[int, int | None]] = {}
        # The names that the page's conversations tell, by PSID; None: their permission is missing.
        self.conversations: dict[str, str] | None = None
        edge.add_callback("POST", _graph(r"me/messages"), callback=self._message)
        edge.add_callback("GET", _graph(r"me"), callback=self._recipient)
        edge.add_callback("GET", _graph(r"[0-9]+"), callback=self._profile)
        edge.add_callback("GET", _graph(r"[0-9]+/conversations"), callback=self._conversations)
        edge.add_callback("GET", _graph(r"[0-9]+/ids_for_pages"), callback=self._ids_for_pages)
        edge.add_callback("POST", _graph(r"me/unlink_accounts"), callback=self._unlinked)

    def knows(self, login: LogIn, psid: str, name: str = "Ana Berg") -> None:
        """Answer from now on that *login* is of *psid*, who is called *name*."""
        self._psids[login.account_linking_token] = psid
        self._names[psid] = name

    def knows_person(self, psid: str, name: str) -> None:
        """Answer from now on that *psid* is called *name*."""
        self._names[psid] = name

    def payloads(self) -> list[str]:
        """Return the payloads of the buttons in the last message."""
        payload = json.loads(self.messages[-1])["message"]["attachment"]["payload"]
        return [button["payload"] for button in payload["buttons"]]

    def matches(self, user_id: str, psid: str) -> None:
        """Answer from now on that the app-scoped *user_id* is *psid* on the page."""
        self._matches[user_id] = psid

    def answers_for(self, page_id: str) -> None:
        """Take every token from now on for one of *page_id*."""
        self._page_id = page_id

    def forgets(self, login: LogIn) -> None:
        """Answer from now on that nobody knows the token of *login*, as after five minutes."""
        del self._psids[login.account_linking_token]

    def _recipient(self, request: PreparedRequest) -> tuple[int, dict[str, str], str]:
        if refusal := self.refusals.get("recipient_for"):
            return self._answer(request, None, "Refused", *refusal)
        psid = self._psids.get(_parameter(request, "account_linking_token"))
        known = psid and {"id": self._page_id, "recipient": psid}
        return self._answer(request, known, "Invalid account_linking_token", 10303)

    def _message(self, request: PreparedRequest) -> tuple[int, dict[str, str], str]:
        if refusal := self.refusals.get("send_text"):
            return self._answer(request, None, "Refused", *refusal)
        body = request.body or b""
        if not self.refuses_messages:
            self.messages.append(body if isinstance(body, str) else body.decode())
        sent = None if self.refuses_messages else {"message_id": "m_1"}
        words = "This message is sent outside of allowed window."
        return self._answer(request, sent, words, *self.message_refusal)

    def _profile(self, request: PreparedRequest) -> tuple[int, dict[str, str], str]:
        if refusal := self.refusals.get("profile_name"):
            return self._answer(request, None, "Refused", *refusal)
        psid = urlsplit(str(request.url)).path.rpartition("/")[2]
        first, _, last = self._names.get(psid, "").partition(" ")
        known = psid in self._names and {"first_name": first, "last_name": last, "id": psid}
        if known and psid in self.pictures and "profile_pic" in _parameter(request, "fields"):
            known["profile_pic"] = self.pictures[psid]
        return self._answer(request, known or None, "No profile available", 2018218)

    def _conversations(self, request: PreparedRequest) -> tuple[int, dict[str, str], str]:
        if refusal := self.refusals.get("conversations"):
            return self._answer(request, None, "Refused", *refusal)
        if self.conversations is None:
            return self._answer(request, None, "Application does not have permission", 10)
        people = [
            {"id": psid, "name": name}
            for psid, name in self.conversations.items()
            if psid == _parameter(request, "user_id")
        ]
        threads = [{"id": "t_1", "participants": {"data": people}}] if people else []
        return self._answer(request, {"data": threads}, "", 0)

    def _ids_for_pages(self, request: PreparedRequest) -> tuple[int, dict[str, str], str]:
        psid = self._matches.get(urlsplit(str(request.url)).path.split("/")[-2])
        rows = [{"id": psid, "page": {"id": self._page_id, "name": "Harbour"}}] if psid else []
        return self._answer(request, {"data": rows}, "", 0)

    def _unlinked(self, request: PreparedRequest) -> tuple[int, dict[str, str], str]:
        return self._answer(request, {"result": "unlink account success"}, "", 0)

    def _answer(
        self,
        request: PreparedRequest,
        known: Any,
        refusal: str,
        code: int,
        subcode: int | None = None,
    ) -> tuple[int, dict[str, str], str]:
        self.calls.append(request)
        if self.is_down:
            return 500, {}, "<html>Sorry, something went wrong.</html>"
        if known:
            return 200, {}, json.dumps(known)
        error = {"message": refusal, "type": "OAuthException", "code": code, "fbtrace_id": "F1"}
        if subcode is not None:
            error["error_subcode"] = subcode
        return 400, {}, json.dumps({"error": error})


def _graph(path: str) -> re.Pattern[str]:
    return re.compile(rf"https://graph\.facebook\.com/v[0-9.]+/{path}(\?|$)")


def _parameter(request: PreparedRequest, name: str) -> str:
    (value,) = parse_qs(urlsplit(str(request.url)).query)[name]
    return value
