"""The operations on invitations, for the business's own site."""

from http import HTTPStatus
from typing import Final

import structlog

from app.accounts.identity import masked
from app.accounts.sign_in_methods import issuers_of
from app.api_keys.service import INVITE, Grant
from app.infra import clock
from app.linking import invitation_consents, invitations, link_queries
from app.linking.invitation_errors import (
    InvitationOver,
    InvitationUnknown,
    NobodyToInvite,
    NotAccepted,
    NothingToAsk,
    QuestionChanged,
    TooManyLinks,
    WrongDigits,
)
from app.linking.invitation_links import InvitationRules, Refusal
from app.linking.invitation_rows import Owner
from app.linking.invitation_status import InvitationStatus
from app.linking.invitations import Offer
from app.linking.link_object import LinkObject, object_of
from app.linking.references import reference_of
from app.linking.values import User
from app.messenger.types import PageId
from app.services.invitations import ref_link
from app.web import invitation_reports
from app.web.api.invitation_shapes import (
    Confirmation,
    Digits,
    InvitationObject,
    MadeInvitation,
    NewInvitation,
)
from app.web.api.operations import Operation
from app.web.current import services
from app.web.exceptions import InputRefused, ResourceNotFound
from app.web.languages.choice import choose
from app.web.languages.translation import languages_on

log = structlog.get_logger()

_ONE: Final = "/invitations/<invitation_id>"


def create_invitation(grant: Grant, body: NewInvitation) -> MadeInvitation:
    _check_on()
    settings, page_id = services().settings, PageId(body.page_id)
    if page_id not in services().page_ids or grant.page_id not in {None, page_id}:
        raise ResourceNotFound
    if body.issuer != grant.issuer or body.issuer not in issuers_of(settings.sign_in).values():
        raise InputRefused("issuer: not the one of this key, or of no authenticator here")
    user = User(body.issuer, body.subject)
    created = services().write(
        invitations.create_for_key,
        Offer(
            page_id=page_id,
            user=user,
            display_name=masked(body.display_name),
            language=choose(body.language or "", languages_on(page_id).offered),
            resume=body.resume,
        ),
        services().rate_limit_keys.invitations(user.issuer, user.subject),
        api_key_id=grant.key_id,
        secret_key=settings.secret_key,
        at=clock.now(),
    )
    status = created.status
    invitation_reports.created(status.reference, source="api", key=grant.key_id)
    return MadeInvitation(
        id=status.id,
        reference=status.reference,
        state=status.state,
        url=ref_link(settings, page_id, created.secrets.ref),
        code=created.secrets.shown_code,
        expires_at=status.expires_at,
        handoff_token=created.handoff_token or "",
    )


def show_invitation(grant: Grant, invitation_id: str) -> InvitationObject:
    _check_on()
    owner = _owner(grant)
    return _object(services().read(invitations.read, invitation_id, owner, at=clock.now()))


def enter_digits(grant: Grant, invitation_id: str, body: Digits) -> InvitationObject:
    _check_on()
    taken = services().write(
        invitation_consents.enter_digits,
        invitation_id,
        _owner(grant),
        body.digits,
        secret_keys=services().settings.secret_keys,
        rate_limit_keys=services().rate_limit_keys,
        rules=_rules(),
        at=clock.now(),
    )
    if isinstance(taken, WrongDigits):
        raise taken
    if isinstance(taken, Refusal):
        invitation_reports.refused(taken, reference_of(invitation_id))
        raise WrongDigits
    invitation_reports.accepted(taken.reference)
    return _object(taken)


def confirm_invitation(grant: Grant, invitation_id: str, body: Confirmation) -> LinkObject:
    _check_on()
    done = services().write(
        invitation_consents.confirm,
        invitation_id,
        _owner(grant),
        is_answer_to=lambda status: status.messenger_name == body.messenger_name,
        rules=_rules(),
        at=clock.now(),
    )
    if isinstance(done, Refusal):
        invitation_reports.refused(done, reference_of(invitation_id))
        raise InvitationOver
    invitation_reports.confirmed(done)
    return object_of(done.link)


def cancel_invitation(grant: Grant, invitation_id: str) -> None:
    _check_on()
    services().write(invitations.cancel, invitation_id, _owner(grant), at=clock.now())


def _check_on() -> None:
    if not services().settings.invitations.enabled:
        raise ResourceNotFound


def _owner(grant: Grant) -> Owner:
    return Owner(api_key_id=grant.key_id)


def _rules() -> InvitationRules:
    rules = services().policy.invitations
    if rules is None:
        raise ResourceNotFound
    return rules


def _object(status: InvitationStatus) -> InvitationObject:
    link = None
    if status.state == "linked" and status.psid is not None:
        link = services().read(link_queries.find_link, status.page_id, status.psid)
    is_theirs = link is not None and link.user == status.user
    return InvitationObject(
        id=status.id,
        reference=status.reference,
        state=status.state,
        reason=status.reason,
        messenger_name=status.messenger_name,
        needs_digits=status.needs_digits,
        expires_at=status.expires_at,
        link=object_of(link) if link is not None and is_theirs else None,
    )


OPERATIONS: Final = (
    Operation(
        method="POST",
        path="/invitations",
        name="create_invitation",
        scope=INVITE,
        summary="Invite a user to connect Messenger",
        description="For a user who is signed in on your own site. Whoever opens `url`, or types "
        "`code` in the chat, is asked there whether to connect; once they agree, your page names "
        "the Messenger profile, and `confirm` makes the link. Or your page posts `handoff_token` "
        "to `/connect/handoff`, and our page does all this. Keep `id` in the user's session: only "
        "the user it was made for may confirm it. Three can be open for one user: a fourth ends "
        "the oldest. Ten can be made in an hour.",
        view=create_invitation,
        body=NewInvitation,
        answer=MadeInvitation,
        status=HTTPStatus.CREATED,
        errors=(ResourceNotFound, NobodyToInvite),
    ),
    Operation(
        method="GET",
        path=_ONE,
        name="show_invitation",
        scope=INVITE,
        summary="What became of an invitation?",
        description="Ask every few seconds while your page shows the link. Only the key that made "
        "the invitation sees it.",
        view=show_invitation,
        answer=InvitationObject,
        errors=(InvitationUnknown,),
    ),
    Operation(
        method="POST",
        path=f"{_ONE}/digits",
        name="enter_digits",
        scope=INVITE,
        summary="Enter the digits that the chat was sent",
        description="Where Messenger withholds the name of the profile, its chat is sent six "
        "digits in place of the question (`needs_digits`). Five wrong tries end the invitation.",
        view=enter_digits,
        body=Digits,
        answer=InvitationObject,
        errors=(InvitationUnknown, InvitationOver, NothingToAsk, WrongDigits),
    ),
    Operation(
        method="POST",
        path=f"{_ONE}/confirm",
        name="confirm_invitation",
        scope=INVITE,
        summary="Connect",
        description="The consent of the user, whom your page has asked with the name of the "
        "Messenger profile. The link is made at once, and the bot is told. Repeating the request "
        "does no harm.",
        view=confirm_invitation,
        body=Confirmation,
        answer=LinkObject,
        errors=(InvitationUnknown, InvitationOver, NotAccepted, QuestionChanged, TooManyLinks),
    ),
    Operation(
        method="DELETE",
        path=_ONE,
        name="cancel_invitation",
        scope=INVITE,
        summary="Cancel an invitation",
        description="Ends it without a link. One that is over stays as it is.",
        view=cancel_invitation,
        errors=(InvitationUnknown, InvitationOver),
    ),
)
