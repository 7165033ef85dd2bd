"""The meaning of the log events about requests to disconnect or to erase somebody."""

from typing import Final

from app.infra.observability.log_event import LogEvent

PRIVACY: Final = (
    LogEvent(
        "privacy.asked",
        "Meta has posted that a person wants their data deleted, or has removed the app (`kind`). "
        "`reference` names the request in `threadlink privacy list`; with `is_new` false it was "
        "posted before, and nothing is done again.",
    ),
    LogEvent(
        "privacy.refused",
        "A request to a privacy callback was not acted on, for `reason`: *not signed by us* is a "
        "stranger's, or APP_SECRET is not the app's; *a login* was signed for a browser.",
        "If Meta's own test of the callback fails: APP_SECRET, then `threadlink doctor`.",
    ),
    LogEvent(
        "privacy.duty",
        "Graph does not tell whom the request `reference` is about, for `why`: an operator has to "
        "find the person.",
        "`threadlink privacy list`; docs/privacy.md says how.",
    ),
    LogEvent(
        "privacy.ended",
        "What the request `reference` asks is done: of `people` whom it may be about, something "
        "was kept of `found`. Only the rows of ended links stay, for seven days.",
    ),
    LogEvent("privacy.done", "The last rows of the request `reference` are erased as well."),
    LogEvent(
        "privacy.waiting",
        "`count` requests wait for an operator, the oldest for `days`. The law gives a month.",
        "`threadlink privacy list`",
    ),
)
