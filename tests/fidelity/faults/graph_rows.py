"""Faults of Graph."""

from dataclasses import replace
from typing import Final

from tests.fidelity.faults.rows import LINKED, Row, Side, client, ours

_LOG_IN: Final = "send Log In"
_APIS: Final = "messaging-api-messenger"
_REFUSED: Final = "We can’t log you in right now"
# The page for each class of Graph errors, and why; the names are those of our log.
_CLASSES: Final = {
    "GraphUnavailable": (
        "We can’t reach Messenger",
        "temporary: ours retries, then asks the person to try again",
    ),
    "GraphThrottled": (
        "We can’t reach Messenger",
        "ours does not retry over a rate limit; the person may, as late as Graph says",
    ),
    "GraphRefused": (
        _REFUSED,
        "ours does not retry: the call would be refused again; the log says why, and what to do",
    ),
    "PermissionMissing": (_REFUSED, "ours says that it is our fault, and alerts the operator"),
    "PageRestricted": (_REFUSED, "ours says that it is our fault, and alerts the operator"),
    "TokenDead": (_REFUSED, "no call can succeed with this token: ours alerts the operator"),
}


def _tap_again(fault: str) -> Row:
    return Row(
        fault=fault,
        ours=ours("410 This page has expired; nothing delivered; not linked"),
        foreign=client("botly", "psid", '"code": 10303'),
        why="ours asks the person to tap Log In again; botly returns the error",
    )


def _graph(fault: str, kind: str, foreign: Side) -> Row:
    tries = 3 if kind == "GraphUnavailable" else 1
    title, why = _CLASSES[kind]
    side = ours(f"503 {title}; asked Graph {tries} x; logs {kind}", "signs_in")
    return Row(fault=fault, ours=side, foreign=foreign, why=why)


