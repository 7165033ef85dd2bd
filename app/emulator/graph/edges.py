"""The routing table of Graph: paths, permitted callers, and the functions that answer."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from app.emulator.graph import (
    conversations,
    debug,
    id_matching,
    messages,
    page_status,
    pages,
    problems,
    subscriptions,
)
from app.emulator.graph.call import AppCall, PageCall
from app.emulator.rate_limits import CONVERSATIONS, PROFILE, SEND, RateLimit

_PAGE_EDGES: dict[tuple[str, str], Callable[[PageCall], dict[str, Any]]] = {
    ("GET", ""): pages.read_page,
    ("POST", "thread_settings"): pages.set_thread_settings,
    ("DELETE", "thread_settings"): pages.delete_thread_settings,
    ("POST", "messenger_profile"): pages.set_profile,
    ("GET", "messenger_profile"): pages.read_profile,
    ("DELETE", "messenger_profile"): pages.delete_profile,
    ("GET", "conversations"): conversations.read_conversations,
    ("GET", "page_status"): page_status.read_page_status,
    ("POST", "unlink_accounts"): pages.unlink_accounts,
    ("POST", "messages"): messages.send,
    ("POST", "subscribed_apps"): subscriptions.subscribe_page,
    ("GET", "subscribed_apps"): subscriptions.read_page_subscriptions,
    ("DELETE", "subscribed_apps"): subscriptions.unsubscribe_page,
}
_APP_EDGES: dict[tuple[str, str], Callable[[AppCall], dict[str, Any]]] = {
    ("POST", "subscriptions"): subscriptions.subscribe_app,
    ("GET", "subscriptions"): subscriptions.read_app_subscriptions,
    ("DELETE", "subscriptions"): subscriptions.unsubscribe_app,
}
# Of a person whom the app knows: only the app may ask.
_ID_MATCHING = ("GET", "ids_for_pages")
_EDGES = {edge for _, edge in (*_PAGE_EDGES, *_APP_EDGES, _ID_MATCHING)}
_PATH = re.compile(r"(me|debug_token|\d{1,30})(?:/([a-z_]+))?/?")
_LIMITS = {
    "conversations": CONVERSATIONS,
    "messenger_profile": PROFILE,
    "thread_settings": PROFILE,
    "messages": SEND,
}


@dataclass(frozen=True, slots=True)
class Target:
    """The object and edge that a call addresses; edge is empty for the object itself."""

    method: str
    node: str
    edge: str

    @property
    def limit(self) -> RateLimit | None:
        return _LIMITS.get(self.edge)


def target_of(method: str, path: str) -> Target:
    """Return the object and edge of *path*.

    Raises:
        GraphProblem: Graph has no such path.
    """
    match = _PATH.fullmatch(path)
    if match is None or (match[2] or "") not in _EDGES:
        raise problems.unknown_path(path)
    return Target(method, match[1], match[2] or "")


def name_of(target: Target, *, has_linking_token: bool) -> str:
    """Return the name that the table of faults uses for the call."""
    if target.edge == "messages":
        return "send"
    return "recipient" if not target.edge and has_linking_token else target.edge or "object"


def answer(call: AppCall | PageCall, target: Target) -> dict[str, Any]:
    """Carry out the call and return its answer.

    Raises:
        GraphProblem: The call is refused.
    """
    method, node, edge = target.method, target.node, target.edge
    if node == "debug_token":
        return debug.debug_token(call)
    if isinstance(call, AppCall):
        if (method, edge) == _ID_MATCHING:
            return id_matching.ids_for_pages(call, node)
        on_app = _APP_EDGES.get((method, edge))
        if on_app is None or node not in {"me", call.emulator.settings.app_id}:
            raise problems.unknown_object(method, node)
        return on_app(call)
    if node not in {"me", call.page.id}:
        if (method, edge) == ("GET", ""):
            return pages.read_person(call, node)
        if edge in {name for _, name in (*_APP_EDGES, _ID_MATCHING)}:
            raise problems.app_token_wanted()
        raise problems.unknown_object(method, node)
    on_page = _PAGE_EDGES.get((method, edge))
    if on_page is None:
        raise problems.unknown_object(method, node)
    return on_page(call)
