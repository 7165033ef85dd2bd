"""Faults of webhooks, signatures, subscriptions and the round trip."""

from typing import Final

from tests.fidelity.faults.rows import LINKED, LINKED_BY_TWO, Row, Side, bot, client, ours

_UNSENT: Final = "400 Account Linking Failed; linked (not sent); not linked"
_ANSWER_LOST: Final = (
    "400 Account Linking Failed; linked 200 counted as failed, linked, retry 1 200; "
    "linked, version 1"
)
_BOTBUILDER: Final = "botbuilder-adapter-facebook"


def _forged(fault: str, foreign: Side, why: str) -> Row:
    side = ours("400 Account Linking Failed; linked 403; not linked")
    return Row(fault=fault, ours=side, foreign=foreign, why=why)


ROWS: Final = (
    Row(
        fault="twice",
        ours=ours(LINKED_BY_TWO),
        foreign=bot("bootbot", "linked 200, linked 200; heard linked, linked"),
        why="ours processes an event once; bootbot does not detect duplicates",
    ),
    Row(
        fault="late",
        ours=ours("linked (held back); not linked; later: linked, version 1"),
        foreign=bot(_BOTBUILDER, "heard nothing; later: heard linked"),
        minutes=60,
        why="the event's own time is within ten minutes of the consent, so ours accepts it",
    ),
    Row(
        fault="reordered",
        ours=ours("unlinked 200, linked 200; not linked", "links_and_logs_out"),
        foreign=bot("bottender", "heard unlinked, linked", "hears_both"),
        why="ours orders by the events' times; bottender ends with a link that was logged out",
    ),
    Row(
        fault="recut",
        ours=ours("linked + message, retry 1 200; linked, version 1", "links_after_a_message"),
        foreign=bot("bottender", "retry 1 200; heard linked, linked", "hears_after_a_message"),
        why="the retry has different bytes: ours recognises the event; bottender receives it twice",
    ),
    Row(
        fault="mixed-messages",
        ours=ours(LINKED),
        foreign=bot("bottender", "linked 200; heard nothing"),
        why="bottender reads only messaging[0] of an entry, which here is another event",
    ),
    Row(
        fault="mixed-standby",
        ours=ours(LINKED),
        foreign=bot("bootbot", "linked 500, linked, retry 1 500; heard nothing"),
        why="bootbot expects messaging in every entry, and throws",
    ),
    Row(
        fault="mixed-changes",
        ours=ours(LINKED),
        foreign=bot(_BOTBUILDER, "linked 500, linked, retry 1 500"),
        why="botbuilder reads changes as messages and throws, so the event is retried",
    ),
    Row(
        fault="other-objects",
        ours=ours("about instagram 200, linked 200; linked, version 1"),
        foreign=bot(_BOTBUILDER, "about instagram 500, linked 200; heard linked"),
        why="every delivery must be answered with 200; botbuilder throws if it is not about a Page",
    ),
    Row(
        fault="in-standby",
        ours=ours(LINKED),
        foreign=bot("bottender", "linked 200; heard linked"),
        why="ours reads account_linking in standby too, as bottender does",
    ),
    Row(
        fault="webhook-500",
        ours=ours(_ANSWER_LOST),
        foreign=bot(
            "bootbot", "linked 200 counted as failed, linked, retry 1 200; heard linked, linked"
        ),
        times=1,
        why="the person sees a failure although ours has the link; the retry changes nothing",
    ),
    Row(
        fault="webhook-timeout",
        ours=ours(_ANSWER_LOST),
        foreign=bot(_BOTBUILDER, "counted as failed, linked, retry 1 200; heard linked, linked"),
        times=1,
        why="as after a 500; Messenger's clock moves forward by the limit",
    ),
    Row(
        fault="limit-20s",
        ours=ours("did not answer within 20 seconds., message, retry 1 200", "stands_still"),
        foreign=bot("bootbot", "about instagram: The webhook did not answer within 20 seconds."),
        beside=("other-objects",),
        why="ours was stopped for that long; bootbot never answers if the object is not a Page",
    ),
    Row(
        fault="outage",
        ours=ours(
            "400 Account Linking Failed; linked (not sent), linked, retry 1 (not sent); "
            "not linked; later: linked, version 1"
        ),
        foreign=bot("bottender", "heard nothing; later: heard linked"),
        minutes=5,
        why="the event is retried, and its time is still valid",
    ),
    _forged(
        "unsigned",
        bot("express", "linked 200 counted as failed; heard linked"),
        "a bot written like Meta's samples checks a signature only if there is one",
    ),
    _forged(
        "foreign-secret",
        bot(_BOTBUILDER, "linked 401; heard nothing"),
        "both verify with the app secret",
    ),
    _forged(
        "sha1-only",
        bot("bottender", "linked 200 counted as failed; heard linked"),
        "ours requires X-Hub-Signature-256; bottender checks SHA-1 alone",
    ),
    _forged(
        "altered",
        bot("bootbot", "linked 403; heard nothing"),
        "both verify the bytes as received",
    ),
    Row(
        fault="app-field-missing",
        ours=ours(_UNSENT),
        foreign=bot("bottender", "linked (not sent); heard nothing"),
        why="nothing is sent; the inspector names the field, and that the app lacks it",
    ),
    Row(
        fault="page-field-missing",
        ours=ours(_UNSENT),
        foreign=bot("bootbot", "linked (not sent); heard nothing"),
        why="nothing is sent; the inspector names the field, and that the Page lacks it",
    ),
    Row(
        fault="slow-return",
        ours=ours("400 Account Linking Failed; nothing delivered; not linked"),
        foreign=bot("express", "400 Account Linking Failed; nothing delivered", "logs_in"),
        why="the token has expired, so no webhook is sent",
    ),
    Row(
        fault="no-redirect-uri",
        ours=ours("400 This link doesn’t work; nothing delivered; not linked"),
        foreign=bot("express", "404 Error Cannot GET /undefined", "logs_in"),
        why="ours says so at once; the sample redirects to “undefined” after the log-in",
    ),
    Row(
        fault="europe-page",
        ours=ours("400 This link doesn’t work; nothing delivered; not linked"),
        foreign=client("botly", "send Log In", '"error_subcode": 2018336'),
        why="nobody knows how account linking fails there: ours says at once that the link does "
        "not work; botly returns the error",
    ),
)
