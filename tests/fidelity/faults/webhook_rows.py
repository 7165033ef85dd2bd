"""Faults of webhooks, signatures, subscriptions and the way back."""

from typing import Final

from tests.fidelity.faults.rows import LINKED, LINKED_BY_TWO, Row, Side, bot, ours

_UNSENT: Final = "400 Account Linking Failed; linked (not sent); not linked"
_ANSWER_LOST: Final = (
    "400 Account Linking Failed; linked 200 counted as failed, linked, repeat 1 200; "
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
        why="ours counts an event once; bootbot knows no repeats",
    ),
    Row(
        fault="late",
        ours=ours("linked (held back); not linked; later: linked, version 1"),
        foreign=bot(_BOTBUILDER, "heard nothing; later: heard linked"),
        minutes=60,
        why="the event's own time is within ten minutes of the consent, so ours takes it",
    ),
    Row(
        fault="reordered",
        ours=ours("unlinked 200, linked 200; not linked", "links_and_logs_out"),
        foreign=bot("bottender", "heard unlinked, linked", "hears_both"),
        why="ours goes by the events' times; bottender ends with who has logged out linked",
    ),
    Row(
        fault="recut",
        ours=ours("linked + message, repeat 1 200; linked, version 1", "links_after_a_message"),
        foreign=bot("bottender", "repeat 1 200; heard linked, linked", "hears_after_a_message"),
        why="the repeat has other bytes: ours knows the event again; bottender hears it twice",
    ),
    Row(
        fault="mixed-messages",
        ours=ours(LINKED),
        foreign=bot("bottender", "linked 200; heard nothing"),
        why="bottender reads messaging[0] of an entry, and that is somebody's message",
    ),
    Row(
        fault="mixed-standby",
        ours=ours(LINKED),
        foreign=bot("bootbot", "linked 500, linked, repeat 1 500; heard nothing"),
        why="bootbot takes messaging for granted in every entry, and throws",
    ),
    Row(
        fault="mixed-changes",
        ours=ours(LINKED),
        foreign=bot(_BOTBUILDER, "linked 500, linked, repeat 1 500"),
        why="botbuilder reads changes as messages, throws, and has the event come again and again",
    ),
    Row(
        fault="other-objects",
        ours=ours("about instagram 200, linked 200; linked, version 1"),
        foreign=bot(_BOTBUILDER, "about instagram 500, linked 200; heard linked"),
        why="every delivery wants a 200; botbuilder throws at what is not a Page's",
    ),
    Row(
        fault="in-standby",
        ours=ours(LINKED),
        foreign=bot("bottender", "linked 200; heard linked"),
        why="ours takes account_linking wherever it stands, and bottender does",
    ),
    Row(
        fault="webhook-500",
        ours=ours(_ANSWER_LOST),
        foreign=bot(
            "bootbot", "linked 200 counted as failed, linked, repeat 1 200; heard linked, linked"
        ),
        times=1,
        why="the person is told of a failure although ours has the link; the repeat is harmless",
    ),
    Row(
        fault="webhook-timeout",
        ours=ours(_ANSWER_LOST),
        foreign=bot(_BOTBUILDER, "counted as failed, linked, repeat 1 200; heard linked, linked"),
        times=1,
        why="as after a 500, and the limit has passed on Messenger's clock",
    ),
    Row(
        fault="limit-5s",
        ours=ours("did not answer within 5 seconds., message, repeat 1 200", "stands_still"),
        foreign=bot("bootbot", "about instagram: The webhook did not answer within 5 seconds."),
        beside=("other-objects",),
        why="ours was stopped for as long; bootbot never answers what is not a Page's",
    ),
    Row(
        fault="outage",
        ours=ours(
            "400 Account Linking Failed; linked (not sent), linked, repeat 1 (not sent); "
            "not linked; later: linked, version 1"
        ),
        foreign=bot("bottender", "heard nothing; later: heard linked"),
        minutes=5,
        why="what was missed comes again, and its time is still good",
    ),
    _forged(
        "unsigned",
        bot("express", "linked 200 counted as failed; heard linked"),
        "written as Meta's samples are, a bot checks a signature only when there is one",
    ),
    _forged(
        "foreign-secret",
        bot(_BOTBUILDER, "linked 401; heard nothing"),
        "both compare with the app secret",
    ),
    _forged(
        "sha1-only",
        bot("bottender", "linked 200 counted as failed; heard linked"),
        "ours wants X-Hub-Signature-256; bottender knows SHA-1 alone",
    ),
    _forged(
        "altered",
        bot("bootbot", "linked 403; heard nothing"),
        "both compare with the bytes as they came",
    ),
    Row(
        fault="app-field-missing",
        ours=ours(_UNSENT),
        foreign=bot("bottender", "linked (not sent); heard nothing"),
        why="nothing is sent; the inspector says which field is missing, and that it is the app",
    ),
    Row(
        fault="page-field-missing",
        ours=ours(_UNSENT),
        foreign=bot("bootbot", "linked (not sent); heard nothing"),
        why="nothing is sent; the inspector says which field is missing, and that it is the Page",
    ),
    Row(
        fault="slow-return",
        ours=ours("400 Account Linking Failed; nothing delivered; not linked"),
        foreign=bot("express", "400 Account Linking Failed; nothing delivered", "logs_in"),
        why="the token has expired, so nobody's webhook hears of it",
    ),
    Row(
        fault="no-redirect-uri",
        ours=ours("400 Something is missing; nothing delivered; not linked"),
        foreign=bot("express", "404 Error Cannot GET /undefined", "logs_in"),
        why="ours says so at once; the sample's way leads to “undefined” after the log-in",
    ),
)
