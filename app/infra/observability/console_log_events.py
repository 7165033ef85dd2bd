"""The meaning of the log events about operators: what they do in the console, and look at."""

from typing import Final

from app.infra.observability.log_event import LogEvent

CONSOLE: Final = (
    LogEvent(
        "console.signed_in", "The operator `actor` has signed in, by `method`: `local` or `oidc`."
    ),
    LogEvent(
        "console.sign_in_refused",
        "A sign-in to the console was refused. What was typed is not told; the audit has whose "
        "name it was, if it was an operator's.",
        "If there are many: CONSOLE_NETWORKS, or a provider in place of passwords.",
    ),
    LogEvent(
        "console.act",
        "The operator `operator` did `act`, or was refused it (`result`). The same is in the "
        "audit: this copy is not in the database.",
    ),
    LogEvent(
        "console.viewed",
        "The operator `operator` looked at `subject` of the `kind`. The same is in the audit.",
    ),
    LogEvent(
        "console.refused",
        "A request to the console was refused, for `problem`; *network*: it came from where nobody "
        "may know of it, or a proxy has passed it on to an address for this machine alone.",
        "If it was an operator: CONSOLE_NETWORKS, TRUSTED_PROXIES.",
    ),
    LogEvent(
        "console.many_views",
        "The operator `operator` has looked at `most` people in an hour, and was stopped.",
        "`threadlink audit list --since 2h`; ask why.",
    ),
    LogEvent(
        "console.provider_failed",
        "The operators' provider did not prove a sign-in, for `reason`.",
        "What `fix` says.",
    ),
    LogEvent(
        "console.part_failed",
        "The `part` of a page of the console could not be read within two seconds; the page says "
        "so in its place.",
        "Look at the database; if it is well and the part is a list, its indexes: `threadlink db "
        "upgrade`.",
    ),
    LogEvent(
        "console.session_not_kept",
        "It could not be written that a session was used: it may end early.",
        "Look at the database.",
    ),
    LogEvent(
        "audit.not_written",
        "The row of a look or of a command could not be written. Of a look, nothing was shown.",
        "Look at the database.",
    ),
)
