"""The webhook in Flask: the handshake, and deliveries that the fast path does not take."""

import hmac
import re
import time
from typing import Final

import structlog
from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue

from app.infra import clock
from app.infra.network import installation_proof
from app.linking import flow
from app.linking.values import Outcome
from app.messenger.errors import BadSignature
from app.web.current import services
from app.web.paths import WEBHOOK
from app.web.webhook import intake

log = structlog.get_logger()
bp = Blueprint("webhook", __name__, url_prefix=WEBHOOK)

# Echoed only when it cannot be markup.
_CHALLENGE: Final = re.compile(r"[A-Za-z0-9_.-]{1,256}")


_WHAT_IT_IS: Final = "This is the webhook: Messenger posts here. threadlink doctor checks it.\n"


@bp.get("")
def handshake() -> ResponseReturnValue:
    """Prove to Meta that the address is ours (Meta, "Webhooks, Getting Started").

    A person with a browser, who asks for no handshake, is told what this is.
    """
    if not any(name.startswith("hub.") for name in request.args):
        return Response(_WHAT_IT_IS, mimetype="text/plain")
    verify_token = request.args.get("hub.verify_token", "").encode()
    ours = services().settings.verify_token.encode()
    challenge = request.args.get("hub.challenge", "")
    if request.args.get("hub.mode") != "subscribe" or not hmac.compare_digest(verify_token, ours):
        log.warning("webhook.handshake_refused")
        return "", 403, _proof(challenge)
    if not _CHALLENGE.fullmatch(challenge):
        return "", 400
    log.info("webhook.handshake")
    return Response(challenge, mimetype="text/plain")


def _proof(challenge: str) -> dict[str, str]:
    """Prove who we are to `threadlink doctor`, which asks before it sends our VERIFY_TOKEN.

    And by which address we count it, which it has made up.
    """
    if not installation_proof.is_nonce(challenge):
        return {}
    settings = services().settings
    key, public_url = settings.secret_key, settings.public_url
    client = request.remote_addr or ""
    return {
        installation_proof.HEADER: installation_proof.prove(
            challenge, secret_key=key, public_url=public_url
        ),
        installation_proof.CLIENT_HEADER: installation_proof.prove_client(
            challenge, secret_key=key, public_url=public_url, address=client
        ),
    }


@bp.post("")
def receive() -> ResponseReturnValue:
    """Handle one delivery; 200 means that it is committed.

    Most are handled by `app.web.webhook.fast_path`, which does the same without a thread.
    """
    built, body = services(), request.get_data(cache=False)
    try:
        signer = intake.signer(built.settings, body, request.headers)
    except BadSignature:
        built.delivery_counter.note("refused", at=clock.now())
        raise
    built.delivery_counter.note(signer, at=clock.now())
    wanted = intake.wanted(built.settings, body, request.headers)
    until, at = time.monotonic() + built.writer.limit_seconds, clock.now()
    outcomes: tuple[Outcome, ...] = ()
    if wanted.events or wanted.passed_on:
        outcomes = built.write(
            flow.take_in,
            wanted.events,
            wanted.passed_on,
            unless_used=wanted.unless_used,
            policy=built.policy,
            at=at,
        )
    intake.report(wanted, outcomes, at=at)
    if (entry := wanted.entry_after(outcomes)) and built.delivery_log:
        # Last, as `intake` explains.
        built.delivery_log.append_and_wait(entry, within=until - time.monotonic())
    # Not HTML: the headers of a page are not sent.
    return Response(status=200, mimetype="text/plain")
