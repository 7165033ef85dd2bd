"""The conversations of a page with their participants, as people are named by them.

https://developers.facebook.com/docs/graph-api/reference/page/conversations
"""

from typing import Any

from app.emulator.graph.call import PageCall
from app.emulator.graph.problems import bad_parameter
from app.emulator.state import Thread

# https://developers.facebook.com/docs/graph-api/reference/conversation
_FIELDS = ("id", "participants", "updated_time")
# Not documented: in place of a name that is not told.
_PLACEHOLDER = "Facebook user"
_LONGEST_PAGE = 500


def read_conversations(call: PageCall) -> dict[str, Any]:
    """Return the page's conversations; with user_id the one with that person, if there is one."""
    fields = call.params.words("fields") or ("id",)
    for field in fields:
        if field not in _FIELDS:
            raise bad_parameter(f"Tried accessing nonexisting field ({field})")
    if (call.params.text("platform") or "messenger").lower() != "messenger":
        return {"data": []}
    psid = call.params.text("user_id")
    threads = [
        thread
        for thread in call.emulator.state.threads(call.page.id)
        if psid in {None, thread.psid}
    ]
    return {"data": [_conversation(call, each, fields) for each in threads[: _limit(call)]]}


def _limit(call: PageCall) -> int:
    text = call.params.text("limit") or "25"
    if not text.isdecimal() or not 1 <= int(text) <= _LONGEST_PAGE:
        raise bad_parameter(f"Param limit must be a number from 1 to {_LONGEST_PAGE}")
    return int(text)


def _conversation(call: PageCall, thread: Thread, fields: tuple[str, ...]) -> dict[str, Any]:
    known: dict[str, Any] = {"id": f"t_{thread.psid}"}
    if "participants" in fields:
        known["participants"] = {"data": _participants(call, thread)}
    if "updated_time" in fields and thread.messages:
        known["updated_time"] = thread.messages[-1].at.strftime("%Y-%m-%dT%H:%M:%S%z")
    return known


def _participants(call: PageCall, thread: Thread) -> list[dict[str, str]]:
    page = _participant(call.page.id, call.page.name)
    if call.fault_fires("conversations-foreign"):
        return [_participant(thread.psid[::-1], thread.person), page]
    is_hidden = call.fault_fires("conversations-placeholder")
    return [_participant(thread.psid, _PLACEHOLDER if is_hidden else thread.person), page]


def _participant(id_: str, name: str) -> dict[str, str]:
    return {"name": name, "email": f"{id_}@facebook.com", "id": id_}
