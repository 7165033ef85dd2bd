"""The meaning of every log event, by subject; docs/log-events.md is made from it.

Levels and fields are taken from the calls that log the event. `make docs` writes the page; a test
fails if an event is missing here, or no longer logged.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from app.infra.observability.alert_log_events import ALERTS
from app.infra.observability.console_log_events import CONSOLE
from app.infra.observability.graph_log_events import GRAPH
from app.infra.observability.invitation_log_events import INVITATIONS
from app.infra.observability.log_event import LogEvent
from app.infra.observability.outbox_log_events import DELIVERY_LOG, OUTBOX
from app.infra.observability.page_log_events import PAGES
from app.infra.observability.privacy_log_events import PRIVACY
from app.infra.observability.process_log_events import PROCESSES
from app.infra.observability.request_log_events import REQUESTS

_SERVER: Final = (
    LogEvent(
        "server.started",
        "The server has started. `settings` are the names of the settings that are set, `cookies` "
        "the kind of its cookies: on this machine, without https, they are plain.",
    ),
    LogEvent(
        "settings.near_miss",
        "A variable `name` is no setting, and almost called like the setting `meant`: correct it.",
    ),
    LogEvent(
        "database.without_tls",
        "DATABASE_URL says `sslmode=disable` for a PostgreSQL on another machine: everything that "
        "is stored passes the network between in clear.",
    ),
    LogEvent(
        "database.tables_newer",
        "The tables are of a later version (`present`) than this program's (`wanted`), which works "
        "with them as well: so it is during an upgrade of several machines.",
        "Once the upgrade is through, install the later version here, too.",
    ),
    LogEvent(
        "server.reloaded",
        "A process uses the settings as they were at SIGHUP; `pages` is the number of Pages.",
    ),
    LogEvent(
        "server.reload_refused",
        "The settings at SIGHUP cannot be used, for the reasons in `faults`. The process goes on "
        "with those before.",
        "Fix them and send SIGHUP again.",
    ),
    LogEvent(
        "command.run",
        "An administrative command was run: `command` with the arguments `given`, by the user "
        "`actor`; `result` is `done` or `failed`. Written to the system log "
        "(`journalctl -t threadlink`) where the machine has one, else as the last line of stderr.",
        "If you do not know the user, look into it.",
    ),
    LogEvent(
        "setup.fault",
        "A problem at Meta keeps people from linking: where (`subject`), what (`told`) and how to "
        "fix it (`fix`). The daily check has found it, or a person has just met it.",
        "`threadlink doctor` shows all of them.",
    ),
    LogEvent(
        "setup.warning",
        "The daily check found at Meta what will keep people from linking soon, such as a token "
        "that ends, or what they miss, such as *Log In* in the details of the chat.",
        "Do what `fix` says.",
    ),
    LogEvent(
        "setup.check_failed",
        "An unexpected error in one of the checks that `threadlink doctor` and the daily check "
        "make: a bug. The others are made; the traceback is in `exception`.",
        "Report it.",
    ),
)

_SIGN_IN: Final = (
    LogEvent("sign_in.done", "A person has signed in, as the user `issuer` and `subject`."),
    LogEvent(
        "sign_in.refused",
        "The user name or password was wrong, or with `expired` a first password that was not "
        "changed in time. What was typed is not logged: it may be a password.",
        "If there are many from one `address`: block it.",
    ),
    LogEvent(
        "sign_in.guessing",
        "Sustained password guessing at one account, from `address`. It is slowed down already.",
        "Block the address if it does not stop.",
    ),
    LogEvent(
        "sign_in.too_late",
        "A person came back from a provider after the attempt had expired (five minutes).",
    ),
    LogEvent("password.changed", "The owner of a built-in account has changed the password."),
    LogEvent(
        "password.refused",
        "Somebody who had signed in typed a wrong present password, to change it. It counts as a "
        "wrong sign-in.",
    ),
    LogEvent(
        "password.not_checked",
        "A new password could not be looked up in BREACHED_PASSWORDS_FILE, and was refused.",
        "Look at the file and its rights.",
    ),
    LogEvent(
        "authenticator.failed",
        "What people sign in with could not be asked: `authenticator` is its name in "
        "AUTHENTICATORS. `problem` is what the person read: it is away, or not set up correctly "
        "(`…_misconfigured`), in which case nobody can sign in with it.",
        "Do what `fix` says. [All reasons](authenticators.md#reasons-in-the-log).",
    ),
    LogEvent(
        "database.failed",
        "A request was refused, since the database was busy or could not be reached for too long.",
        "Look at the database: `threadlink db status`.",
    ),
    LogEvent("provider.departed", "A person was sent to a provider to sign in."),
    LogEvent(
        "provider.failed",
        "A person came back from a provider without a sign-in. `problem` says whether it has "
        "refused the person or given no valid proof; `reason` names the part that is wrong, such "
        "as `claim: aud`.",
        "Do what `fix` says. [All reasons](authenticators.md#reasons-in-the-log).",
    ),
    LogEvent(
        "profile.name_withheld",
        "Messenger does not tell a person's name by one of the two calls that ask for it (`road`), "
        "with Graph's `code`. CONFIRM_IN_CHAT decides whether the person is asked for a code.",
        "If there are many: `threadlink doctor` says whether Messenger names anybody to the app.",
    ),
    LogEvent(
        "profile.name_like_brand",
        "The Messenger name of a person looks like the Page's: somebody may pose as the business. "
        "The page warns of it, and asks for a code unless CONFIRM_IN_CHAT is `never`.",
        "Look at the attempt: `threadlink attempts show` with the `reference` of the line.",
    ),
    LogEvent(
        "digits.sent", "Six digits were sent to the person's chat, as CONFIRM_IN_CHAT asks for."
    ),
    LogEvent(
        "digits.not_delivered",
        "Messenger refused the message with the digits; `told` are Graph's words.",
        "If there are many: these people never wrote to the Page, or not within 24 hours.",
    ),
    LogEvent("attempt.confirmed", "A person has agreed to connect; Messenger should come next."),
    LogEvent(
        "attempt.not_confirmed",
        "A person pressed Connect, but the digits or the account were not valid.",
    ),
    LogEvent(
        "attempt.not_cancelled",
        "A person went back to Messenger, but the attempt could not be ended in the database. It "
        "expires by itself.",
    ),
    LogEvent(
        "attempt.events_not_written",
        "What stood in people's way could not be written; it is kept for a minute and tried again.",
        "Look at the database.",
    ),
    LogEvent(
        "attempt.events_lost",
        "`count` events of attempts were dropped: the database took none for a minute, or too many "
        "came. `threadlink attempts show` may not tell why these attempts failed; the log does.",
        "Look at the database.",
    ),
    LogEvent(
        "attempt.event_not_noted",
        "An event of an attempt was not recorded because of an unexpected error: a bug.",
        "Report it.",
    ),
    LogEvent(
        "throttle.not_counted",
        "A try could not be counted by the rate limits, since the database takes no writes. It was "
        "refused with 503, and nothing was checked.",
        "Look at the database.",
    ),
    LogEvent(
        "throttle.not_given_back",
        "A try still counts as failed, though the credentials were right or not checked.",
        "Look at the database.",
    ),
)

_LINKS: Final = (
    LogEvent("webhook.handshake", "Meta has checked the webhook's address, as its dashboard does."),
    LogEvent(
        "webhook.handshake_refused",
        "Someone asked for the handshake with another VERIFY_TOKEN, as `threadlink doctor` does.",
        "If it was you: compare VERIFY_TOKEN with the dashboard.",
    ),
    LogEvent("link.made", "A link was made."),
    LogEvent(
        "link.ended",
        "A link was ended, for the reason in `cause`; `key` is the API key that asked for it.",
    ),
    LogEvent(
        "attempt.ended_by_api",
        "An API key ended attempts that Messenger had not confirmed: they make no link any more.",
    ),
    LogEvent("link.unchanged", "An event changed nothing: a repeat, or it came too late."),
    LogEvent(
        "link.refused",
        "An event had an authorization code that was not valid (`reason`). No link was made, and "
        "Messenger is told so.",
        "If there are many: someone is trying codes.",
    ),
    LogEvent(
        "link.odd_event_time",
        "The time of an event is far from ours. The event counts all the same.",
        "Check this machine's clock.",
    ),
    LogEvent(
        "intake.not_written",
        "The counts of webhook requests could not be written; they are kept and tried again.",
        "Look at the database.",
    ),
)

_API: Final = (
    LogEvent(
        "api.key_refused",
        "A request to the API had no valid key.",
        "If there are many: look at the address.",
    ),
    LogEvent(
        "api.scope_refused",
        "The API key `key` lacks the `scope` of the operation that it asked for.",
        "If its holder has no reason to ask: revoke the key.",
    ),
    LogEvent(
        "account.read",
        "The API key `key` has looked a built-in account up (`accounts:read`), by its `subject` or "
        "`username` (`by`), and was told of it or not (`found`).",
        "If many are not found: its holder may be guessing names. Revoke the key.",
    ),
    LogEvent(
        "api.key_exposed",
        "A valid API key stood in an address, where logs keep it.",
        "Revoke it and make another: `threadlink keys revoke`, `threadlink keys create`.",
    ),
    LogEvent(
        "api.use_not_noted",
        "The time of a key's last use could not be written. The request was answered.",
        "Look at the database.",
    ),
)

EVENTS: Final[Mapping[str, Sequence[LogEvent]]] = {
    "Server and settings": _SERVER,
    "Processes": PROCESSES,
    "Requests": REQUESTS,
    "Signing in": _SIGN_IN,
    "Webhook and links": _LINKS,
    "Invitations": INVITATIONS,
    "Delivery log": DELIVERY_LOG,
    "Outbox": OUTBOX,
    "Alerts": ALERTS,
    "Graph API": GRAPH,
    "Pages at Meta": PAGES,
    "Privacy": PRIVACY,
    "API": _API,
    "Operators and their console": CONSOLE,
}
