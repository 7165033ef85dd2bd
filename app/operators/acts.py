"""The words of the audit: acts and looks, who they are of, and what they are done to."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Act(StrEnum):
    """An act or a look of an operator, as the audit names it."""

    SIGNED_IN = "signed_in"
    SIGN_IN_REFUSED = "sign_in_refused"
    SIGNED_OUT = "signed_out"
    SESSION_ENDED = "session_ended"
    REAUTHENTICATED = "reauthenticated"
    ROLE_REFUSED = "role_refused"
    SEARCHED = "searched"
    VIEWED_ATTEMPT = "viewed_attempt"
    VIEWED_PERSON = "viewed_person"
    VIEWED_USER = "viewed_user"
    VIEWED_ACCOUNT = "viewed_account"
    VIEWED_ACCOUNTS = "viewed_accounts"
    VIEWED_NOTICE = "viewed_notice"
    VIEWED_REQUEST = "viewed_request"
    VIEWED_AUDIT = "viewed_audit"
    UNLINKED = "unlinked"
    UNLINKED_ALL = "unlinked_all"
    ACCOUNT_DISABLED = "account_disabled"
    ACCOUNT_ENABLED = "account_enabled"
    REPLAYED = "replayed"
    REPLAYED_ALL = "replayed_all"
    KEY_REVOKED = "key_revoked"
    META_CHECK_ASKED = "meta_check_asked"
    PRIVACY_RETRIED = "privacy_retried"
    PRIVACY_CLOSED = "privacy_closed"


# Of one operator 120 an hour: they show persons, or find them.
LOOKS: Final = frozenset(
    {
        Act.SEARCHED,
        Act.VIEWED_ATTEMPT,
        Act.VIEWED_PERSON,
        Act.VIEWED_USER,
        Act.VIEWED_ACCOUNT,
        Act.VIEWED_ACCOUNTS,
        Act.VIEWED_NOTICE,
        Act.VIEWED_REQUEST,
    }
)
# Of one operator 30 an hour: they take something away from people.
LIMITED_ACTS: Final = frozenset(
    {
        Act.UNLINKED,
        Act.UNLINKED_ALL,
        Act.ACCOUNT_DISABLED,
        Act.ACCOUNT_ENABLED,
        Act.KEY_REVOKED,
        Act.PRIVACY_CLOSED,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """The operator or the command that a row is of, and where from."""

    actor: str
    name: str
    role: str = ""
    address: str = ""
    reference: str = ""


@dataclass(frozen=True, slots=True)
class Subject:
    """The subject of a row: a *kind* such as "person", and its *id*, which is no name."""

    kind: str = ""
    id: str = ""
    page_id: str | None = None


NOTHING: Final = Subject()
