"""Causes before the consent: what keeps people from signing in and from pressing Connect."""

from typing import Final

from app.linking.causes.cause import Cause, FixedBy, Stage

AGAIN: Final = "Please go back to our chat and tap Log In again."
OURS: Final = (
    "This is a fault on our side and not yours; we are working on it, and tell you when it is over."
)
_LOG: Final = "`journalctl -u threadlink | grep {reference}`"

LEFT: Final = (
    Cause(
        slug="cancelled",
        stage=None,
        fixed_by=FixedBy.PERSON,
        sentence="The person went back on purpose; nothing stood in the way.",
        fix="Nothing is wrong: tap Log In again to connect after all.",
        answer=f"You went back before your account was connected. {AGAIN}",
    ),
    Cause(
        slug="never_displayed",
        stage=Stage.OPENED,
        fixed_by=FixedBy.NOBODY,
        sentence="No page of it was ever sent: a link preview, a scanner, or a window closed at "
        "once.",
        answer="Please open our chat in the Messenger app on your phone, and tap Log In there.",
    ),
    Cause(
        slug="left_sign_in",
        stage=Stage.OPENED,
        fixed_by=FixedBy.PERSON,
        sentence="The sign-in page was sent, and nothing more was done.",
        fix="Nothing is wrong: tap Log In again, and sign in within five minutes.",
        answer=f"You did not sign in within five minutes. {AGAIN}",
    ),
    Cause(
        slug="left_confirm",
        stage=Stage.SIGNED_IN,
        fixed_by=FixedBy.PERSON,
        sentence="The person signed in, and neither connected nor cancelled.",
        fix="Nothing is wrong: tap Log In again, sign in, and press Connect.",
        answer=f"You signed in and did not press Connect. {AGAIN}",
    ),
    Cause(
        slug="left_chat_code",
        stage=Stage.SIGNED_IN,
        fixed_by=FixedBy.PERSON,
        sentence="A code was sent to the person's chat, and none was entered.",
        fix="Nothing is wrong: tap Log In again, and enter the code that comes in the chat.",
        answer=f"You did not enter the code that we sent to our chat. {AGAIN}",
    ),
    Cause(
        slug="left_at_provider",
        stage=Stage.OPENED,
        fixed_by=FixedBy.PERSON,
        sentence="The person went to {authenticator} to sign in, and never came back.",
        fix="Sign in at {authenticator} in Messenger's browser yourself; if it refuses that "
        "browser: OIDC_<NAME>_IN_WEBVIEWS=0",
        answer=f"You did not come back from the page where you sign in. {AGAIN}",
    ),
)

