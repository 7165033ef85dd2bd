"""Messenger's side of the conversation: the handshake, and deliveries."""

import hmac
import re
from typing import Final

import structlog
from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue

from app.infra import clock
from app.messenger.errors import BadSignature
from app.web.current import services
from app.web.webhook import intake

log = structlog.get_logger()
bp = Blueprint("webhook", __name__, url_prefix="/webhook")

# Echoed only when it cannot be markup.
_CHALLENGE: Final = re.compile(r"[A-Za-z0-9_.-]{1,256}")


@bp.get("")
def handshake() -> ResponseReturnValue:
    """Show Meta that the address is ours (Meta, "Webhooks, Getting Started")."""
    given = request.args.get("hub.verify_token", "").encode()
    known = services().settings.verify_token.encode()
    if request.args.get("hub.mode") != "subscribe" or not hmac.compare_digest(given, known):
        log.warning("webhook.handshake_refused")
        return "", 403
    challenge = request.args.get("hub.challenge", "")
    if not _CHALLENGE.fullmatch(challenge):
        return "", 400
    log.info("webhook.handshake")
    return Response(challenge, mimetype="text/plain")


@bp.post("")
def receive() -> ResponseReturnValue:
    """Take in one delivery; 200 says that it is committed.

    Most come by the lane (`app.web.webhook.fast_path`), which does the same without a thread.
    """
    built, body = services(), request.get_data(cache=False)
    try:
        signer = intake.signer(built.settings, body, request.headers)
    except BadSignature:
        built.delivery_counter.note("refused", at=clock.now())
        raise
    built.delivery_counter.note(signer, at=clock.now())
    wanted = intake.wanted(built.settings, body, request.headers)
    if wanted:
        policy, at = built.policy, clock.now()
        outcomes = built.write(intake.take_in, wanted, policy=policy, at=at)
        intake.tell(wanted, outcomes, at=at)
    # Nothing to be shown: what a page would carry is not sent.
    return Response(status=200, mimetype="text/plain")
