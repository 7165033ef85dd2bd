"""The counters, gauges and histograms of `metrics`, by the part of the program that they are of.

prometheus_client decides at its import, by PROMETHEUS_MULTIPROC_DIR, whether processes share their
values. `serve` sets that after this module has been imported, so each class imports it when made.
"""

from itertools import product
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

# In seconds. Messenger gives up on an answer after 5 s; ours comes within 3 s.
_QUICK: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 3.0, 5.0)
_SLOW: Final = (0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 10.0)
# The calls for people and bots, and the failures that have an alert.
_GRAPH_CALLS: Final = (
    "recipient_for",
    "profile_name",
    "conversations",
    "send_text",
    "send_login_button",
    "send_logout_button",
    "unlink",
    "ids_for_pages",
)
_GRAPH_FAILURES: Final = (
    "TokenDead",
    "PermissionMissing",
    "PageRestricted",
    "RegionRefused",
    "GraphRefused",
    "GraphThrottled",
    "GraphUnavailable",
    "GraphUnreachable",
)
_LOG_OUTCOMES: Final = (
    "stored",
    "repeated",
    "unreachable",
    "no stream",
    "no answer",
    "refused",
    "too large",
)


class WebhookMetrics:
    """Metrics of the webhook: requests, link events, Page standings, the log of deliveries."""

    def __init__(self, registry: "CollectorRegistry") -> None:
        from prometheus_client import Counter, Histogram  # noqa: PLC0415 - as said above

        self.requests = Counter(
            "threadlink_webhook_requests",
            "POST requests to the webhook, by outcome.",
            ["outcome"],
            registry=registry,
        )
        self.seconds = Histogram(
            "threadlink_webhook_seconds",
            "Time until Messenger had the answer to a POST to the webhook.",
            buckets=_QUICK,
            registry=registry,
        )
        self.link_events = Counter(
            "threadlink_link_events",
            "Account-linking events, by what they did.",
            ["outcome"],
            registry=registry,
        )
        self.page_standings = Counter(
            "threadlink_page_standings",
            "Events about a Page's standing at Meta: restricted, warned, lifted, or other.",
            ["standing"],
            registry=registry,
        )
        self.log_entries = Counter(
            "threadlink_log_entries",
            "Deliveries for the log that BOT_MESSENGER_URL names, by outcome.",
            ["outcome"],
            registry=registry,
        )
        # What the alerts count: of a series that begins with a 1, Prometheus sees no increase.
        self.page_standings.labels("restricted")
        for outcome in ("taken", "bad_signature", "log_unavailable"):
            self.requests.labels(outcome)
        for outcome in ("made", "replaced"):
            self.link_events.labels(outcome)
        for outcome in _LOG_OUTCOMES:
            self.log_entries.labels(outcome)


class PageMetrics:
    """Metrics of what people do and meet on the pages."""

    def __init__(self, registry: "CollectorRegistry") -> None:
        from prometheus_client import Counter  # noqa: PLC0415 - as said above

        self.steps = Counter(
            "threadlink_attempt_steps",
            "Steps of people who connect their account, by step and outcome.",
            ["step", "outcome"],
            registry=registry,
        )
        self.sign_in_failures = Counter(
            "threadlink_sign_in_failures", "Failed sign-ins, by kind.", ["kind"], registry=registry
        )
        self.authenticator_failures = Counter(
            "threadlink_authenticator_failures",
            "Sign-ins that an authenticator could not decide, by its name and kind of failure.",
            ["authenticator", "failure"],
            registry=registry,
        )
        self.redirect_refusals = Counter(
            "threadlink_redirect_refusals",
            "redirect_uri values that were refused or missing, by reason.",
            ["reason"],
            registry=registry,
        )
        self.lost_events = Counter(
            "threadlink_attempt_events_lost",
            "Events of attempts that could not be stored within a minute.",
            registry=registry,
        )
        # Zeros for the alerts, as above.
        for kind in ("database_busy", "throttled"):
            self.sign_in_failures.labels(kind)


class ProfileMetrics:
    """Metrics of the names and pictures of Messenger profiles."""

    def __init__(self, registry: "CollectorRegistry") -> None:
        from prometheus_client import Counter  # noqa: PLC0415 - as said above

        self.names = Counter(
            "threadlink_names",
            "People whose name in Messenger was asked for, by where it was found.",
            ["source"],
            registry=registry,
        )
        self.pictures = Counter(
            "threadlink_pictures",
            "Messenger pictures of people, by outcome: shown, none (Messenger gives no address), "
            "refused, or slow (not there in time, or no place to fetch it).",
            ["outcome"],
            registry=registry,
        )


class GraphMetrics:
    """Metrics of the calls of the Graph API."""

    def __init__(self, registry: "CollectorRegistry") -> None:
        from prometheus_client import Counter, Gauge, Histogram  # noqa: PLC0415 - as said above

        self.calls = Counter(
            "threadlink_graph_calls",
            "Calls to the Graph API, by call and outcome.",
            ["call", "outcome"],
            registry=registry,
        )
        self.seconds = Histogram(
            "threadlink_graph_seconds",
            "Duration of calls to the Graph API.",
            ["call"],
            buckets=_SLOW,
            registry=registry,
        )
        self.usage = Gauge(
            "threadlink_graph_usage_percent",
            "Used share of Graph's rate limits, by the header of its last answer.",
            ["header"],
            registry=registry,
            multiprocess_mode="mostrecent",
        )
        # Zeros for the alerts, as above.
        for call, outcome in product(_GRAPH_CALLS, _GRAPH_FAILURES):
            self.calls.labels(call, outcome)


class ServerMetrics:
    """Metrics of the server itself: what it refuses, and what its log loses."""

    def __init__(self, registry: "CollectorRegistry") -> None:
        from prometheus_client import Counter  # noqa: PLC0415 - as said above

        self.refusals = Counter(
            "threadlink_door_refusals",
            "Requests that were refused before any view of the application saw them, by reason.",
            ["reason"],
            registry=registry,
        )
        # Zeros for the alerts, as above.
        for reason in (
            "database too slow",
            "no thread free",
            "not https",
            "too many bodies",
            "underscore in a name",
            "wrong path",
        ):
            self.refusals.labels(reason)


class ConsoleMetrics:
    """Metrics of the operators' console."""

    def __init__(self, registry: "CollectorRegistry") -> None:
        from prometheus_client import Counter  # noqa: PLC0415 - as said above

        self.sign_ins = Counter(
            "threadlink_console_sign_ins",
            "Sign-ins of operators, by method (local, oidc) and outcome.",
            ["method", "outcome"],
            registry=registry,
        )
        self.acts = Counter(
            "threadlink_operator_acts",
            "Acts of operators in the console, the refused among them.",
            ["act"],
            registry=registry,
        )
