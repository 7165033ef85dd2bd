"""What may be behind a refusal of Graph, and what to do: Graph's own words rarely tell."""

from app.emulator.faults.failures import Failure
from app.emulator.graph.problems import GraphProblem

_TOKEN = (
    "Is it the page token that this emulator printed when it started, whole, and sent as "
    "access_token or as Authorization: Bearer? After a restart of the emulator it is another one."
)
_NEW_TOKEN = (
    "Make a new page token and give it to your server: {}. One made from a long-lived user token, "
    "or from a system user, does not expire by itself."
)
_PROOF = (
    "appsecret_proof is HMAC-SHA256 in hex: its key the app secret, its message the access token "
    "of this very call. Does your server have the secret of this app? After a restart of the "
    "emulator it is another one."
)
_WAIT = "Wait before you call again, longer each time; the usage headers say for how many minutes."
_FIXES: dict[tuple[int, int | None], str] = {
    (1, None): "Try again a few times, a little later each time.",
    (2, None): "Try again, a little later each time.",
    (10, None): "The app needs the permission pages_messaging for this Page (App Review).",
    (10, 2018278): "Write only within 24 hours of the person's last message, or with a tag.",
    (15, None): "Use the app token, {app-id}|{app-secret}, for this call.",
    (100, 33): "Is the id one of this Page, and does this edge take this method? /me is the Page "
    "whose token you send.",
    (100, 2018001): "PSIDs belong to one Page and one app: use the one that this Page's webhook "
    "told you, with this Page's token.",
    (100, 2018014): "Send the message and the sender_action in two calls.",
    (100, 2018247): "Go on without the name: a profile may be withheld. The app needs Business "
    "Asset User Profile Access to see it.",
    (190, None): _TOKEN,
    (190, 458): _NEW_TOKEN.format("whose token it is must add the app again first"),
    (190, 460): _NEW_TOKEN.format("a changed password ends all older ones"),
    (190, 463): _NEW_TOKEN.format("this one is past its time"),
    (190, 467): _NEW_TOKEN.format("this one was withdrawn"),
    (190, 492): _NEW_TOKEN.format("somebody with a role on the Page must make it"),
    (200, None): "In development mode only people with a role on the app can be written to.",
    (551, None): "The person has blocked the Page or is gone: do not try again.",
    (2200, None): "Your webhook must answer the GET with the value of hub.challenge and nothing "
    "else, if hub.verify_token is yours.",
    (2500, None): "Look at the path and at access_token: one of the two is missing or wrong.",
    (10303, None): "The token is wrong, older than five minutes, or another Page's. Ask the person "
    "to go back to the chat and tap Log In again; nothing else helps.",
    (102, None): _TOKEN,
    (
        368,
        None,
    ): "Stop for some hours, and look what Meta's page says of the policy that was broken.",
    (613, 2018338): "Stop: whoever goes on after this warning loses the Page's messaging.",
    (1200, None): "Try again, a little later each time.",
    **dict.fromkeys(
        ((2018300, None), (2018321, None)),
        "Write when the thread is this app's again (Conversation Routing).",
    ),
    **dict.fromkeys(
        ((341, None), (4, None), (17, None), (32, None), (613, None), (80006, None)), _WAIT
    ),
}
_ANY_FIX = "Compare what you sent, above, with the reference of this call; do not send it again."
_WEATHER = {
    "drip": Failure(
        "The answer came byte by byte.",
        "A time-out between two bytes does not end this: give the whole call a limit of its own.",
    ),
    "html": Failure(
        "An edge answered with HTML: this was never Graph.",
        "Treat an answer that is not JSON as a failure that passes: try again later.",
        502,
    ),
    "reset": Failure(
        "The connection was reset before there was an answer.",
        "Nobody knows whether the call was carried out: try again only where that does no harm.",
    ),
}


def for_problem(problem: GraphProblem) -> Failure:
    """Return *problem* as reason and fix."""
    if problem.is_about_proof:
        return Failure(str(problem), _PROOF, problem.status)
    exactly, any_of_code = (problem.code, problem.subcode), (problem.code, None)
    fix = _FIXES.get(exactly) or _FIXES.get(any_of_code) or _ANY_FIX
    return Failure(str(problem), fix, problem.status)


def for_network_fault(faults: tuple[str, ...]) -> Failure | None:
    """Return what befell an answer that was no answer of Graph."""
    return next((_WEATHER[name] for name in faults if name in _WEATHER), None)
