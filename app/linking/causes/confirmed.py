"""Causes after the consent: what Messenger's event brought, or why it did not come."""

from typing import Final

from app.linking.causes.cause import Cause, FixedBy, Stage
from app.linking.causes.sign_in import AGAIN, OURS

CONFIRMED: Final = (
    Cause(
        slug="linked",
        stage=Stage.LINKED,
        fixed_by=FixedBy.NOBODY,
        sentence="Linked.",
        answer="Your account is connected: write to us in Messenger, and we know it is you.",
    ),
    Cause(
        slug="waiting",
        stage=Stage.CONFIRMED,
        fixed_by=FixedBy.WAIT,
        sentence="Waiting for Messenger's event, which comes within seconds as a rule.",
        fix="Wait two minutes; then this names a cause.",
        answer="Messenger has not confirmed it to us yet; please look into our chat in a minute.",
    ),
    Cause(
        slug="webhook_silent",
        stage=Stage.CONFIRMED,
        fixed_by=FixedBy.OPERATOR,
        sentence="Messenger never confirmed, and no delivery of any kind came meanwhile: the app's "
        "webhook is not subscribed, leads elsewhere, or cannot be reached.",
        fix="`threadlink doctor`, then `threadlink setup`",
        answer=OURS,
    ),
    Cause(
        slug="webhook_signature",
        stage=Stage.CONFIRMED,
        fixed_by=FixedBy.OPERATOR,
        sentence="Messenger never confirmed; {refused} came meanwhile and were refused for their "
        "signature.",
        fix="APP_SECRET is not this app's secret (App settings > Basic); then: `threadlink doctor`",
        answer=OURS,
    ),
    Cause(
        slug="field_not_subscribed",
        stage=Stage.CONFIRMED,
        fixed_by=FixedBy.OPERATOR,
        sentence="Messenger never confirmed, though {taken} of other kinds came meanwhile: "
        "messaging_account_linking is probably not subscribed for the app or for the Page.",
        fix="`threadlink doctor`, then `threadlink setup`",
        answer=OURS,
    ),
    Cause(
        slug="event_late",
        stage=Stage.CONFIRMED,
        fixed_by=FixedBy.WAIT,
        sentence="The event's time lies outside the ten minutes of its code.",
        fix="`threadlink doctor` compares this server's clock with Meta's. If that is right, the "
        "event was late: tap Log In again.",
        answer=f"Messenger's confirmation reached us too late. {AGAIN}",
    ),
    Cause(
        slug="event_other_person",
        stage=Stage.CONFIRMED,
        fixed_by=FixedBy.SUPPORT,
        sentence="Another Messenger person brought the code: somebody may have tried to take over "
        "the account. No link was made.",
        fix="Ask the owner of the account whether it was them; if not, have them change the "
        "password. docs/security.md has what to say under: This wasn't me",
        answer="Another Messenger profile than yours tried to finish this, so we stopped it; if "
        "that was not you, please change your password.",
    ),
    Cause(
        slug="event_other_page",
        stage=Stage.CONFIRMED,
        fixed_by=FixedBy.OPERATOR,
        sentence="The code came back through another Page ({detail_only}).",
        fix="One Log In leads to the address of another Page: `threadlink messenger set-url` for "
        "each Page, then `threadlink doctor`",
        answer=OURS,
    ),
    Cause(
        slug="event_unusable",
        stage=Stage.CONFIRMED,
        fixed_by=FixedBy.NOBODY,
        sentence="Messenger's event was not usable ({detail_only}), and its code serves once.",
        fix="A new Log In makes a new code.",
        answer="Messenger's confirmation was not usable; please tap Log In in our chat for a new "
        "one.",
    ),
    Cause(
        slug="ended_by_us",
        stage=None,
        fixed_by=FixedBy.SUPPORT,
        sentence="A command or the API ended the links of this person or user, before Messenger "
        "confirmed.",
        fix="`journalctl -t threadlink` says who ran which command. If it was a mistake: tap Log "
        "In again.",
        answer=f"We ended this connection on our side before it was made. {AGAIN}",
    ),
    Cause(
        slug="password_changed",
        stage=None,
        fixed_by=FixedBy.SUPPORT,
        sentence="The password of the account was changed before Messenger confirmed.",
        fix="Ask the owner whether they changed it, then have them tap Log In again.",
        answer=f"Your password was changed meanwhile, so we stopped this for your safety. {AGAIN}",
    ),
    Cause(
        slug="account_closed",
        stage=None,
        fixed_by=FixedBy.SUPPORT,
        sentence="The account was disabled or deleted meanwhile.",
        fix="`threadlink accounts show NAME`; if it may be used: `threadlink accounts enable NAME`",
        answer="Your account with us is closed; we look into it and write to you.",
    ),
)
