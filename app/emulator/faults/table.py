"""The table of faults: what each does, and the source that shows that it can happen."""

from dataclasses import replace

from app.emulator.faults.fault import Fault, GraphError
from app.emulator.faults.m_me import M_ME_FAULTS
from app.emulator.faults.pictures import PICTURE_FAULTS
from app.emulator.faults.profiles import PROFILE_FAULTS
from app.emulator.faults.rare_errors import EUROPE, RARE_ERRORS, REPORTED_ERRORS

_GRAPH_WEBHOOKS = "https://developers.facebook.com/docs/graph-api/webhooks/getting-started"
_PLATFORM = "https://developers.facebook.com/documentation/business-messaging/messenger-platform"
_WEBHOOKS = f"{_PLATFORM}/webhooks"
_ERRORS = f"{_PLATFORM}/error-codes"
_STANDBY = f"{_WEBHOOKS}/webhook-events/standby"
_GRAPH_ERRORS = "https://developers.facebook.com/docs/graph-api/guides/error-handling"
_LIMITS = "https://developers.facebook.com/docs/graph-api/overview/rate-limiting"
_LINKING = f"{_PLATFORM}/identity/account-linking"
_BOTTENDER = "https://github.com/Yoctol/bottender/issues"
_CONVERSATIONS = "https://developers.facebook.com/docs/graph-api/reference/page/conversations"
_ANY_NETWORK = "Can happen on any network."


def _webhook(name: str, does: str, source: str) -> Fault:
    return Fault(name=name, area="webhook", does=does, source=source)


def _signature(name: str, does: str) -> Fault:
    return Fault(name=name, area="signature", does=does, source=_GRAPH_WEBHOOKS)


def _graph(name: str, does: str, source: str, error: GraphError | None = None) -> Fault:
    return Fault(name=name, area="graph", does=does, source=source, error=error)


def _refuses(error: GraphError, does: str, source: str, *calls: str) -> Fault:
    name = f"graph-{error.code}" + (f"-{error.subcode}" if error.subcode else "")
    return Fault(
        name=name, area="graph", does=does, source=source, error=error, calls=frozenset(calls)
    )


_EXPIRED = (
    "Error validating access token: Session has expired on Thursday, 19-Nov-26 10:00:00 PST. "
    "The current time is Friday, 20-Nov-26 04:00:00 PST."
)
_CHANGED = (
    "Error validating access token: The session has been invalidated because the user changed "
    "their password or Facebook has changed the session for security reasons."
)

