"""Causes of requests that never became an attempt."""

from typing import Final

from app.linking.causes.cause import Cause, FixedBy, Stage
from app.linking.causes.sign_in import OURS

_FROM_THE_CHAT: Final = "Please open our chat in the Messenger app, and tap Log In there."
_SET_URL: Final = "`threadlink messenger set-url` for this Page, then `threadlink doctor`"


def _entry(slug: str, sentence: str, fix: str, answer: str = _FROM_THE_CHAT) -> Cause:
    return Cause(
        slug=f"entry_{slug}",
        stage=Stage.NONE,
        fixed_by=FixedBy.OPERATOR,
        sentence=sentence,
        fix=fix,
        answer=answer,
    )


ENTRIES: Final = (
    _entry(
        "incomplete",
        "The address lacks account_linking_token or redirect_uri: the page was not opened by Log "
        "In, or the address was cut{detail}.",
        f"If people come from Log In: {_SET_URL}",
    ),
    _entry(
        "redirect",
        "The redirect_uri is not one of Messenger's{detail}: the link was not made by Messenger.",
        "If people come from Log In, Meta may use a new address: compare the log with "
        "REDIRECT_ORIGINS.",
    ),
    _entry(
        "page_unknown",
        "The client_id names no Page that is configured here.",
        f"PAGE_ID or PAGES_FILE; {_SET_URL}",
        OURS,
    ),
    _entry(
        "ambiguous",
        "A parameter of the address is there twice, or in a form that programs read differently.",
        f"If people come from Log In: {_SET_URL}",
    ),
    _entry(
        "state",
        "A browser came back from a provider with a state that this server did not give it: the "
        "sign-in was begun too long ago, or not here.",
        "If it happens to everybody: SECRET_KEY must be the same in all processes, and keep its "
        "value; the callback address at the provider must be this server's.",
    ),
    _entry(
        "session",
        "A page of /connect or /connections was used in a browser that has not opened it, or after "
        "its few minutes.",
        "If it happens to everybody: the proxy must pass cookies on, and SECRET_KEY must be the "
        "same in all processes.",
        "Please open the page again from where you came, in the same browser.",
    ),
    _entry(
        "handoff",
        "A browser was not handed over to /connect: its Origin is none of CONNECT_ORIGINS, or the "
        "token was used or too old.",
        "CONNECT_ORIGINS must name your site as browsers send it, and its page must not be sent "
        "with Referrer-Policy: no-referrer.",
        "Please open this from your account page on our website again.",
    ),
    Cause(
        slug="entry_person",
        stage=Stage.NONE,
        fixed_by=FixedBy.PERSON,
        sentence="Messenger delivers nothing from the Page to this person now ({code}): they have "
        "not written to it for a day, have blocked it, or are gone.",
        fix="The person writes to the Page first; then the bot sends its button.",
        answer="Please write us any message in Messenger first: only then can we answer you there.",
    ),
    _entry(
        "other",
        "A request without an attempt was refused ({problem}).",
        "`journalctl -u threadlink | grep {reference}`",
        OURS,
    ),
)