SIGN_IN: Final = (
    Cause(
        slug="credentials_wrong",
        stage=Stage.OPENED,
        fixed_by=FixedBy.PERSON,
        sentence="The name or the password was wrong ({authenticator}): {times}, last at {last}.",
        fix="A built-in account: `threadlink accounts show NAME` says whether there is one, and "
        "`threadlink accounts set-password NAME` gives it a password. Any other: reset it where "
        "the account is kept.",
        answer="The name or the password was not right; please reset your password, then tap Log "
        "In in our chat again.",
    ),
    Cause(
        slug="rate_limited",
        stage=None,
        fixed_by=FixedBy.WAIT,
        sentence="There were too many tries {limit}; more are refused until {until}.",
        fix="Wait until {until}. If people are refused who tried nothing: TRUSTED_PROXIES, in "
        "docs/deploying.md",
        answer="There were too many tries; please wait a while, then tap Log In in our chat again.",
    ),
    Cause(
        slug="token_refused",
        stage=Stage.OPENED,
        fixed_by=FixedBy.PERSON,
        sentence="Messenger did not know the account_linking_token, or it was older than five "
        "minutes.",
        fix="Tap Log In again. If it happens to everybody: `threadlink doctor`",
        answer=f"Log In works for five minutes, and these were over. {AGAIN}",
    ),
    Cause(
        slug="token_spent",
        stage=None,
        fixed_by=FixedBy.PERSON,
        sentence="The same Log In was used in another tab or window.",
        fix="Look whether that one has connected the person: `threadlink links show --user NAME`. "
        "If not, tap Log In again.",
        answer=f"That Log In was used in another window already. {AGAIN}",
    ),
    Cause(
        slug="too_late",
        stage=None,
        fixed_by=FixedBy.PERSON,
        sentence="The person came back after the five minutes for which Log In works.",
        fix="Tap Log In again.",
        answer=f"Log In works for five minutes, and these were over. {AGAIN}",
    ),
    Cause(
        slug="authenticator_away",
        stage=Stage.OPENED,
        fixed_by=FixedBy.OPERATOR,
        sentence="{authenticator} did not answer{detail}.",
        fix="Look whether it runs and can be reached from this server: `threadlink doctor`",
        answer=OURS,
    ),
    Cause(
        slug="authenticator_misconfigured",
        stage=Stage.OPENED,
        fixed_by=FixedBy.OPERATOR,
        sentence="{authenticator} cannot be asked as it is set up{detail}.",
        fix=f"The log has the setting to correct: {_LOG}. Then: `threadlink doctor`",
        answer=OURS,
    ),
    Cause(
        slug="provider_refused",
        stage=Stage.OPENED,
        fixed_by=FixedBy.OPERATOR,
        sentence="The person came back from {authenticator} without a valid sign-in{detail}.",
        fix=f"Look what it says of this sign-in: its own log, and {_LOG}",
        answer=OURS,
    ),
    Cause(
        slug="provider_declined",
        stage=Stage.OPENED,
        fixed_by=FixedBy.PERSON,
        sentence="The person did not finish the sign-in at {authenticator}.",
        fix="Nothing is wrong: tap Log In again, and allow the sign-in there.",
        answer=f"You did not finish the sign-in there. {AGAIN}",
    ),
    Cause(
        slug="provider_not_offered",
        stage=Stage.OPENED,
        fixed_by=FixedBy.OPERATOR,
        sentence="{authenticator} cannot be used in Messenger's browser.",
        fix="Offer another way to sign in beside it (AUTHENTICATORS); OIDC_<NAME>_IN_WEBVIEWS=1 if "
        "it takes that browser after all.",
        answer="This way to sign in does not work inside Messenger; please choose another one on "
        "the sign-in page if you see one, else we tell you when there is one.",
    ),
    Cause(
        slug="cookies_blocked",
        stage=None,
        fixed_by=FixedBy.PERSON,
        sentence="The browser keeps no cookies.",
        fix="Allow cookies in that browser, then tap Log In again.",
        answer=f"Your browser keeps no cookies, which signing in needs; please allow them. {AGAIN}",
    ),
    Cause(
        slug="page_out_of_date",
        stage=None,
        fixed_by=FixedBy.PERSON,
        sentence="An old page was used, or one in another tab or browser.",
        fix="Tap Log In again, and stay in that window.",
        answer=f"You used an old page, or one in another window. {AGAIN}",
    ),
    Cause(
        slug="busy",
        stage=None,
        fixed_by=FixedBy.OPERATOR,
        sentence="The server had no room for one more sign-in.",
        fix="More THREADS, WORKERS or cores, as docs/scaling.md says.",
        answer=OURS,
    ),
    Cause(
        slug="database_away",
        stage=None,
        fixed_by=FixedBy.OPERATOR,
        sentence="The database was busy or could not be reached.",
        fix=f"`threadlink db status`; {_LOG}",
        answer=OURS,
    ),
    Cause(
        slug="internal_error",
        stage=None,
        fixed_by=FixedBy.OPERATOR,
        sentence="An error of the program was met{detail}.",
        fix=f"Its traceback is in the log: {_LOG}",
        answer=OURS,
    ),
)

CONSENT: Final = (
    Cause(
        slug="chat_code_not_delivered",
        stage=Stage.SIGNED_IN,
        fixed_by=FixedBy.PERSON,
        sentence="The code could not be sent: Messenger lets us write only within 24 hours of a "
        "message of the person's ({code}).",
        fix="The person writes to the Page first, then taps Log In again.",
        answer="Please write us any message in Messenger first, then tap Log In again: only then "
        "can we send you the code.",
    ),
    Cause(
        slug="chat_code_wrong",
        stage=Stage.SIGNED_IN,
        fixed_by=FixedBy.PERSON,
        sentence="The code from the chat was entered wrong ({times}); five times end an attempt.",
        fix="Tap Log In again, and enter the newest code.",
        answer=f"The code that you entered was not the one in our chat. {AGAIN}",
    ),
    Cause(
        slug="chat_code_limited",
        stage=Stage.SIGNED_IN,
        fixed_by=FixedBy.PERSON,
        sentence="The code was sent as often as one attempt allows.",
        fix="Enter the newest code, or tap Log In again.",
        answer=f"We may not send more codes for this log-in. {AGAIN}",
    ),
    Cause(
        slug="too_many_links",
        stage=Stage.SIGNED_IN,
        fixed_by=FixedBy.SUPPORT,
        sentence="The account is connected to as many Messenger profiles as MAX_LINKS_PER_USER "
        "allows.",
        fix="End one: `threadlink links show --user NAME`, then `threadlink links unlink PSID`",
        answer="Your account is connected to as many Messenger profiles as it may be; tell us "
        "which one we may disconnect.",
    ),
)
