"""Advice on Graph errors: the likely cause and the fix, which Graph's own messages rarely name."""

from app.emulator.faults.failures import Failure
from app.emulator.graph.problems import GraphProblem

_TOKEN = (
    "Is it the complete page token that this emulator printed at its start, sent as access_token "
    "or as Authorization: Bearer? Each start of the emulator makes a new one."
)
_NEW_TOKEN = (
    "Make a new page token and give it to your server: {}. A token made from a long-lived user "
    "token or by a system user does not expire by itself."
)
_PROOF = (
    "appsecret_proof is HMAC-SHA256 in hex: its key the app secret, its message the access token "
    "of the same call. Does your server have the secret of this app? Each start of the emulator "
    "makes a new one."
)
_WAIT = "Wait before the next call, longer each time; the usage headers say for how many minutes."
_POLICY = "Stop for some hours, and read which of Meta's policies was broken."
_REGION = (
    "Meta's rules for Europe and Japan: see “Europe and Japan updates” of the Messenger Platform. "
    "Trying again does not help."
)
_FIXES: dict[tuple[int, int | None], str] = {
    (1, None): "Try again a few times, a little later each time.",
    (2, None): "Try again, a little later each time.",
    (10, None): "The app needs the permission pages_messaging for this Page (App Review).",
    (10, 2018278): "Write only within 24 hours of the person's last message. After that: within "
    "seven days as a human with the tag HUMAN_AGENT, or with an approved utility template.",
    **dict.fromkeys(((10, 2018336), (10, 2018047)), _REGION),
    (15, None): "Use the app token, {app-id}|{app-secret}, for this call.",
    (100, 33): "Is the id one of this Page, and does the edge support this method? /me is the Page "
    "whose token you send.",
    (100, 2018001): "A PSID belongs to one Page and one app: use the one from this Page's webhook, "
    "with this Page's token.",
    (100, 2018014): "Send the message and the sender_action in two calls.",
    (100, 2018247): "Go on without the name: Graph may withhold a profile. The app needs Business "
    "Asset User Profile Access to read it.",
    (190, None): _TOKEN,
    (190, 458): _NEW_TOKEN.format("the token's owner must add the app again first"),
    (190, 460): _NEW_TOKEN.format("a changed password invalidates all older ones"),
    (190, 463): _NEW_TOKEN.format("this one has expired"),
    (190, 467): _NEW_TOKEN.format("this one was invalidated"),
    (190, 492): _NEW_TOKEN.format("a person with a role on the Page must make it"),
    (200, None): "In development mode only people with a role on the app can be written to.",
    (551, None): "The person has blocked the Page or left Messenger: do not retry.",
    (2200, None): "Your webhook must answer the GET with the value of hub.challenge and nothing "
    "else, if hub.verify_token is yours.",
    (2500, None): "Check the path and access_token: one of the two is missing or wrong.",
    (10303, None): "The token is wrong, older than five minutes, or another Page's. Ask the person "
    "to go back to the chat and tap Log In again; nothing else helps.",
    (102, None): _TOKEN,
    (368, None): _POLICY,
    (613, 2018338): "Stop: a Page that goes on after this warning loses messaging.",
    (1200, None): "Try again, a little later each time.",
    **dict.fromkeys(
        ((10, 2018300), (10, 2018321)),
        "Send when this app controls the thread again (Conversation Routing).",
    ),
    **dict.fromkeys(
        ((341, None), (4, None), (17, None), (32, None), (613, None), (80001, None), (80006, None)),
        _WAIT,
    ),
}
_ANY_FIX = "Compare the request with the reference of this call; do not retry it unchanged."
_NETWORK_FAULTS = {
    "drip": Failure(
        "The answer came byte by byte.",
        "A read time-out does not end such an answer: limit the duration of the whole call.",
    ),
    "html": Failure(
        "An edge server answered with HTML: the call never reached Graph.",
        "Treat an answer that is not JSON as a temporary failure: try again later.",
        502,
    ),
    "reset": Failure(
        "The connection was reset before there was an answer.",
        "The call may or may not have been carried out: retry only where that does no harm.",
    ),
}


def for_problem(problem: GraphProblem) -> Failure:
    """Return *problem* as a failure with its fix."""
    if problem.is_about_proof:
        return Failure(str(problem), _PROOF, problem.status)
    by_subcode, by_code = (problem.code, problem.subcode), (problem.code, None)
    fix = _FIXES.get(by_subcode) or _FIXES.get(by_code) or _ANY_FIX
    return Failure(str(problem), fix, problem.status)


def for_network_fault(faults: tuple[str, ...]) -> Failure | None:
    """Return the failure for an answer that a network fault changed; None without one."""
    return next((_NETWORK_FAULTS[name] for name in faults if name in _NETWORK_FAULTS), None)
