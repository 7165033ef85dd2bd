"""The meaning of the log events about requests, and what is refused of them."""

from typing import Final

from app.infra.observability.log_event import LogEvent

REQUESTS: Final = (
    LogEvent(
        "request.refused",
        "A person or Messenger got an error page; `problem` and `reason` say why; "
        "for a `redirect_uri` with another `origin` than Messenger's, that too.",
        "`bad_signature` at `/webhook`: compare APP_SECRET with the app's dashboard.",
    ),
    LogEvent(
        "request.failed",
        "An unexpected error: a bug. The traceback is in `exception`.",
        "Report it.",
    ),
    LogEvent(
        "request.foreign_host",
        "The `Host` header names another server; the request was refused.",
        "Add the name to ALLOWED_HOSTS, or have the proxy pass the header on.",
    ),
    LogEvent(
        "door.refused",
        "A request was refused before it reached the application: too slow, too large, not HTTP, "
        "no thread was free, or the database did not answer a look-up within 3 seconds.",
        "`no thread free`, often: more THREADS or WORKERS. `database too slow`: look at the "
        "database.",
    ),
    LogEvent("door.gave_up", "A client did not read its answer in time."),
    LogEvent(
        "door.header_refused",
        "A request, perhaps a delivery, was refused for its `header`; `run` leaves it out instead. "
        "Once a minute for each `reason`, as the next three.",
        "[Drop it in the proxy](deploying.md#refused-headers).",
    ),
    LogEvent(
        "request.not_https",
        "The proxies do not say that a request came by https (`reason`). Do what `fix` says.",
    ),
    LogEvent(
        "request.address_unknown",
        "The proxies do not tell a client's address (`reason`): such clients share the limits of "
        "their network, that of the nearest address that is told.",
        "Do what `fix` says.",
    ),
    LogEvent(
        "webhook.wrong_path",
        "A delivery or handshake came to another path than `/webhook`; `reason` is a usual one.",
        "Do what `fix` says. After an hour of refusals Meta ends the subscription.",
    ),
    LogEvent(
        "redirect_uri.unknown_names",
        "Messenger sent a `redirect_uri` with parameters that were never seen before. It was used "
        "all the same.",
        "Report it.",
    ),
)