_COMMON: Final = (
    _tap_again("linking-token-expired"),
    _tap_again("linking-token-of-another-page"),
    Row(
        fault="page-token-of-another-page",
        ours=ours("410 This page has expired; nothing delivered; not linked"),
        foreign=client("fbmq", "page", '"name": "Another Page"'),
        why="another Page's token cannot read this linking token; fbmq reports the other Page",
    ),
    Row(
        fault="proof-required",
        ours=ours(LINKED),
        foreign=client("botly", _LOG_IN, "require an appsecret_proof argument"),
        why="ours sends a proof with every call; botly cannot",
    ),
    _graph(
        "proof-wrong",
        "GraphRefused",
        client(_APIS, _LOG_IN, "Invalid appsecret_proof provided"),
    ),
    Row(
        fault="profile-withheld",
        ours=ours("Connect a profile we can’t name?", "asks_who"),
        foreign=client("botly", "profile", '"error_subcode": 2018247'),
        why="ours links without the name, and says that it does not know it",
        beside=("conversations-refused",),
    ),
    Row(
        fault="profile-nameless",
        ours=ours("Connect a profile we can’t name?", "asks_who"),
        foreign=client(_APIS, "profile", 'it got {"id": '),
        why="ours links without the name, and says that it does not know it",
        beside=("conversations-refused",),
    ),
    Row(
        fault="data-access-over",
        ours=ours("Connect a profile we can’t name?", "asks_who"),
        foreign=client("botly", "profile", '"error_subcode": 2018247'),
        why="ours links without the name; `threadlink doctor` names the day on which it ended",
        beside=("conversations-refused",),
    ),
    *(
        Row(
            fault=f"conversations-{kind}",
            ours=ours("Connect a profile we can’t name?", "asks_who"),
            foreign=client("botly", "profile", '"error_subcode": 2018247'),
            why="ours asks the conversations for a name that the profile withholds, and takes no "
            "other participant's; botly has the profile alone",
            beside=("profile-withheld",),
        )
        for kind in ("refused", "throttled", "foreign", "placeholder")
    ),
    *(
        Row(
            fault=f"picture-{kind}",
            ours=ours(LINKED),
            foreign=client(_APIS, "profile", "Graph 200"),
            why="ours shows the initial in the place of the picture, and waits for none; the "
            "library returns the address alone",
        )
        for kind in ("gone", "slow", "huge", "html", "inward")
    ),
    Row(
        fault="page-profile-refused",
        ours=ours(LINKED),
        foreign=client("fbmq", "page", 'it got {"id": null, "name": null}'),
        why="no person waits for it: ours shows the name that it knows; fbmq drops the error",
    ),
    Row(
        fault="unlink-silent",
        ours=ours("logged out; linked 200; not linked", "unlinks"),
        foreign=client("messenger-bot", "unlink", 'no webhook, it got {"result": "unlink account'),
        why="ours ends the link before it calls Graph, and does not wait for a webhook",
    ),
    Row(
        fault="version-expired",
        ours=ours(LINKED),
        foreign=client(_APIS, "get linking url", "Graph 200 v21.0"),
        why="the oldest usable version gives the same answer; only the header differs",
    ),
    Row(
        fault="thread-settings-gone",
        ours=ours("exit 1: ", "sets_the_url_by_thread_settings"),
        foreign=client("bootbot", "thread settings", '"error_subcode": 33'),
        why="the command reports the failure; bootbot prints the error and returns it as an answer",
    ),
    _graph("html", "GraphUnavailable", client("fbmessenger", _LOG_IN, "JSONDecodeError")),
    Row(
        fault="drip",
        ours=ours(
            "503 We can’t reach Messenger; asked Graph 1 x; logs GraphUnavailable", "signs_in"
        ),
        foreign=client("messenger-bot", "set linking url", '{"result": "success"}'),
        why="ours limits the whole call to a few seconds; messenger-bot waits to the end",
    ),
    _graph("reset", "GraphUnavailable", client(_APIS, _LOG_IN, "read ECONNRESET")),
    _graph("graph-1", "GraphUnavailable", client(_APIS, _LOG_IN, "Messenger API - 1 ")),
    _graph("graph-2", "GraphUnavailable", client("messenger-bot", _LOG_IN, "500 - ")),
    _graph("graph-4", "GraphThrottled", client("fbmessenger", _LOG_IN, '"code": 4,')),
    _graph("graph-10", "PermissionMissing", client("botly", _LOG_IN, '"code": 10,')),
    Row(
        fault="graph-10-2018278",
        ours=ours("422 window_closed", "sends_a_button"),
        foreign=client(_APIS, _LOG_IN, "outside of allowed window"),
        why="only messages have a window: ours reports it to the bot that asked for a button",
    ),
    _graph("graph-17", "GraphThrottled", client("messenger-bot", _LOG_IN, "400 - ")),
    _graph("graph-32", "GraphThrottled", client("fbmessenger", _LOG_IN, '"code": 32,')),
    _graph("graph-100", "GraphRefused", client("botly", _LOG_IN, '"code": 100,')),
    _graph("graph-190", "TokenDead", client(_APIS, _LOG_IN, "Messenger API - 190 ")),
    _graph("graph-190-458", "TokenDead", client("messenger-bot", _LOG_IN, "is not installed")),
    _graph("graph-190-460", "TokenDead", client("fbmessenger", _LOG_IN, "changed their password")),
    _graph("graph-190-463", "TokenDead", client("botly", _LOG_IN, "Session has expired")),
    _graph("graph-190-467", "TokenDead", client(_APIS, _LOG_IN, "Invalid token.")),
    _graph("graph-190-492", "TokenDead", client("messenger-bot", _LOG_IN, "Invalid session.")),
    _graph("graph-200", "PermissionMissing", client("fbmessenger", _LOG_IN, '"code": 200,')),
    Row(
        fault="graph-551-1545041",
        ours=ours("422 person_unreachable", "sends_a_button"),
        foreign=client("botly", _LOG_IN, '"code": 551,'),
        why="the person cannot be reached: ours reports it to the bot that asked for a button",
    ),
    _graph("graph-613", "GraphThrottled", client(_APIS, _LOG_IN, "Messenger API - 613 ")),
    _tap_again("graph-10303"),
    _graph("graph-80001", "GraphThrottled", client("fbmessenger", _LOG_IN, '"code": 80001,')),
    _graph("graph-80006", "GraphThrottled", client("messenger-bot", _LOG_IN, "400 - ")),
)


