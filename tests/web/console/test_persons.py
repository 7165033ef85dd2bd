"""Who sees persons: no viewer, in no page; support by exact terms, which nothing keeps (R140).

And what strangers have written is text on every page; what customers write is on none (R141).
"""

import re
from collections.abc import Callable
from typing import Final

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.accounts import local
from app.accounts.identity import Identity, meant_name
from app.api_keys import service as keys
from app.infra import clock
from app.linking import attempts, graph_unlink, sign_in_names
from app.linking.attempt_events import Counted, Kind, Note, record
from app.linking.references import reference_of
from app.messenger.types import Psid
from app.operators.roles import Role
from app.outbox import queue
from app.outbox.bot_webhooks import DELIVERY, NOTICE
from app.services.container import Services
from app.setup import stored_findings
from app.setup.findings import problem
from app.web.console.words import in_path
from tests.installation import ANA, PAGE
from tests.linking import factories
from tests.linking.factories import comes_back, confirm, recognised, successor
from tests.web.console.pages_read import links_of, words_of
from tests.web.console.staff import Staff, acts, audit_rows

SignedIn = Callable[[Role], Staff]
# Markup, a change of direction, a line break: each as long as a name may be.
HOSTILE: Final = "<script>alert(1)</script>\"'\u202eevil\u2066\nname"
TAGS: Final = re.compile(r"<script|\u202e|\u2066", re.IGNORECASE)
CHAT: Final = b'{"object":"page","entry":[{"messaging":[{"message":{"text":"my card is 4111"}}]}]}'
MALLORY: Final = Identity("local", "mallory-subject", HOSTILE)
WRONG_KIND: Final = "the account exists, the password is wrong"


@pytest.fixture
def made(services: Services) -> dict[str, str]:
    """Return the paths of all pages about somebody whose every name is hostile."""
    at = clock.now()

    def make(session: Session) -> dict[str, str]:
        ticket = factories.opened(session, at=at)
        reference = reference_of(ticket.attempt_id)
        note = Note(
            reference=reference,
            kind=Kind.CREDENTIALS_WRONG,
            subject="local",
            at=at,
            detail="wrong_password",
        )
        record(session, {note.key: Counted.one(note)})
        attempts.recognise(session, ticket, recognised(ANA, HOSTILE), at=at)
        renewed = successor(ticket)
        attempts.sign_in(session, ticket, MALLORY, renewed, at=at)
        code = confirm(session, renewed, at=at)
        session.flush()
        session.execute(
            text("UPDATE attempt SET messenger_name = :name, display_name = :name"),
            {"name": HOSTILE},
        )
        factories.opened(session, at=at)
        comes_back(session, code, event_at=at)
        session.flush()
        session.execute(
            text("UPDATE link SET messenger_name = :name, display_name = :name"), {"name": HOSTILE}
        )
        subject = local.add(session, "mallory@example.com", HOSTILE, "x", at=at)
        queue.enqueue(session, DELIVERY, CHAT, at=at)
        queue.enqueue(session, NOTICE, b'{"display_name": "<script>alert(1)</script>"}', at=at)
        keys.issue(session, HOSTILE, scopes=(), page_id=None, expires_at=None, at=at)
        stored_findings.keep(session, [problem(HOSTILE, HOSTILE, HOSTILE)], at=at)
        ids = [row[0] for row in session.execute(text("SELECT id FROM outbox ORDER BY id"))]
        user = f"/users/{in_path(MALLORY.issuer)}/{in_path(MALLORY.subject)}"
        return {
            "attempt": f"/attempts/{reference}",
            "person": f"/people/{PAGE}/{ANA}",
            "unlink": f"/people/{PAGE}/{ANA}/unlink",
            "user": user,
            "unlink all": f"{user}/unlink-all",
            "account": f"/accounts/{subject}",
            "disable": f"/accounts/{subject}/disable",
            **{f"item {item}": f"/outbox/{item}" for item in ids},
        }

    return services.write(make)


LISTS: Final = (
    "/",
    "/attempts",
    "/causes/credentials_wrong",
    "/search",
    "/outbox",
    f"/outbox?kind={DELIVERY}&state=waiting",
    "/accounts",
    "/keys",
    "/meta",
    "/privacy",
    "/audit",
)


def test_names_of_strangers_are_text_on_every_page(
    made: dict[str, str], signed_in: SignedIn
) -> None:
    """R141: cleaned, apart from the words around them, and never markup."""
    admin = signed_in(Role.ADMIN)
    seen = ""

    for path in (*made.values(), *LISTS):
        page = admin.opens(path)
        assert 200 == page.status, path
        assert not TAGS.search(page.text), path
        # Of the name, the visible part is there, with its signs escaped.
        for found in re.finditer(r"&lt;script&gt;", page.text):
            before = page.text[: found.start()]
            assert before.rfind("<bdi>") > before.rfind("</bdi>"), path
        seen += path if "&lt;script&gt;" in page.text else ""
    for name in ("attempt", "person", "unlink", "user", "account"):
        assert made[name] in seen


def test_what_customers_write_is_on_no_page(made: dict[str, str], signed_in: SignedIn) -> None:
    """R141: an admin sees that a delivery waits, and nothing of it."""
    admin = signed_in(Role.ADMIN)

    pages = [admin.opens(path) for path in (*made.values(), *LISTS)]

    assert any("is not shown here" in page.text for page in pages)
    assert not any("my card" in page.text for page in pages)


