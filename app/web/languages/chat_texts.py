"""The texts that the worker writes into chats.

The question, the digits and what an unknown tap leads to are marked as protecting: no operator
may replace them.
"""

from collections.abc import Mapping
from typing import Final

from app.linking.chat_messages import Text
from app.web.languages.message import N_, NP_, Message
from app.web.languages.translation import plain

TEXTS: Final[Mapping[Text, Message]] = {
    Text.QUESTION: NP_(
        "security",
        "Connect this Messenger to %(account)s at %(page)s? Only tap Yes if you started this "
        "yourself on our website just now. If someone sent you a link, tap No.",
    ),
    Text.DIGITS: NP_(
        "security",
        "%(code)s is your %(page)s code. It connects this Messenger to %(account)s. Enter it on "
        "the page where you started. Never tell it to anyone; if you didn’t start this, do "
        "nothing.",
    ),
    Text.YES: N_("Yes"),
    Text.NO: N_("No"),
    Text.DISCONNECT: N_("Disconnect"),
    Text.ALMOST_DONE: N_("Almost done. Go back to the page to finish."),
    Text.DECLINED: N_("Nothing was connected."),
    Text.EXPIRED: N_("This link has expired. Start again on our website."),
    Text.QUESTION_OVER: N_("That question is over. Start again on our website."),
    Text.OTHER_ACCOUNT: N_(
        "This Messenger is connected to another account. Disconnect it there first."
    ),
    Text.TOO_MANY_LINKS: N_(
        "Nothing was connected: this account has as many Messenger profiles as it may have."
    ),
    Text.ACCOUNT_CLOSED: N_("Nothing was connected: this account is closed."),
    Text.ALREADY_CONNECTED: N_("This Messenger is already connected to %(account)s."),
    Text.CONNECTED: N_("Connected to %(account)s."),
    Text.DISCONNECTED: N_("This Messenger is no longer connected to your account."),
}


def say(text: Text, language: str, /, **values: str) -> str:
    """Return *text* for people who read *language*; *values* it does not name are left out."""
    message = TEXTS[text]
    named = {name: value for name, value in values.items() if f"%({name})s" in message.singular}
    return plain(message.with_values(**named), language)
