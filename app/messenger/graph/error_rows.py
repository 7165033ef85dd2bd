"""Rows of the one table of Graph's errors: each code and subcode, its meaning and its source.

Rows without a source are of the list of the Messenger Platform of 25 June 2026; the other pages
were read in November 2026. A call is named only where the same numbers mean something else in it.
"""

from typing import Final

from app.messenger.graph.meanings import PLATFORM, Meaning
from app.messenger.graph.meanings import ErrorRow as Row

HANDLING: Final = "https://developers.facebook.com/docs/graph-api/guides/error-handling"
LIMITS: Final = "https://developers.facebook.com/docs/graph-api/overview/rate-limiting"
USER: Final = "https://developers.facebook.com/docs/graph-api/reference/user/"
THREADS: Final = (
    "https://developers.facebook.com/docs/graph-api/reference/page/take_thread_control/"
)
SUBSCRIPTIONS: Final = "https://developers.facebook.com/docs/graph-api/reference/app/subscriptions"
EUROPE: Final = f"{PLATFORM}/europe-japan-updates"
GITHUB: Final = "https://github.com"


_WAIT_OR_ASK: Final = "None, if it is rare. Else as for a missing permission: `threadlink doctor`."
_LIVE: Final = "Switch the app to live, or give the person a role on it (App roles)."
_ROUTING: Final = (
    "It ends by itself. Else: the Page's settings at Meta, Conversation routing, default app."
)
_DASHBOARD: Final = "App dashboard > Messenger > Messenger API settings."

