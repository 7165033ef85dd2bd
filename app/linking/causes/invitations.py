"""Causes of invitations: the last obstacle of one that made no link."""

from typing import Final

from app.linking.causes.cause import Cause, FixedBy

_AGAIN: Final = "Please start again on our website, where you are signed in."


def _cause(slug: str, fixed_by: FixedBy, sentence: str, fix: str, answer: str = _AGAIN) -> Cause:
    return Cause(
        slug=f"invitation_{slug}",
        stage=None,
        fixed_by=fixed_by,
        sentence=sentence,
        fix=fix,
        answer=answer,
    )


INVITATIONS: Final = (
    _cause(
        "running",
        FixedBy.NOBODY,
        "It is still running.",
        "Look again when its time is over.",
        "Please finish in the window where you started.",
    ),
    _cause(
        "linked",
        FixedBy.NOBODY,
        "It made the link.",
        "Nothing is wrong.",
        "Your Messenger is connected.",
    ),
    _cause(
        "unclaimed",
        FixedBy.OPERATOR,
        "No chat brought its link or its code.",
        "Open it yourself. If nothing comes of it: `threadlink doctor` says whether "
        "messaging_referrals and messaging_postbacks are subscribed, and whether the Page has Get "
        "Started, without which people who are new to the chat lose the link and must type the "
        "code.",
    ),
    _cause(
        "not_asked",
        FixedBy.OPERATOR,
        "A chat claimed it, and the question was not sent: no worker has come to it.",
        "`threadlink outbox list --kind graph.ask`; a worker must run with INVITATIONS=1.",
    ),
    _cause(
        "chat_refused",
        FixedBy.PERSON,
        "Messenger took no question to the chat ({code}).",
        "The person sends any message to the Page, then taps Try again on our page. If it happens "
        "to everybody: docs/graph-errors.md has the code.",
        "Please send us any message in Messenger, then tap Try again on our website.",
    ),
    _cause(
        "no_answer",
        FixedBy.PERSON,
        "The question was sent to the chat, and nobody answered.",
        "Nothing is wrong: start again, and answer in Messenger.",
    ),
    _cause(
        "not_confirmed",
        FixedBy.PERSON,
        "The chat agreed, and nobody pressed Connect on the page.",
        "Nothing is wrong: start again, and go back to the page after the Yes.",
    ),
    _cause(
        "declined",
        FixedBy.PERSON,
        "Somebody answered No in the chat.",
        "Nothing is wrong. If the owner of the account did not start this, somebody else uses it.",
    ),
    _cause(
        "cancelled",
        FixedBy.PERSON,
        "It was cancelled on the page, or a newer one took its place.",
        "Nothing is wrong: start again.",
    ),
    _cause(
        "claimed_twice",
        FixedBy.SUPPORT,
        "Two Messenger profiles brought its link or its code: it was passed on, or stolen.",
        "Ask the owner of the account who else has seen it, and have them start again alone.",
        "Two Messenger profiles used your link, so nothing was connected; please start again, and "
        "show it to nobody.",
    ),
    _cause(
        "other_account",
        FixedBy.PERSON,
        "The Messenger profile is connected to another account.",
        "Disconnect it there first; `threadlink links show` says where.",
        "This Messenger is connected to another account of ours; please disconnect it there first.",
    ),
    _cause(
        "too_many_links",
        FixedBy.PERSON,
        "The user has as many links as MAX_LINKS_PER_USER allows.",
        "End one of them first: `threadlink links show --user NAME`.",
        "Your account has as many Messenger profiles as it may have; please disconnect one first.",
    ),
    _cause(
        "too_many_questions",
        FixedBy.WAIT,
        "The chat was asked as often as an hour allows.",
        "Wait an hour.",
        "Please wait an hour, then start again on our website.",
    ),
    _cause(
        "wrong_digits",
        FixedBy.PERSON,
        "Wrong digits were entered five times.",
        "Start again, and enter the digits that come in the chat.",
    ),
    _cause(
        "refused",
        FixedBy.SUPPORT,
        "It was refused: {reason}.",
        "If it happens to everybody: `journalctl -u threadlink | grep {reference}`",
    ),
)
BY_SLUG: Final = {cause.slug.removeprefix("invitation_"): cause for cause in INVITATIONS}
