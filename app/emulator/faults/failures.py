"""Failures in words for a developer: reason and fix, which Messenger itself never shows."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Failure:
    """A reason and its fix; `status` is the HTTP status behind it, where there is one."""

    reason: str
    fix: str
    status: int | None = None


_TAP_AGAIN = "Go back to the chat and tap Log In again."

TOKEN_MISSING = Failure(
    "The address has no account_linking_token.",
    "Send the browser to redirect_uri exactly as you received it: it already holds the token. "
    "Only add &authorization_code=… at its end.",
)
TOKEN_UNKNOWN = Failure(
    "This account_linking_token was not issued by this Messenger.",
    "Keep every byte of redirect_uri: a token that was cut, or encoded a second time, is another "
    f"token. If the emulator was restarted in between, its tokens are gone. {_TAP_AGAIN}",
)
TOKEN_EXPIRED = Failure(
    "The account_linking_token is older than five minutes.",
    "The whole sign-in must fit into the five minutes after Log In was tapped. " + _TAP_AGAIN,
)
TOKEN_USED = Failure(
    "This account_linking_token has been used already.",
    f"One tap on Log In is valid for one return with an authorization_code. {_TAP_AGAIN}",
)
CODE_NAMED_WRONGLY = Failure(
    "The address has a parameter “code”, but no “authorization_code”.",
    "Rename the parameter that you add to redirect_uri: Messenger reads authorization_code only.",
)
CODE_EMPTY = Failure(
    "The authorization_code is empty.",
    "Add a value that is hard to guess. To tell Messenger that the person declined, leave the "
    "parameter out altogether.",
)
CODE_TWICE = Failure(
    "The address has a parameter more than once.",
    "Add authorization_code once, and keep the rest of redirect_uri as it was.",
)

APP_NOT_SUBSCRIBED = Failure(
    "No webhook is set for this app, so there is nowhere to send the event.",
    "Subscribe the app: POST /{app-id}/subscriptions with object=page, callback_url, verify_token "
    "and fields (or start the emulator with a webhook URL).",
)
UNREACHABLE = Failure(
    "The webhook could not be reached.",
    "Is your server running, and does it listen on the host and port of the callback URL?",
)

CHALLENGE_NOT_ECHOED = Failure(
    "The webhook answered 200, but its body is not the hub.challenge.",
    "Answer with the value of hub.challenge as plain text and nothing around it: no quotes, no "
    "JSON, no line end.",
)

OUTAGE = Failure(
    "Your server cannot be reached: the fault “outage” is on.",
    "Turn it off, then skip an hour: Messenger retries what it could not deliver.",
)
FORGERY_REFUSED = Failure(
    "Your server refused this delivery, and was right: Messenger did not sign it like this.",
    "Nothing to fix. Turn the fault off to go on.",
)
FORGERY_ACCEPTED = Failure(
    "Your server accepted a delivery that Messenger never signed.",
    "Anybody could link and unlink people at your server. Compare X-Hub-Signature-256 with "
    "HMAC-SHA256(app secret, raw body) in constant time, and refuse a delivery whose signature "
    "differs or is missing.",
)
FAILING_FOR_15_MINUTES = Failure(
    "Webhooks of this Page have been failing for 15 minutes.",
    "Meta alerts the app's developers now. After an hour of failures the Page is unsubscribed.",
)
DISABLED = Failure(
    "Webhooks disabled: after an hour of failures the Page is no longer subscribed.",
    "Fix the webhook, then subscribe again: POST /{page-id}/subscribed_apps. Events of the "
    "meantime are not delivered.",
)
GIVEN_UP = Failure(
    "Messenger has retried this delivery for 36 hours and drops it.",
    "Its events are lost. Your records can only be corrected by hand.",
)
PICTURE_EXPIRED = Failure(
    "The address of this picture has expired.",
    "Ask Graph for profile_pic again, and fetch the picture soon: keep no address of one.",
)
PICTURE_ALTERED = Failure(
    "This address of a picture was altered: its hash does not belong to the rest.",
    "Fetch profile_pic exactly as Graph returned it.",
)
NO_PRIVACY_URL = Failure(
    "No address is set for this callback.",
    "Start the emulator with --data-deletion-url or --deauthorize-url "
    "(on developers.facebook.com: Settings, Advanced, and Facebook Login).",
)
NO_CONFIRMATION = Failure(
    "The answer is not a JSON object with url and confirmation_code.",
    'Answer 200 and {"url": "https://…", "confirmation_code": "…"}: the address of a page that '
    "shows the state of the deletion, and a code that the person can quote.",
)
REF_LOST = Failure(
    "The link opened the chat, and its ref was lost: nothing tells your server of it.",
    "Give people a short code, too, which they can type. Nothing else helps: the fault “ref-lost” "
    "is on.",
)
PAGE_UNPUBLISHED = Failure(
    "The Page is not published, so the ref of the link is told for people with a role alone.",
    "Publish the Page in its settings at Facebook; here, turn the fault “page-unpublished” off.",
)
NO_GET_STARTED = Failure(
    "The chat is new and the Page has no Get Started button, so the ref of the link is not told.",
    "Set get_started in the Messenger profile: POST /me/messenger_profile with "
    '{"get_started": {"payload": "…"}}.',
)
REF_MALFORMED = Failure(
    "The ref of this link is none that Meta documents.",
    "A ref has 1 to 2,083 characters: letters, digits, “-”, “_” and “=”. Encode what you have "
    "by base64url, or keep it and put a random key into the link.",
)


def app_field_missing(field: str) -> Failure:
    return Failure(
        f"The app is not subscribed to the field {field}.",
        f"Add {field} to the fields in POST /{{app-id}}/subscriptions "
        "(on developers.facebook.com: Messenger, Webhooks, Edit).",
    )


def page_field_missing(field: str) -> Failure:
    return Failure(
        f"The Page is not subscribed to the field {field}.",
        f"Add {field} to subscribed_fields in POST /{{page-id}}/subscribed_apps. "
        "The app's subscription alone is not enough: a field needs both.",
    )


def timed_out(seconds: float) -> Failure:
    return Failure(
        f"The webhook did not answer within {seconds:g} seconds.",
        "Store the event, answer 200, and do slow work afterwards.",
    )


def not_200(status: int) -> Failure:
    """Return the failure for a webhook's *status*, with the likely cause."""
    reason = f"The webhook answered {status} instead of 200."
    return Failure(reason, _STATUS_FIXES.get(status, _ANY_STATUS_FIX), status)


_REDIRECT_FIX = "Messenger follows no redirect: set the final address as callback URL."
_STATUS_FIXES = {
    **dict.fromkeys((301, 302, 303, 307, 308), _REDIRECT_FIX),
    401: "Messenger sends no credentials: allow requests to the webhook's path without any.",
    403: "For a delivery that is usually the signature check: X-Hub-Signature-256 is HMAC-SHA256 "
    "over the raw body, with the app secret as key; does your server have the secret of this app? "
    "For the verification it is the verify token.",
    404: "The callback URL has a path that your server does not know.",
    405: "The callback URL must accept GET (verification) and POST (deliveries).",
    413: "Your server, or a proxy in front of it, refuses bodies of this size.",
}
_ANY_STATUS_FIX = "Look at your server's log at the time of this request; answer exactly 200."