_ROWS = (
    _webhook("twice", "Every delivery is posted twice, byte for byte.", _GRAPH_WEBHOOKS),
    _webhook("late", "An event is delivered an hour later by Messenger's clock.", _WEBHOOKS),
    _webhook(
        "reordered",
        "Of two events the second is delivered first; a single event waits for a minute.",
        _GRAPH_WEBHOOKS,
    ),
    _webhook(
        "recut",
        "A retry is packed differently: all waiting events together, then each alone.",
        _GRAPH_WEBHOOKS,
    ),
    _webhook("mixed-messages", "The entry has other events before and after.", _WEBHOOKS),
    _webhook("mixed-standby", "An entry with standby comes first.", _STANDBY),
    _webhook(
        "mixed-changes",
        "An entry with changes and no messaging comes first.",
        "https://github.com/fbsamples/original-coast-clothing/blob/main/app.js",
    ),
    _webhook("other-objects", "A delivery about instagram comes first.", _WEBHOOKS),
    _webhook(
        "in-standby",
        "Events arrive in standby, as if another app controlled the thread; Meta's page does not "
        "list account_linking among them.",
        _STANDBY,
    ),
    _webhook("webhook-500", "Your answer counts as 500, so that Messenger retries.", _WEBHOOKS),
    _webhook(
        "webhook-timeout",
        "Your answer counts as too late, and Messenger's clock moves forward by the limit.",
        _WEBHOOKS,
    ),
    _webhook(
        "limit-20s",
        "Messenger waits 20 seconds instead of 5, as Meta's older pages say.",
        "https://developers.facebook.com/docs/messenger-platform/faq",
    ),
    _webhook("outage", "Your server cannot be reached.", _GRAPH_WEBHOOKS),
    _signature("unsigned", "Deliveries have no signature."),
    _signature("foreign-secret", "Deliveries are signed with another app's secret."),
    _signature("sha1-only", "Deliveries have X-Hub-Signature (SHA-1) only."),
    _signature("altered", "The person in the body is replaced after it was signed."),
    Fault(
        name="app-field-missing",
        area="subscription",
        does="The app is not subscribed to the field of the event.",
        source="https://github.com/fbsamples/messenger-platform-samples/issues/27",
    ),
    Fault(
        name="page-field-missing",
        area="subscription",
        does="The Page is not subscribed to the field of the event.",
        source="https://developers.facebook.com/docs/graph-api/reference/page/subscribed_apps",
    ),
    Fault(
        name="slow-return",
        area="return",
        does="Six minutes pass before the browser returns.",
        source=_LINKING,
    ),
    Fault(
        name="no-redirect-uri",
        area="return",
        does="Log In opens your page without redirect_uri.",
        source="https://github.com/onejgordon/flow-dashboard/issues/142",
    ),
    Fault(
        name="europe-page",
        area="return",
        does="The Page is subject to Europe's privacy rules: its profile says so, Log In and Log "
        "Out are refused (10/2018336), and the Log In of the profile opens your page without "
        "redirect_uri, which nobody documents. Links by m.me work.",
        source=EUROPE,
    ),
    *(Fault(name=row[0], area="m-me", does=row[1], source=row[2]) for row in M_ME_FAULTS),
    _graph("linking-token-expired", "account_linking_token has just expired: 10303.", _ERRORS),
    _graph(
        "linking-token-of-another-page", "account_linking_token is another Page's: 10303.", _ERRORS
    ),
    _graph("page-token-of-another-page", "The page token belongs to another Page.", _GRAPH_ERRORS),
    _graph("proof-required", "Calls without appsecret_proof are refused.", f"{_BOTTENDER}/271"),
    _graph(
        "proof-wrong",
        "Every appsecret_proof is refused.",
        "https://github.com/facebook/facebook-python-business-sdk/issues/528",
    ),
    Fault(
        name="conversations-refused",
        area="graph",
        does="The app may not read the Page's conversations: 10.",
        source=_CONVERSATIONS,
        error=GraphError(
            10, "(#10) Application does not have permission for this action", status=403
        ),
        calls=frozenset({"conversations"}),
    ),
    Fault(
        name="conversations-throttled",
        area="graph",
        does="The Page's two calls a second for conversations are used up: 613.",
        source=f"{_PLATFORM}/overview/rate-limiting",
        error=GraphError(
            613, "(#613) Calls to this api have exceeded the rate limit.", usage="business"
        ),
        calls=frozenset({"conversations"}),
    ),
    *(_graph(*row) for row in (*PROFILE_FAULTS, *PICTURE_FAULTS)),
    _graph(
        "page-profile-refused",
        "The name and the picture of the Page are refused: 10.",
        "https://github.com/restfb/restfb/issues/1190",
    ),
    _graph(
        "unlink-silent",
        "unlink_accounts sends no webhook; Meta does not document whether it does.",
        _LINKING,
    ),
    _graph(
        "version-expired",
        "The requested version has expired: the oldest usable one answers.",
        "https://developers.facebook.com/docs/graph-api/guides/versioning",
    ),
    _graph(
        "thread-settings-gone",
        "thread_settings no longer exists in any version that is still usable.",
        "https://github.com/fbsamples/messenger-bot-samples/issues/34",
    ),
    _graph("html", "An edge server answers 502 with an HTML page.", _GRAPH_ERRORS),
    _graph("drip", "The answer arrives byte by byte, half a second apart.", _ANY_NETWORK),
    _graph("reset", "The connection is reset instead of answered.", _ANY_NETWORK),
    _refuses(
        GraphError(1, "An unknown error occurred", status=500), "Unknown error.", _GRAPH_ERRORS
    ),
    _refuses(
        GraphError(2, "Service temporarily unavailable", status=500, is_transient=True),
        "Temporary failure.",
        _GRAPH_ERRORS,
    ),
    _refuses(
        GraphError(4, "(#4) Application request limit reached", is_transient=True, usage="app"),
        "The app's request limit is reached.",
        _LIMITS,
    ),
    _refuses(
        GraphError(10, "(#10) Application does not have permission for this action", status=403),
        "The permission is missing.",
        _GRAPH_ERRORS,
    ),
    _refuses(
        GraphError(10, "(#10) This message is sent outside of allowed window.", subcode=2018278),
        "The person's last message is more than 24 hours old.",
        _ERRORS,
        "send",
    ),
    _refuses(
        GraphError(17, "(#17) User request limit reached", is_transient=True, usage="app"),
        "The user's request limit is reached.",
        _LIMITS,
    ),
    _refuses(
        GraphError(32, "(#32) Page request limit reached", usage="page"),
        "The Page's request limit is reached.",
        f"{_BOTTENDER}/420",
    ),
    _refuses(GraphError(100, "(#100) Invalid parameter"), "A parameter is wrong.", _ERRORS),
    _refuses(
        GraphError(190, "Invalid OAuth access token."), "The page token is invalid.", _GRAPH_ERRORS
    ),
    _refuses(
        GraphError(190, "Error validating access token: The user is not installed.", subcode=458),
        "The app is no longer installed.",
        _GRAPH_ERRORS,
    ),
    _refuses(
        GraphError(190, _CHANGED, subcode=460), "The password has been changed.", _GRAPH_ERRORS
    ),
    _refuses(GraphError(190, _EXPIRED, subcode=463), "The page token has expired.", _GRAPH_ERRORS),
    _refuses(
        GraphError(190, "Error validating access token: Invalid token.", subcode=467),
        "The page token was invalidated.",
        _GRAPH_ERRORS,
    ),
    _refuses(
        GraphError(190, "Error validating access token: Invalid session.", subcode=492),
        "The token's owner no longer has a role on the Page.",
        _GRAPH_ERRORS,
    ),
    _refuses(
        GraphError(200, "(#200) Permissions error", status=403),
        "The app is not live, or the person has no role on it.",
        _ERRORS,
    ),
    _refuses(
        GraphError(551, "(#551) This person isn't available right now.", subcode=1545041),
        "The person has blocked the Page, or is gone.",
        _ERRORS,
        "send",
    ),
    _refuses(
        GraphError(613, "(#613) Calls to this api have exceeded the rate limit.", usage="business"),
        "Too many calls to this edge.",
        "https://github.com/howdyai/botkit/issues/865",
    ),
    _refuses(
        GraphError(10303, "(#10303) Account Linking Error: invalid account_linking_token"),
        "account_linking_token is refused.",
        _ERRORS,
        "recipient",
    ),
    _refuses(
        GraphError(
            80001,
            "(#80001) There have been too many calls to this Page account. "
            "Wait a bit and try again.",
            usage="business",
        ),
        "Too many calls for this Page.",
        _LIMITS,
    ),
    _refuses(
        GraphError(
            80006,
            "(#80006) There have been too many calls to this Messenger account. "
            "Wait a bit and try again.",
            usage="business",
        ),
        "Too many Messenger calls for this Page.",
        _LIMITS,
    ),
)
_RARE = tuple(
    replace(
        _refuses(GraphError(code, f"(#{code}) {message}", subcode), does, source, *calls),
        area="seldom",
    )
    for code, subcode, message, does, calls, source in (
        *((*row, _ERRORS) for row in RARE_ERRORS),
        *REPORTED_ERRORS,
    )
)
FAULTS: dict[str, Fault] = {row.name: row for row in (*_ROWS, *_RARE)}
