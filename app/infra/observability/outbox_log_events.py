"""The meaning of the log events about what goes to the bot, by outbox or log of deliveries."""

from typing import Final

from app.infra.observability.log_event import LogEvent

DELIVERY_LOG: Final = (
    LogEvent("delivery_log.connected", "There is a connection to NATS, by its `server`."),
    LogEvent(
        "delivery_log.away",
        "There is no connection to NATS, for the reason in `why`. It is tried again all the time; "
        "meanwhile Messenger's deliveries are answered with 503, and come again.",
        "Look at the NATS servers, and at BOT_MESSENGER_URL.",
    ),
    LogEvent(
        "delivery_log.failed",
        "A delivery was answered with 503, since the log that BOT_MESSENGER_URL names has not "
        "confirmed it: it is `unreachable`, has `no stream` (or that has no leader), gives `no "
        "answer` in time, has `refused` it, or it was `too large`. Messenger sends it again.",
        "`threadlink doctor` says more. Too large: raise `max_payload` of the NATS servers.",
    ),
    LogEvent(
        "delivery_log.without_tls",
        "BOT_MESSENGER_URL is `nats://` to another machine: what people write passes the network "
        "between in clear.",
        "Write `tls://`, unless that network is yours.",
    ),
    LogEvent(
        "delivery_log.fault",
        "An unexpected error of the connection to NATS: a bug. It goes on; the traceback is in "
        "`exception`.",
        "Report it.",
    ),
)

OUTBOX: Final = (
    LogEvent("outbox.done", "A notice, a forwarded webhook request or an unlink was delivered."),
    LogEvent("outbox.again", "A delivery failed and is retried after `seconds`."),
    LogEvent(
        "outbox.dead",
        "A delivery was given up and became a dead letter.",
        "`threadlink outbox list --state dead`, then `outbox replay`.",
    ),
    LogEvent(
        "outbox.fault",
        "An unexpected error in a delivery: a bug. It is retried; the traceback is in `exception`.",
        "Report it.",
    ),
    LogEvent(
        "outbox.late",
        "Items are overdue for `minutes`; `why` says why. `count` items of the kind wait in all. "
        "Retries that wait for their time are not overdue.",
        "`threadlink outbox status`; docs/operations.md, When the bot does not answer.",
    ),
    LogEvent(
        "outbox.deferred",
        "A rate limit of Meta's is reached, for a Page or the app. The item waits as long as Meta "
        "says.",
    ),
    LogEvent(
        "outbox.target_failing",
        "There is no connection to the bot or to Graph, or it has taken nothing for a minute. "
        "Items of this kind are tried slowly until it takes one.",
        "Look at the bot.",
    ),
    LogEvent(
        "outbox.target_gone",
        "The bot answered 410 Gone to everything. One item a minute is tried.",
        "Look at the bot, and at its address in the settings.",
    ),
    LogEvent(
        "outbox.target_recovered",
        "The bot or Graph takes items again; what failed meanwhile is tried at once.",
    ),
    LogEvent(
        "outbox.deliveries_dropped",
        "Webhook requests that the bot did not accept were deleted, by KEEP_DELIVERIES_HOURS or "
        "KEEP_DELIVERIES_MIB. They are lost. `count` since the last such line, `total` ever.",
        "Look at the bot.",
    ),
    LogEvent(
        "worker.database_away",
        "The worker could not reach the database. It tries again in a moment.",
        "Look at the database.",
    ),
    LogEvent(
        "worker.fault",
        "An unexpected error in the worker: a bug. It goes on; the traceback is in `exception`.",
        "Report it.",
    ),
)
