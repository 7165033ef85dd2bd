"""Meanings of Graph's errors, and the consequences of each: the first half of the one table.

The rows, which give each code its meaning, are in `app.messenger.graph.error_rows`.
docs/graph-errors.md is made of both.
"""

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass
from enum import StrEnum
from typing import Final, Literal

from app.messenger.errors import (
    GraphError,
    GraphRefused,
    GraphThrottled,
    GraphUnavailable,
    GraphUnreachable,
    LinkingTokenRefused,
    NameWithheld,
    PageRestricted,
    PermissionMissing,
    PersonUnknown,
    RegionRefused,
    TokenDead,
    WindowClosed,
)

PLATFORM: Final = (
    "https://developers.facebook.com/documentation/business-messaging/messenger-platform"
)
MESSENGER_ERRORS: Final = f"{PLATFORM}/error-codes"

# The calls that this server makes for people and bots, and for those who want to be erased;
# `app.messenger.graph.client` has them, and `id_matching` the last.
GraphCall = Literal[
    "recipient_for",
    "profile_name",
    "conversations",
    "send_text",
    "send_postbacks",
    "send_login_button",
    "send_logout_button",
    "unlink",
    "ids_for_pages",
]


class Meaning(StrEnum):
    """The subject of which an error speaks."""

    LINKING_TOKEN = "the account_linking_token"
    PERSON = "the person"
    WINDOW = "the person has to write first"
    NAME = "the person's name is withheld"
    REGION = "the region of the person or the Page"
    PAGE = "the Page"
    TOKEN = "our token"
    PERMISSION = "our app and its permissions"
    REQUEST = "our request"
    RATE_LIMIT = "a rate limit"
    TRANSIENT = "temporary trouble"
    WAY_OUT = "our way to Graph"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Consequence:
    """The consequence of a meaning: the class that is raised, and the words for the operator."""

    slug: str
    error: type[GraphError]
    sentence: str
    fix: str
    retry: str
    # The alert of docs/deploy/alerts.yaml that tells the operator of it.
    alert: str | None = None


_NO_RETRY: Final = "no"
_OWED: Final = "not within a call; an unlink that is owed is tried again later"

