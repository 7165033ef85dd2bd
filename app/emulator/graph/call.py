"""One Graph call: who asks, about what, with which parameters."""

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
    # Faults that were on when it came, and those that befell it while it was answered.
    faults: tuple[str, ...] = ()
    happened: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class PageCall:
    """A call with the token of a page."""

    emulator: Emulator
    params: Params
    page: PageSettings
    faults: tuple[str, ...] = ()
    happened: list[str] = field(default_factory=list)
    # What the webhook shall hear once the caller has its answer.
    later: list[Event] = field(default_factory=list)

    def fault_fires(self, fault: str) -> bool:
        """Tell whether *fault* happens now, and remember that it did."""
        happens = self.emulator.faults.fires(fault)
        if happens:
            self.happened.append(fault)
        return happens

    def recipient(self, psid: str | None) -> Thread:
        """Return the thread of *psid* with this page.

        Raises:
            GraphProblem: Nobody with that id has chatted with this page.
        """
        thread = self.emulator.state.find_thread(self.page.id, psid or "")
        if thread is None:
            raise problems.no_matching_user()
        return thread


def identify(emulator: Emulator, request: Request, params: Params) -> AppCall | PageCall:
    """Return the call with its caller, known by the token.

    Raises:
        GraphProblem: No token, an unknown one, or a proof that does not belong to it.
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
    taken: tuple[str, ...] = ()
    if page is None:
        return AppCall(emulator, params)
    if emulator.faults.fires("page-token-of-another-page"):
        taken = ("page-token-of-another-page",)
        page = replace(page, id=page.id[::-1], name="Another Page")
    return PageCall(emulator, params, page, taken)


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


def _same(given: str, right: str) -> bool:
    return hmac.compare_digest(given.encode(errors="replace"), right.encode())
