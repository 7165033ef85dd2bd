"""Graph's error objects. The messages are documented or captured unless a comment says not."""

from http.client import responses
from typing import Any

from app.emulator import ids
from app.emulator.faults.failures import Failure
from app.emulator.faults.fault import Fault, GraphError

NO_MATCHING_USER = 2018001
MESSAGE_AND_ACTION = 2018014
INCOMPLETE_ELEMENT = 2018035
PROFILE_WITHHELD = 2018247
OUTSIDE_WINDOW = 2018278
REFUSED_IN_EUROPE = 2018336


class GraphProblem(Exception):
    """A call that Graph refuses, with its error object."""

    def __init__(
        self, error: GraphError, *, kind: str = "OAuthException", faults: tuple[str, ...] = ()
    ) -> None:
        super().__init__(error.message)
        # The faults that caused it, where the caller of this exception cannot know them.
        self.faults = faults
        self.code = error.code
        self.subcode = error.subcode
        self.status = error.status
        members = {
            "message": error.message,
            "type": kind,
            "code": error.code,
            "error_subcode": error.subcode,
            "is_transient": error.is_transient,
        }
        self._error = {name: value for name, value in members.items() if value is not None}

    @property
    def is_about_proof(self) -> bool:
        """True if appsecret_proof is missing or wrong."""
        return "appsecret_proof" in str(self)

    def as_json(self) -> dict[str, Any]:
        """Return the error object, with a new fbtrace_id."""
        return {"error": {**self._error, "fbtrace_id": ids.trace_id()}}


def bad_parameter(message: str, *, subcode: int | None = None) -> GraphProblem:
    return GraphProblem(GraphError(100, f"(#100) {message}", subcode))


def ended_parameter(name: str) -> GraphProblem:
    # Meta says that it is an error, and not which; code and wording are ours.
    return bad_parameter(f"The parameter {name} is no longer supported.")


def missing_parameter(name: str) -> GraphProblem:
    return bad_parameter(f"The parameter {name} is required.")


def too_many(param: str) -> GraphProblem:
    # https://github.com/howdyai/botkit/issues/1672
    return GraphProblem(GraphError(105, f"(#105) param {param} has too many elements."))


def invalid_keys(names: list[str], param: str) -> GraphProblem:
    # https://github.com/rehabstudio/fbmessenger/issues/63
    return bad_parameter(f'Invalid keys "{", ".join(names)}" were found in param "{param}".')


def no_token() -> GraphProblem:
    message = "An active access token must be used to query information about the current user."
    return GraphProblem(GraphError(2500, message))


def invalid_token() -> GraphProblem:
    return GraphProblem(GraphError(190, "Invalid OAuth access token."))


def wrong_proof(*faults: str) -> GraphProblem:
    # https://github.com/facebook/facebook-python-business-sdk/issues/528
    message = "Invalid appsecret_proof provided in the API argument"
    return GraphProblem(GraphError(100, message), kind="GraphMethodException", faults=faults)


def missing_proof(*faults: str) -> GraphProblem:
    # https://github.com/Yoctol/bottender/issues/271
    message = "API calls from the server require an appsecret_proof argument"
    return GraphProblem(GraphError(100, message), kind="GraphMethodException", faults=faults)


def too_many_calls() -> GraphProblem:
    # https://github.com/howdyai/botkit/issues/865
    return GraphProblem(GraphError(613, "(#613) Calls to this api have exceeded the rate limit."))


def profile_withheld() -> GraphProblem:
    # https://github.com/remixz/messenger-bot/issues/98
    message = "Insufficient permission to access user profile."
    return bad_parameter(message, subcode=PROFILE_WITHHELD)


def outside_window() -> GraphProblem:
    message = "(#10) This message is sent outside of allowed window."
    return GraphProblem(GraphError(10, message, OUTSIDE_WINDOW))


def refused_in_europe() -> GraphProblem:
    # https://github.com/fbsamples/original-coast-clothing/issues/78
    message = "(#10) This action was not sent due to new privacy rules in Europe."
    return GraphProblem(GraphError(10, message, REFUSED_IN_EUROPE))


def page_profile_refused() -> GraphProblem:
    # https://github.com/restfb/restfb/issues/1190
    message = (
        "(#10) This endpoint requires the 'pages_read_engagement' permission or the 'Page Public "
        "Content Access' feature or the 'Page Public Metadata Access' feature."
    )
    return GraphProblem(GraphError(10, message))


def from_table(fault: Fault) -> GraphProblem:
    """Return the error of *fault*.

    Raises:
        ValueError: *fault* has no Graph error.
    """
    if fault.error is None:
        raise ValueError(f"{fault.name} has no Graph error")
    return GraphProblem(fault.error)


def invalid_linking_token() -> GraphProblem:
    # Only the code and "Account Linking Error" are documented; the wording is ours.
    return GraphProblem(
        GraphError(10303, "(#10303) Account Linking Error: invalid account_linking_token")
    )


def unknown_path(path: str) -> GraphProblem:
    return GraphProblem(GraphError(2500, f"Unknown path components: /{path}"))


def unknown_object(method: str, node: str) -> GraphProblem:
    message = (
        f"Unsupported {method.lower()} request. Object with ID '{node}' does not exist, cannot be "
        "loaded due to missing permissions, or does not support this operation"
    )
    return GraphProblem(GraphError(100, message, 33), kind="GraphMethodException")


def no_matching_user() -> GraphProblem:
    return bad_parameter("No matching user found", subcode=NO_MATCHING_USER)


def app_token_wanted() -> GraphProblem:
    return GraphProblem(
        GraphError(15, "(#15) This method must be called with an app access_token.")
    )


def callback_not_verified(failure: Failure) -> GraphProblem:
    # https://github.com/fbsamples/original-coast-clothing/issues/84
    start = "(#2200) Callback verification failed with the following errors:"
    if failure.status is None:
        return GraphProblem(GraphError(2200, f"{start} {failure.reason}"))
    phrase = responses.get(failure.status, "")
    detail = f"HTTP Status Code = {failure.status}; HTTP Message = {phrase}"
    return GraphProblem(GraphError(2200, f"{start} {detail}"))
