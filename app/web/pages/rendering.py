"""The pages of an attempt: where it stands, what went wrong, and always the way back."""

from typing import Final

from flask import g, render_template, url_for
from flask.typing import ResponseReturnValue

from app.accounts.authenticators import Provider
from app.linking.attempts import TOKEN_REFUSED, AttemptStatus
from app.linking.errors import AttemptExpired, TokenSpent
from app.messenger.display_names import clean_name
from app.messenger.errors import LinkingTokenRefused
from app.web.current import services
from app.web.pages import chat_code
from app.web.pages.attempt_cookie import AttemptCookie
from app.web.pages.brands import brand_of, shown_brand
from app.web.pages.csrf import form_token, question
from app.web.pages.webviews import is_offered, not_here
from app.web.problems import AGAIN, PROBLEMS, Problem

REFRESH_SECONDS: Final = 3

NEVER_CONFIRMED: Final = f"Messenger never confirmed the connection. {AGAIN}"
REFUSED: Final = f"The connection could not be made. {AGAIN}"


def page_of(
    held: AttemptCookie,
    standing: AttemptStatus,
    *,
    problem: Problem | None = None,
    username: str | None = None,
) -> ResponseReturnValue:
    """Return the page of the attempt's present state, with *problem* where there is one.

    *username* is what was typed by whoever was just signing in.
    """
    if problem:
        g.setdefault("problem", problem.name)
    status = problem.status if problem else 200
    if end := _dead_end(standing):
        return stop_page(held, end, standing)
    match standing.state:
        case "signed_in" if username is None and _lacks_digits(standing):
            return _digits_page(held, standing, problem), status
        case "signed_in" if username is None:
            return _confirm_page(held, standing, problem), status
        case "open" | "signed_in":
            return _sign_in_page(held, standing, problem, username or ""), status
        case "confirmed" if standing.code_is_dead:
            words = ("Not connected", NEVER_CONFIRMED, "stop")
        case "confirmed":
            words = ("Almost there", "Waiting for Messenger to confirm the connection.", "wait")
        case "linked":
            own = brand_of(standing.page_id).texts.connected
            words = ("You're connected", own or "You can go back to your conversation.", "ok")
        case "cancelled":
            words = ("Nothing was connected", f"You cancelled. {AGAIN}", "stop")
        case _:
            words = ("Not connected", REFUSED, "stop")
    return _status_page(held, standing, words), status


def stop_page(
    held: AttemptCookie,
    problem: Problem,
    standing: AttemptStatus | None,
    *,
    again: str | None = None,
) -> ResponseReturnValue:
    """Return the page that tells *problem*; *again* is where to try the same once more."""
    g.setdefault("problem", problem.name)
    body = render_template(
        "authorize/status.html",
        brand=shown_brand(standing.page_id) if standing else None,
        title=problem.title,
        sentence=problem.sentence,
        tone="wait" if problem.passes else "stop",
        again_action=again,
        again_method="get",
        reference=standing.reference if standing else None,
        **_frame(held),
    )
    return body, problem.status


def _dead_end(standing: AttemptStatus) -> Problem | None:
    """Return why nobody can go on with an attempt that nobody has ended, if that is so."""
    if standing.state == "expired":
        return PROBLEMS[AttemptExpired]
    if standing.state == "refused" and standing.reason == TOKEN_REFUSED:
        return PROBLEMS[LinkingTokenRefused]
    if standing.state in {"open", "signed_in"} and standing.token_spent:
        return PROBLEMS[TokenSpent]
    return None


def _sign_in_page(
    held: AttemptCookie, standing: AttemptStatus, problem: Problem | None, username: str
) -> str:
    ways, brand = services().sign_in_methods[standing.page_id], brand_of(standing.page_id)
    offered = [one for one in ways.providers if is_offered(one)]
    return render_template(
        "authorize/sign_in.html",
        brand=shown_brand(standing.page_id),
        action=url_for("authorize.sign_in", attempt_id=held.ticket.attempt_id),
        problem=problem and problem.sentence,
        problem_in_fields=problem is not None and problem.is_typed,
        username=username,
        with_password=ways.password is not None,
        providers=[_button(held, one) for one in offered],
        elsewhere=[not_here(one, ways).sentence for one in ways.providers if one not in offered],
        help_links=brand.help_links or services().settings.sign_in.help_links,
        texts=brand.texts,
        reference=standing.reference,
        **_frame(held),
    )


def _button(held: AttemptCookie, provider: Provider) -> dict[str, str]:
    attempt_id = held.ticket.attempt_id
    action = url_for("oidc.depart", attempt_id=attempt_id, name=provider.name)
    return {"name": provider.label, "action": action}


def _confirm_page(held: AttemptCookie, standing: AttemptStatus, problem: Problem | None) -> str:
    name = clean_name(standing.messenger_name or "")
    return render_template(
        "authorize/confirm.html",
        brand=shown_brand(standing.page_id),
        action=url_for("authorize.confirm", attempt_id=held.ticket.attempt_id),
        question=question(held, standing),
        not_you_action=url_for("authorize.sign_out", attempt_id=held.ticket.attempt_id),
        messenger_name=name or None,
        messenger_initial=name[:1].upper() or None,
        display_name=clean_name(standing.display_name or ""),
        replaces=standing.replaces,
        digits=chat_code.are_needed(standing),
        digits_action=url_for("authorize.send_digits", attempt_id=held.ticket.attempt_id),
        problem=problem and problem.sentence,
        reference=standing.reference,
        **_frame(held),
    )


def _lacks_digits(standing: AttemptStatus) -> bool:
    return chat_code.are_needed(standing) and not standing.has_digits


def _digits_page(held: AttemptCookie, standing: AttemptStatus, problem: Problem | None) -> str:
    return render_template(
        "authorize/status.html",
        brand=shown_brand(standing.page_id),
        title="One more step",
        sentence=problem.sentence
        if problem
        else "We send six digits to you in Messenger and ask for them here.",
        tone="wait",
        again_action=url_for("authorize.send_digits", attempt_id=held.ticket.attempt_id),
        again_label="Send six digits",
        reference=standing.reference,
        **_frame(held),
    )


def _status_page(held: AttemptCookie, standing: AttemptStatus, words: tuple[str, str, str]) -> str:
    title, sentence, tone = words
    return render_template(
        "authorize/status.html",
        brand=shown_brand(standing.page_id),
        title=title,
        sentence=sentence,
        tone=tone,
        refresh_seconds=REFRESH_SECONDS if tone == "wait" else None,
        reference=standing.reference,
        **_frame(held),
    )


def _frame(held: AttemptCookie) -> dict[str, str]:
    return {
        "cancel_action": url_for("authorize.cancel", attempt_id=held.ticket.attempt_id),
        "form_token": form_token(held),
    }
