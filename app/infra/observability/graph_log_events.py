"""The meaning of the log events about the Graph API, and what comes by it."""

from typing import Final

from app.infra.observability.log_event import LogEvent

GRAPH: Final = (
    LogEvent("graph.call", "One call to the Graph API, its outcome and its duration."),
    LogEvent(
        "graph.failed",
        "A person or a client of the API got an error because of the Graph API. `told` are its "
        "words, `cause` and `sentence` what they mean: [Graph's errors](graph-errors.md).",
        "See `fix`.",
    ),
    LogEvent(
        "graph.region_refused",
        "Meta's privacy rules for Europe and Japan refuse a person of Page `page`, or the Page: "
        "Graph's `code` and `subcode`. The attempt, if there was one, is ended.",
        "If all people of the Page meet it, the Page itself is affected: see "
        "[Graph's errors](graph-errors.md).",
    ),
    LogEvent(
        "profile.picture_refused",
        "A person's Messenger picture is not shown, and their initial is: Messenger did not give "
        "it in time, or it may not be fetched or shown (`reason`). Nobody is kept from linking.",
        "With the reason `host`: if `host` is one of Meta's, add it to PROFILE_PICTURE_HOSTS.",
    ),
)