TEMPORARY: Final = (
    Row(1, None, Meaning.TRANSIENT, "An unknown error at Meta.", HANDLING),
    Row(
        1, 99, Meaning.TRANSIENT, "An unknown error, or a missing permission.", own_fix=_WAIT_OR_ASK
    ),
    Row(1, 1357046, Meaning.TRANSIENT, "Meta could not read a reply of its own."),
    Row(2, None, Meaning.TRANSIENT, "A service of Meta's is down for a moment.", HANDLING),
    Row(1200, None, Meaning.TRANSIENT, "Sending messages fails for a moment."),
    Row(
        10,
        2018300,
        Meaning.TRANSIENT,
        "Another app controls this conversation.",
        f"{GITHUB}/davidchua/pymessenger/issues/93",
        own_fix=_ROUTING,
    ),
    Row(
        10,
        2018321,
        Meaning.TRANSIENT,
        "An automated flow controls this conversation.",
        own_fix=_ROUTING,
    ),
    Row(4, None, Meaning.RATE_LIMIT, "The app's request limit is reached.", LIMITS),
    Row(9, 2018352, Meaning.RATE_LIMIT, "The person does too many things at once."),
    Row(17, None, Meaning.RATE_LIMIT, "The request limit of the token's owner is reached.", LIMITS),
    Row(32, None, Meaning.RATE_LIMIT, "The Page's request limit is reached.", LIMITS),
    Row(341, None, Meaning.RATE_LIMIT, "The app's limit for an action is reached.", HANDLING),
    Row(613, None, Meaning.RATE_LIMIT, "This API is called too often."),
    Row(613, 1893016, Meaning.RATE_LIMIT, "Too many messages to this person."),
    Row(
        613,
        2018338,
        Meaning.RATE_LIMIT,
        "Meta warns of abuse: people may feel bothered by the Page's messages.",
        own_fix="Let the bot and this app send less, or Meta will restrict the Page.",
    ),
    Row(613, 2534040, Meaning.RATE_LIMIT, "Too many calls of this kind."),
    Row(
        80000,
        None,
        Meaning.RATE_LIMIT,
        "The limit of a business use case is reached; 80001 is the Page's, 80006 Messenger's.",
        LIMITS,
        last=80014,
    ),
)
ABOUT_THE_PERSON: Final = (
    Row(10303, None, Meaning.LINKING_TOKEN, "The account_linking_token is unknown or expired."),
    Row(10, 2018278, Meaning.WINDOW, "The message is outside of the allowed window."),
    Row(10, 2534022, Meaning.WINDOW, "The message is outside of the allowed window."),
    Row(10, 2018065, Meaning.WINDOW, "The message is outside of the window for news."),
    Row(10, 2018108, Meaning.WINDOW, "The person cannot receive messages now."),
    Row(100, 2018001, Meaning.PERSON, "No person has this PSID on this Page."),
    Row(110, None, Meaning.PERSON, "The user ID is not valid.", USER),
    Row(200, 1545041, Meaning.PERSON, "The person is not available."),
    Row(459, None, Meaning.PERSON, "The person must pass a check of Meta's first.", USER),
    Row(551, None, Meaning.PERSON, "The person is not available."),
    Row(551, 1545041, Meaning.PERSON, "The person has blocked the Page, or is gone."),
    Row(
        100,
        2018218,
        Meaning.NAME,
        "There is no profile.",
        f"{GITHUB}/jgorset/facebook-messenger/issues/202",
    ),
    Row(
        100,
        2018247,
        Meaning.NAME,
        "The app may not read this profile.",
        f"{GITHUB}/remixz/messenger-bot/issues/98",
    ),
    Row(
        100,
        33,
        Meaning.NAME,
        "The profile does not exist, or is not shown.",
        f"{GITHUB}/guidone/node-red-contrib-chatbot/issues/234",
        call="profile_name",
    ),
    Row(210, None, Meaning.NAME, "The user is not visible.", USER, call="profile_name"),
    Row(
        803,
        None,
        Meaning.NAME,
        "There is no such profile.",
        HANDLING,
        call="profile_name",
    ),
    Row(
        10,
        2018336,
        Meaning.REGION,
        "Privacy rules in Europe do not allow this.",
        f"{GITHUB}/fbsamples/original-coast-clothing/issues/78",
    ),
    Row(10, 2018047, Meaning.REGION, "Privacy rules in Europe do not allow this.", EUROPE),
)
ABOUT_US: Final = (
    Row(
        2,
        2018344,
        Meaning.PAGE,
        "An admin of the Page must accept Meta's terms.",
        own_fix="An admin of the Page accepts the terms to which Graph's words lead.",
    ),
    Row(10, 1893063, Meaning.PAGE, "Meta restricts the Page for a time."),
    Row(
        368,
        None,
        Meaning.PAGE,
        "Meta has blocked us for a time, because a policy was broken.",
        HANDLING,
    ),
    Row(102, None, Meaning.TOKEN, "The token's session is over.", HANDLING),
    Row(190, None, Meaning.TOKEN, "The Page token is not valid.", HANDLING),
    Row(190, 458, Meaning.TOKEN, "The token's owner has removed the app.", HANDLING),
    Row(190, 459, Meaning.TOKEN, "The token's owner must pass a check of Meta's.", HANDLING),
    Row(190, 460, Meaning.TOKEN, "The token's owner has changed the password.", HANDLING),
    Row(190, 463, Meaning.TOKEN, "The Page token has expired.", HANDLING),
    Row(190, 464, Meaning.TOKEN, "The token's owner is not confirmed.", HANDLING),
    Row(190, 467, Meaning.TOKEN, "The Page token has been invalidated.", HANDLING),
    Row(190, 492, Meaning.TOKEN, "The token's owner has no role on the Page.", HANDLING),
    Row(
        210,
        None,
        Meaning.TOKEN,
        "The token is not a Page token.",
        f"{GITHUB}/Yoctol/bottender/issues/373",
    ),
    Row(
        1,
        1929002,
        Meaning.PERMISSION,
        "A field cannot be subscribed without its permission.",
        f"{GITHUB}/fbsamples/workplace-platform-samples/issues/7",
    ),
    Row(3, None, Meaning.PERMISSION, "The app lacks the capability for this call.", HANDLING),
    Row(
        10,
        None,
        Meaning.PERMISSION,
        "The app lacks the permission for this action.",
        f"{GITHUB}/davidchua/pymessenger/issues/81",
    ),
    Row(
        200,
        None,
        Meaning.PERMISSION,
        "A permission is missing, or Meta has deactivated the app.",
        HANDLING,
        last=299,
    ),
    Row(200, 2018021, Meaning.PERMISSION, "The fee for matching phone numbers is not paid."),
    Row(200, 2018027, Meaning.PERMISSION, "The person has no role on the app.", own_fix=_LIVE),
    Row(200, 2018028, Meaning.PERMISSION, "The app is not live.", own_fix=_LIVE),
    Row(230, None, Meaning.PERMISSION, "The app may not write to this person.", THREADS),
    Row(15, None, Meaning.REQUEST, "The call needs the app's own token.", HANDLING),
    Row(
        100,
        None,
        Meaning.REQUEST,
        "A parameter is wrong, or appsecret_proof.",
        f"{GITHUB}/facebook/facebook-python-business-sdk/issues/528",
    ),
    Row(100, 33, Meaning.REQUEST, "The object does not exist, or is not ours to see."),
    Row(100, 2018014, Meaning.REQUEST, "A message and an action stand in one call."),
    Row(
        100,
        2018035,
        Meaning.REQUEST,
        "An element of a template is not complete.",
        f"{GITHUB}/vjrantal/account-linking-demo-bot/issues/3",
    ),
    Row(100, 2018047, Meaning.REQUEST, "An attachment could not be fetched."),
    Row(
        100,
        2018063,
        Meaning.REQUEST,
        "The address is not of a domain that the Page allows.",
        f"{GITHUB}/Yoctol/bottender/issues/90",
        own_fix="Add the domain of PUBLIC_URL to the Page's allowed domains. " + _DASHBOARD,
    ),
    Row(100, 2018109, Meaning.REQUEST, "An attachment is too large."),
    Row(
        100,
        2018145,
        Meaning.REQUEST,
        "The Page has no Get Started button.",
        f"{GITHUB}/pimax/fb-messenger-php/issues/90",
        own_fix="Set a Get Started button first. " + _DASHBOARD,
    ),
    Row(
        100,
        2018164,
        Meaning.REQUEST,
        "The app ID is wrong.",
        own_fix="App dashboard > App settings > Basic > App ID, into APP_ID.",
    ),
    Row(
        105,
        None,
        Meaning.REQUEST,
        "A parameter has too many elements.",
        f"{GITHUB}/howdyai/botkit/issues/1672",
    ),
    Row(
        2200,
        None,
        Meaning.REQUEST,
        "The server did not answer Meta's handshake as it should.",
        SUBSCRIPTIONS,
        own_fix="Is PUBLIC_URL reached from outside, and VERIFY_TOKEN the one that is set?",
    ),
    Row(2500, None, Meaning.REQUEST, "Graph does not know the path.", HANDLING),
)
ROWS: Final = (*ABOUT_THE_PERSON, *ABOUT_US, *TEMPORARY)
