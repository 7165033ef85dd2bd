"""The shapes of the operations on invitations."""

from typing import Annotated, Final

from msgspec import Meta, Struct

from app.linking.invitation_status import State
from app.linking.link_object import (
    IssuerField,
    LinkObject,
    Moment,
    PageIdField,
    ReferenceField,
    SubjectField,
)
from app.linking.resume import ResumeText
from app.web.api.link_shapes import ID
from app.web.api.operations import LONGEST_ID

# As wide as the columns.
_LONGEST: Final = 255

_Id = Annotated[str, Meta(description="The invitation.", examples=["Xq3m97d2kV8rT0pLw5Yb1A"])]
_State = Annotated[
    State,
    Meta(
        description="`open` until a chat brings the link or the code, `claimed` until that chat "
        "has agreed, `accepted` until you confirm; then `linked`. Or how it ended.",
        examples=["open"],
    ),
]
_ExpiresAt = Annotated[
    Moment,
    Meta(
        description="When it ends by itself: ten minutes after it was made, and once a chat has "
        "claimed it five minutes after that.",
        examples=["2026-11-20T10:10:00Z"],
    ),
]


class NewInvitation(Struct, forbid_unknown_fields=True):
    """An offer by a user who is signed in on your site to connect one Messenger profile."""

    page_id: Annotated[PageIdField, ID]
    issuer: Annotated[IssuerField, Meta(min_length=1, max_length=_LONGEST)]
    subject: Annotated[SubjectField, Meta(min_length=1, max_length=_LONGEST)]
    display_name: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=_LONGEST,
            description="The user’s name, such as the e-mail address. It is partly hidden before "
            "the chat is asked with it.",
            examples=["jane@example.com"],
        ),
    ]
    resume: Annotated[
        ResumeText | None,
        Meta(
            description="Any text, which comes back once, in the notice about this link.",
            examples=["order 1042"],
        ),
    ] = None
    language: Annotated[
        Annotated[str, Meta(pattern="^[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8})*$", max_length=35)] | None,
        Meta(
            description="The language of the chat’s texts (BCP 47); without it the page’s first.",
            examples=["pt-BR"],
        ),
    ] = None


class MadeInvitation(Struct):
    """The new invitation. All but `id`, `reference` and `state` are told this once."""

    id: _Id
    reference: ReferenceField
    state: _State
    url: Annotated[
        str,
        Meta(
            description="The link into the chat: show it, and as a QR code, to this user alone.",
            examples=["https://m.me/harbourcoffee?ref=tli-3J0v…"],
        ),
    ]
    code: Annotated[
        str,
        Meta(
            description="The code that does the same if it is typed in the chat.",
            examples=["K7F2-M9QA"],
        ),
    ]
    expires_at: _ExpiresAt
    handoff_token: Annotated[
        str,
        Meta(
            description="By which your page hands the browser over to ours, once: the field "
            "`token` of a form that posts to `/connect/handoff`.",
            examples=["pZ1c…"],
        ),
    ]


class InvitationObject(Struct):
    """An invitation. Who has claimed it is told once that chat has agreed."""

    id: _Id
    reference: ReferenceField
    state: _State
    reason: Annotated[
        str | None,
        Meta(
            description="Why it was refused; `chat_refused` while Messenger takes no question. "
            "Null where only the chat is told.",
            examples=[None],
        ),
    ]
    messenger_name: Annotated[
        str | None,
        Meta(
            description="The name of the Messenger profile, from `accepted` on: ask the user with "
            "it whether to connect. Null where Messenger withholds it.",
            examples=[None],
        ),
    ]
    needs_digits: Annotated[
        bool,
        Meta(
            description="Whether the chat was sent six digits, to be entered on your page.",
            examples=[False],
        ),
    ]
    expires_at: _ExpiresAt
    link: Annotated[
        LinkObject | None, Meta(description="The link, once there is one.", examples=[None])
    ]


class Digits(Struct, forbid_unknown_fields=True):
    """The digits that the user has read in the chat."""

    digits: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=LONGEST_ID,
            description="As they were typed; spaces do not matter.",
            examples=["759 001"],
        ),
    ]


class Confirmation(Struct, forbid_unknown_fields=True):
    """The user’s consent to the Messenger profile that your page has named."""

    messenger_name: Annotated[
        str | None,
        Meta(
            description="The name as it was shown to the user, so that nothing is confirmed that "
            "was not shown; null where Messenger withholds it.",
            examples=["Ana Berg"],
        ),
    ]
