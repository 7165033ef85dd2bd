"""A Graph call: its caller, known by the token, and its parameters."""

import hmac
from dataclasses import dataclass, field, replace

from werkzeug.wrappers import Request

from app.emulator.context import Emulator
from app.emulator.graph import problems
from app.emulator.graph.params import Params
from app.emulator.settings import PageSettings
from app.emulator.state import Thread
from app.emulator.webhooks import signing
from app.emulator.webhooks.events import Event


@dataclass(frozen=True, slots=True)
class AppCall:
    """A call with the app's own token, {app-id}|{app-secret}."""

    emulator: Emulator
    params: Params
    # The faults that changed the caller, and those that fired while the call was answered.
    faults: tuple[str, ...] = ()
    fired: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class PageCall:
    """A call with the token of a page."""

    emulator: Emulator
    params: Params
    page: PageSettings
    faults: tuple[str, ...] = ()
    fired: list[str] = field(default_factory=list)
    # Events to deliver once the caller has read its answer.
    events: list[Event] = field(default_factory=list)

    def fault_fires(self, fault: str) -> bool:
        """Tell whether *fault* is on, and record that it fired."""
        fires = self.emulator.faults.fires(fault)
        if fires:
            self.fired.append(fault)
        return fires

    def recipient(self, psid: str | None) -> Thread:
        """Return the thread of *psid* with this page.

        Raises:
            GraphProblem: The page has no thread with that id.
        """
        thread = self.emulator.state.find_thread(self.page.id, psid or "")
        if thread is None:
            raise problems.no_matching_user()
        return thread


def authenticate(emulator: Emulator, request: Request, params: Params) -> AppCall | PageCall:
    """Return the call with the caller that its token belongs to.

    Raises:
        GraphProblem: The token is missing or unknown, or the proof does not match it.
    """
    token = params.text("access_token") or _bearer(request)
    if token is None:
        raise problems.no_token()
    settings = emulator.settings
    page = emulator.state.page_with_token(token)
    is_app = _same(token, f"{settings.app_id}|{settings.app_secret}")
    if page is None and not is_app:
        raise problems.invalid_token()
    _check_proof(emulator, params, token)
    if page is None:
        return AppCall(emulator, params)
    fault = "page-token-of-another-page"
    if not emulator.faults.fires(fault):
        return PageCall(emulator, params, page)
    other = replace(page, id=page.id[::-1], name="Another Page")
    return PageCall(emulator, params, other, (fault,))


def _check_proof(emulator: Emulator, params: Params, token: str) -> None:
    proof = params.text("appsecret_proof")
    if "appsecret_proof" not in params:
        if emulator.faults.fires("proof-required"):
            raise problems.missing_proof("proof-required")
    elif emulator.faults.fires("proof-wrong"):
        raise problems.wrong_proof("proof-wrong")
    elif not _same(proof or "", signing.appsecret_proof(token, emulator.settings.app_secret)):
        raise problems.wrong_proof()


def _bearer(request: Request) -> str | None:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() or None if scheme.lower() in {"bearer", "oauth"} else None


def _same(value: str, expected: str) -> bool:
    return hmac.compare_digest(value.encode(errors="replace"), expected.encode())