def _rare(fault: str, situation: str, does: str, foreign: Side) -> Row:
    why = "ours distinguishes errors by code and subcode, and reports them to its caller"
    return Row(fault=fault, ours=ours(does, situation), foreign=foreign, why=why)


def _message(program: str, code: int, call: str = _LOG_IN) -> Side:
    return client(program, call, f"(#{code}) ")


# An error about a message is reported to the bot that asked for a button.
_BUTTON: Final = "sends_a_button"
_OUR_FAULT: Final = "503 messenger_refused_us"
_RARE: Final = (
    _graph("graph-1-99", "GraphUnavailable", _message(_APIS, 1)),
    _graph("graph-1-1357046", "GraphUnavailable", _message("messenger-bot", 1)),
    _graph("graph-2-2018344", "PageRestricted", _message("fbmessenger", 2)),
    _graph("graph-3", "PermissionMissing", _message("botly", 3)),
    _graph("graph-100-2018164", "GraphRefused", _message(_APIS, 100)),
    _graph("graph-102", "TokenDead", _message("messenger-bot", 102)),
    _graph("graph-190-459", "TokenDead", _message("fbmessenger", 190)),
    _graph("graph-190-464", "TokenDead", _message("botly", 190)),
    _graph("graph-341", "GraphThrottled", _message(_APIS, 341)),
    _graph("graph-368", "PageRestricted", _message("messenger-bot", 368)),
    _graph("graph-613-2534040", "GraphThrottled", _message("fbmessenger", 613)),
    *(
        _rare(f"graph-{name}", _BUTTON, does, _message(program, int(name.partition("-")[0])))
        for name, does, program in (
            ("9-2018352", "503 graph_throttled", "botly"),
            ("10-2534022", "422 window_closed", _APIS),
            ("10-2018065", "422 window_closed", "messenger-bot"),
            ("10-2018108", "422 window_closed", "fbmessenger"),
            ("10-1893063", _OUR_FAULT, "botly"),
            ("10-2018300", "503 graph", "fbmessenger"),
            ("10-2018321", "503 graph", "botly"),
            ("10-2018336", "422 region_refused", _APIS),
            ("10-2018047", "422 region_refused", "messenger-bot"),
            ("100-2018109", _OUR_FAULT, _APIS),
            ("200-2018021", _OUR_FAULT, "messenger-bot"),
            ("200-2018027", _OUR_FAULT, "fbmessenger"),
            ("200-2018028", _OUR_FAULT, "botly"),
            ("200-1545041", "422 person_unreachable", _APIS),
            ("230", _OUR_FAULT, "messenger-bot"),
            ("551", "422 person_unreachable", "fbmessenger"),
            ("613-1893016", "503 graph_throttled", "botly"),
            ("613-2018338", "503 graph_throttled", _APIS),
            ("1200", "503 graph", "messenger-bot"),
        )
    ),
    *(
        replace(
            _rare(
                f"graph-{name}",
                "asks_who",
                "Connect a profile we can’t name?",
                _message(program, int(name.partition("-")[0]), "profile"),
            ),
            beside=("conversations-refused",),
        )
        for name, program in (
            ("110", "botly"),
            ("210", _APIS),
            ("459", "botly"),
            ("100-2018218", _APIS),
            ("100-2018247", "botly"),
        )
    ),
    *(
        _rare(
            f"graph-100-{subcode}",
            "sets_the_url",
            f"subcode {subcode}",
            _message(_APIS, 100, "set linking url"),
        )
        for subcode in (2018063, 2018145)
    ),
)
ROWS: Final = (*_COMMON, *_RARE)