def test_a_viewer_sees_no_person_on_any_page(
    made: dict[str, str], services: Services, signed_in: SignedIn
) -> None:
    """R140: what the role may not see is in no page; what is about persons alone is refused."""
    viewer = signed_in(Role.VIEWER)
    persons = (ANA, MALLORY.subject, "mallory", "script", WRONG_KIND)

    for name, path in made.items():
        page = viewer.opens(path)
        assert (200 if name == "attempt" else 403) == page.status, path
        assert not any(word in page.text for word in persons), path
    for path in LISTS[:3]:
        page = viewer.opens(path)
        assert 200 == page.status
        # What Meta says of the Page is for all of them.
        assert not any(word in page.text for word in (*persons[:3], WRONG_KIND)), path
    assert "viewed_attempt" not in {act for act, _ in acts(services)}


def test_support_sees_both_and_which_part_was_wrong(
    made: dict[str, str], services: Services, signed_in: SignedIn
) -> None:
    support = signed_in(Role.SUPPORT)

    page = support.opens(made["attempt"])

    assert {made["person"], made["user"]} <= set(links_of(page))
    words = words_of(page.text)
    assert WRONG_KIND in words
    assert "tell a caller only after you know who they are" in words
    assert ("viewed_attempt", "done") == acts(services)[-1]


@pytest.mark.parametrize(
    ("term", "leads"),
    [
        (ANA, "person"),
        (f" {ANA} ", "person"),
        (MALLORY.subject, "user"),
        ("mallory@example.com", "account"),
        ("MALLORY@example.com", "account"),
    ],
)
def test_a_search_leads_to_the_one_who_is_found(
    made: dict[str, str], signed_in: SignedIn, term: str, leads: str
) -> None:
    support = signed_in(Role.SUPPORT)
    support.opens("/search")

    answer = support.presses("Search", term=term)

    assert (303, made[leads]) == (answer.status, answer.location)


@pytest.mark.parametrize("term", [ANA[:-1], "mallory", "example.com", "%", "mallory-subject%", "_"])
def test_no_part_of_a_term_finds_anybody(
    made: dict[str, str], signed_in: SignedIn, term: str
) -> None:
    """R140: nobody reads through the customers."""
    assert made
    support = signed_in(Role.SUPPORT)
    support.opens("/search")

    page = support.presses("Search", term=term)

    assert 200 == page.status
    assert "Nobody signs in by that name here" in words_of(page.text)
    assert 'aria-invalid="true"' in page.text


def test_several_who_have_one_name_are_a_list(services: Services, signed_in: SignedIn) -> None:
    """A provider does not vouch for names: the searcher chooses, and is told so."""
    hashes = services.name_hasher.candidates(meant_name("jane@example.com"))[:1]
    for issuer in ("ldap:staff", "https://login.example.org"):
        identity = Identity(issuer, "jane", "Jane")
        services.write(sign_in_names.remember, identity, hashes, at=clock.now())
    support = signed_in(Role.SUPPORT)
    support.opens("/search")

    page = support.presses("Search", term="Jane@example.com ")

    assert 200 == page.status
    assert "2 found" in words_of(page.text)
    assert "a provider does not vouch for names" in words_of(page.text)


def test_a_term_is_kept_nowhere(
    services: Services, signed_in: SignedIn, capsys: pytest.CaptureFixture[str]
) -> None:
    """R140: not in the audit, not in the log, not in an address, not in the page that answers."""
    support = signed_in(Role.SUPPORT)
    support.opens("/search")

    page = support.presses("Search", term="canary term of a customer")

    assert "canary term" not in page.text
    assert "canary term" not in str(audit_rows(services))
    assert "canary term" not in capsys.readouterr().out
    row = audit_rows(services)[-1]
    assert ("searched", "name", "0") == (row["act"], row["subject_kind"], row["subject"])


def test_every_search_is_a_row(services: Services, signed_in: SignedIn) -> None:
    """R140: to guess names is as limited as to look at people."""
    support = signed_in(Role.SUPPORT)
    support.opens("/search")

    for _ in range(3):
        support.presses("Search", term="nobody")

    assert 3 == acts(services).count(("searched", "done"))


@pytest.mark.parametrize(
    "path",
    ["/people/1/2", "/users/bG9jYWw/bm9ib2R5", f"/people/{PAGE}/{'9' * 64}"],
)
def test_nothing_kept_is_said(signed_in: SignedIn, path: str) -> None:
    page = signed_in(Role.SUPPORT).opens(path)

    assert 200 == page.status
    assert "Nothing is kept of this" in words_of(page.text)


@pytest.mark.parametrize(
    "path",
    [
        "/users/%00/x",
        "/users/!!/x",
        "/users/bG9jYWw=/bm9ib2R5",
        f"/people/{PAGE}/{'9' * 65}",
        "/outbox/99999999999999999999",
        "/outbox/x",
        "/outbox?kind=x&state=dead",
        "/causes/no_such_cause",
        "/causes/NO",
        "/accounts/nobody",
        "/attempts/x",
    ],
)
def test_an_address_of_nothing_is_answered_as_such(signed_in: SignedIn, path: str) -> None:
    assert 404 == signed_in(Role.ADMIN).opens(path).status


def test_an_unlink_of_the_outbox_names_its_person(services: Services, signed_in: SignedIn) -> None:
    at = clock.now()
    services.write(graph_unlink.enqueue_unlink, PAGE, Psid(ANA), at=at)
    support = signed_in(Role.SUPPORT)

    listed = support.opens(f"/outbox?kind={graph_unlink.KIND}&state=waiting")
    item = next(link for link in links_of(listed) if re.fullmatch(r"/outbox/\d+", link))

    assert f"/people/{PAGE}/{ANA}" in links_of(support.opens(item))