CONSEQUENCES: Final[Mapping[Meaning, Consequence]] = {
    Meaning.LINKING_TOKEN: Consequence(
        slug="token_refused",
        error=LinkingTokenRefused,
        sentence="This Log In cannot be used any more.",
        fix="The person goes back to the chat and taps Log In again.",
        retry=_NO_RETRY,
    ),
    Meaning.PERSON: Consequence(
        slug="graph_person_unknown",
        error=PersonUnknown,
        sentence="This person cannot be reached from this Page.",
        fix="None: nobody else is affected. The person can write to the Page first.",
        retry=_NO_RETRY,
    ),
    Meaning.WINDOW: Consequence(
        slug="graph_window_closed",
        error=WindowClosed,
        sentence="A Page may write within 24 hours of a person's last message only.",
        fix="The person writes to the Page first.",
        retry=_NO_RETRY,
    ),
    Meaning.NAME: Consequence(
        slug="name_withheld",
        error=NameWithheld,
        sentence="The sign-in goes on, and CONFIRM_IN_CHAT decides whether a code is asked for.",
        fix="To see names: the feature Business Asset User Profile Access (App Review). "
        "Until then: CONFIRM_IN_CHAT=unnamed, as in production by default.",
        retry=_NO_RETRY,
    ),
    Meaning.REGION: Consequence(
        slug="graph_region",
        error=RegionRefused,
        sentence="Meta's privacy rules for Europe and Japan refuse this person or this Page.",
        fix="None of ours. What Meta has restored: developers.facebook.com, Messenger Platform, "
        "“Europe and Japan updates”.",
        retry=_OWED,
        alert="ThreadlinkGraphRegion",
    ),
    Meaning.PAGE: Consequence(
        slug="graph_page_restricted",
        error=PageRestricted,
        sentence="An admin of the Page has to act at Meta.",
        fix="An admin of the Page: its status in Meta Business Suite, where an appeal can be "
        "filed. `threadlink doctor` tells what Meta restricts, and until when.",
        retry=_OWED,
        alert="ThreadlinkGraphPageRestricted",
    ),
    Meaning.TOKEN: Consequence(
        slug="graph_token_dead",
        error=TokenDead,
        sentence="Nobody can link on this Page until its token is replaced.",
        fix="App dashboard > Messenger > Messenger API settings > Generate token, into "
        "PAGE_ACCESS_TOKEN or PAGES_FILE; then reload the server.",
        retry=_OWED,
        alert="ThreadlinkGraphTokenDead",
    ),
    Meaning.PERMISSION: Consequence(
        slug="graph_permission",
        error=PermissionMissing,
        sentence="Meta refuses our app until an admin of it has acted.",
        fix="App dashboard: is the app live, not deactivated, and has it pages_messaging? Then "
        "`threadlink doctor`.",
        retry=_OWED,
        alert="ThreadlinkGraphPermission",
    ),
    Meaning.REQUEST: Consequence(
        slug="graph_other",
        error=GraphRefused,
        sentence="Meta does not accept the call as we make it.",
        fix="`threadlink doctor`. Where Graph speaks of appsecret_proof: APP_SECRET is not the "
        "secret of the token's app. Else report it, with Graph's words and the fbtrace_id.",
        retry=_OWED,
        alert="ThreadlinkGraphRefused",
    ),
    Meaning.RATE_LIMIT: Consequence(
        slug="graph_rate_limited",
        error=GraphThrottled,
        sentence="Meta asks us to wait before the next call.",
        fix="None, if it is rare: it is waited for as long as Meta's usage headers say. Else look "
        "at what else uses this app's or this Page's allowance.",
        retry="after the time that the usage headers tell, and not before a minute",
        alert="ThreadlinkGraphThrottled",
    ),
    Meaning.TRANSIENT: Consequence(
        slug="graph_unavailable",
        error=GraphUnavailable,
        sentence="Meta did not answer, or asks us to try again.",
        fix="None, if it is rare. Else https://metastatus.com, and from this machine: "
        "`curl -I https://graph.facebook.com`.",
        retry="at once, three tries in all, unless the call sends a message",
        alert="ThreadlinkGraphUnavailable",
    ),
    Meaning.WAY_OUT: Consequence(
        slug="graph_unreachable",
        error=GraphUnreachable,
        sentence="The way from here to Meta is blocked, and Meta was not asked.",
        fix="HTTPS_PROXY_URL, or CA_FILE where a certificate is not accepted: `threadlink doctor` "
        "says which.",
        retry="as temporary trouble",
        alert="ThreadlinkGraphUnreachable",
    ),
    Meaning.UNKNOWN: Consequence(
        slug="graph_other",
        error=GraphRefused,
        sentence="Graph's words in the log say more.",
        fix="`threadlink doctor`; then Meta's support, which asks for the fbtrace_id.",
        retry=_OWED,
        alert="ThreadlinkGraphRefused",
    ),
}


@dataclass(frozen=True, slots=True)
class ErrorRow:
    """One row: an error's code, or a range of codes up to *last*, with or without a subcode.

    *says* is what Meta says by it, in a sentence. *call* is the only call to which the row applies.
    """

    code: int
    subcode: int | None
    meaning: Meaning
    says: str
    source: str = MESSENGER_ERRORS
    _: KW_ONLY
    last: int | None = None
    call: GraphCall | None = None
    own_fix: str | None = None

    @property
    def slug(self) -> str:
        """The name of the cause, one for each kind of consequence."""
        return CONSEQUENCES[self.meaning].slug

    @property
    def error(self) -> type[GraphError]:
        """The class of the exception that is raised."""
        return CONSEQUENCES[self.meaning].error

    @property
    def sentence(self) -> str:
        """The event in words, for the operator."""
        return f"{self.says} {CONSEQUENCES[self.meaning].sentence}"

    @property
    def fix(self) -> str:
        """The advice for the operator."""
        return self.own_fix or CONSEQUENCES[self.meaning].fix
