"""The operations that tell the username of a built-in account, for programs of the business."""

from typing import Annotated, Final, Literal

import structlog
from msgspec import Meta, Struct

from app.accounts import local
from app.accounts.local import LONGEST_NAME, AccountValue
from app.api_keys.service import Grant
from app.linking.link_object import Moment, SubjectField
from app.web.api.operations import Operation
from app.web.current import services
from app.web.exceptions import ResourceNotFound

log = structlog.get_logger()

_Username = Annotated[
    str,
    Meta(
        description="The name that the user signs in by. It can be given to another user later.",
        examples=["jane@example.com"],
    ),
]


class AccountObject(Struct, frozen=True, kw_only=True):
    """A built-in account. `issuer` and `subject` are those of its links and notices."""

    issuer: Annotated[Literal["local"], Meta(description="Always `local`.", examples=["local"])] = (
        "local"
    )
    subject: SubjectField
    username: _Username
    display_name: Annotated[
        str | None,
        Meta(description="The name shown to the user, in full; null if none.", examples=["Jane"]),
    ]
    disabled_at: Annotated[
        Moment | None,
        Meta(description="Since when nobody can sign in to it; null if one can.", examples=[None]),
    ]


class AccountQuery(Struct, forbid_unknown_fields=True):
    """The username to look up."""

    username: Annotated[
        _Username,
        Meta(min_length=1, max_length=LONGEST_NAME, pattern=r"^[^\x00]+$"),
    ]


def show_account(grant: Grant, subject: str) -> AccountObject:
    return _told(grant, services().read(local.find_by_subject, subject), by="subject")


def find_account(grant: Grant, query: AccountQuery) -> AccountObject:
    return _told(grant, services().read(local.find, query.username), by="username")


def _told(grant: Grant, account: AccountValue | None, *, by: str) -> AccountObject:
    # Accounts are of no page, so a key that is for one has no business with them.
    told = account if grant.page_id is None else None
    log.info("account.read", key=grant.key_id, by=by, found=told is not None)
    if told is None:
        raise ResourceNotFound
    return AccountObject(
        subject=told.subject,
        username=told.username,
        display_name=told.display_name,
        disabled_at=told.disabled_at,
    )


OPERATIONS: Final = (
    Operation(
        method="GET",
        path="/accounts/<subject>",
        name="show_account",
        scope="accounts:read",
        summary="Which account is this?",
        description="The built-in account of a link’s `subject`, if its `issuer` is `local`. You "
        "need not ask if the accounts have your own numbers as subjects. Accounts belong to no "
        "Page: a key that is for one Page gets 404 for each. A subject with a `/` cannot stand in "
        "a path; ask by username.",
        view=show_account,
        answer=AccountObject,
        errors=(ResourceNotFound,),
    ),
    Operation(
        method="GET",
        path="/accounts",
        name="find_account",
        scope="accounts:read",
        summary="Whose username is this?",
        description="The built-in account of a username, in whatever spelling one can sign in by.",
        view=find_account,
        query=AccountQuery,
        answer=AccountObject,
        errors=(ResourceNotFound,),
    ),
)
