"""``threadlink users``: everything that is kept of a user is told, and is gone when forgotten."""

import json
import stat
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from app.accounts import local
from app.accounts.identity import Identity
from app.infra import clock
from app.linking import link_queries, resume, sign_in_names
from app.linking.models import LinkEvent
from app.linking.values import User
from app.messenger.types import Psid
from app.outbox import bot_webhooks
from app.outbox.bot_webhooks import RawDelivery
from app.privacy import user_data
from app.privacy.erasure import TOMBSTONE_KEPT
from app.privacy.handler import finish_due
from app.privacy.models import PrivacyRequest
from app.services import background
from app.services.container import Services
from tests.actors import delivery, message
from tests.cli.terminal import Operator
from tests.conftest import on_sqlite
from tests.installation import ANA, BEN, NOON, PAGE, PASSWORD, USERNAME
from tests.linking.factories import OMAR, confirmed, linked
from tests.privacy.factories import count
from tests.privacy.test_erasure import KEYS, everything


@pytest.fixture
def subject(services: Services, jane: str) -> str:
    """Return the subject of Jane, who has a link, an attempt, and a message that waits."""
    identity = Identity(local.ISSUER, jane, "j•••@example.com")
    services.write(lambda session: linked(session, psid=ANA, as_=identity))
    services.write(lambda session: confirmed(session, psid=ANA, as_=identity))
    services.write(resume.keep, PAGE, Psid(ANA), "private order", at=NOON)
    services.write(lambda session: linked(session, psid=BEN, as_=OMAR))
    hashes = services.name_hasher.candidates(USERNAME)
    services.write(sign_in_names.remember, identity, hashes, at=NOON)
    body = delivery(message(ANA, "private words", NOON))
    services.write(bot_webhooks.item_of(RawDelivery(body, {}), at=NOON))
    return jane


def test_the_export_has_everything_but_secrets(
    operator: Operator, subject: str, tmp_path: Path
) -> None:
    file = tmp_path / "jane.json"

    told = operator.types("users", "export", "--user", USERNAME, str(file))
    content = json.loads(file.read_text(encoding="utf-8"))

    assert 0 == told.exit_code, told.output
    assert 0o600 == stat.S_IMODE(file.stat().st_mode)
    assert {"issuer": "local", "subject": subject} == content["user"]
    assert USERNAME == content["account"]["username"]
    assert [ANA] == [link["psid"] for link in content["links"]]
    assert 2 == len(content["attempts"])
    assert ["linked"] == [event["status"] for event in content["history"]]
    assert 1 == len(content["sign_in_names"])
    assert ["private order"] == [given["text"] for given in content["resume"]]
    (item,) = content["waiting_for_the_bot_or_messenger"]
    assert "private words" in item["body"]
    text = file.read_text(encoding="utf-8")
    assert not [name for name in ("secret", "token", "code_hash", "password_hash") if name in text]
    assert BEN not in text


def test_an_export_replaces_nothing(operator: Operator, subject: str, tmp_path: Path) -> None:
    file, elsewhere, link = (tmp_path / name for name in ("a", "b", "c"))
    file.write_text("kept")
    link.symlink_to(elsewhere)
    chosen = ("--issuer", "local", "--subject", subject)

    results = [
        operator.types("users", "export", *chosen, str(target))
        for target in (file, link, tmp_path, tmp_path / "none" / "x")
    ]

    assert [1, 1, 1, 1] == [result.exit_code for result in results]
    assert "kept" == file.read_text()
    assert not elsewhere.exists()


def test_who_is_forgotten_leaves_nothing_in_the_end(
    operator: Operator, services: Services, subject: str
) -> None:
    told = operator.types("users", "forget", "--user", USERNAME, "--yes")

    assert 0 == told.exit_code, told.output
    assert "links that stood 1" in told.output
    assert services.read(local.find, USERNAME) is None
    assert services.read(link_queries.find_link, PAGE, Psid(ANA)) is None
    for _ in finish_due(services.writer, clock.now() + TOMBSTONE_KEPT):
        pass
    left = everything(services)
    hers = (ANA, subject, USERNAME, "private words", "private order")
    assert [] == [words for words in hers if words in left]
    assert services.read(link_queries.find_link, PAGE, Psid(BEN)) is not None
    assert 1 == count(services, PrivacyRequest)
    assert 1 == count(services, LinkEvent)


def test_nobody_is_forgotten_by_a_slip(
    operator: Operator, services: Services, subject: str
) -> None:
    before = everything(services)
    chosen = ("--issuer", "local", "--subject", subject)

    asked = operator.types("users", "forget", *chosen, told="n\n")
    unnamed = operator.types("users", "forget", "--yes")
    half = operator.types("users", "forget", "--yes", "--subject", subject)
    both = operator.types("users", "forget", "--yes", "--user", USERNAME, *chosen)
    unknown = operator.types("users", "forget", "--yes", "--issuer", "x", "--subject", "y")

    assert [1, 2, 2, 2, 1] == [result.exit_code for result in (asked, unnamed, half, both, unknown)]
    # The audit says that they were typed, and by whom; it has no arguments.
    rows = everything(services).splitlines()
    audited = [row for row in rows if row.startswith("audit_event ")]
    assert before == "\n".join(row for row in rows if row not in audited)
    assert PASSWORD not in before
    assert audited
    assert [] == [row for row in audited if USERNAME in row or subject in row]


@on_sqlite
def test_what_was_interrupted_is_done_by_the_worker(
    services: Services, subject: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The request is stored with the end of the links: between the two nobody is lost."""
    user = User(local.ISSUER, subject)
    monkeypatch.setattr(user_data, "in_portions", lambda *_: (_ for _ in ()).throw(OSError))
    forget = partial(user_data.forget_user, services.writer, user)

    with pytest.raises(OSError):  # noqa: PT011 - as a kill would end it
        forget(secret_keys=KEYS, policy=services.policy, at=clock.now())
    background.make_worker(services, "w").run_once()

    assert "private words" not in everything(services)
    assert 1 == count(services, PrivacyRequest)


@on_sqlite
def test_a_link_that_is_made_at_this_moment_goes_as_well(
    services: Services, subject: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its event has the attempt first, and is waited for."""
    user, last = User(local.ISSUER, subject), Psid("77")
    identity = Identity(local.ISSUER, subject, "j")

    def waits(session: Session, *_: object, **__: object) -> int:
        if link_queries.find_link(session, PAGE, last) is None:
            linked(session, psid=last, as_=identity)
        return 0

    monkeypatch.setattr("app.linking.voiding.void_of_user", waits)
    at = clock.now()
    gone = user_data.forget_user(
        services.writer, user, secret_keys=KEYS, policy=services.policy, at=at
    )
    for _ in finish_due(services.writer, at + TOMBSTONE_KEPT):
        pass

    assert 2 == gone.people
    assert subject not in everything(services)


@on_sqlite
def test_a_notice_of_a_profile_that_another_user_has_now_is_theirs_too(
    operator: Operator, services: Services, subject: str, tmp_path: Path
) -> None:
    """Ben's profile was Jane's: what the bot was not told of that yet names her."""
    for type_ in ("link.refused", "link.removed"):
        data = {"page_id": PAGE, "psid": BEN, "issuer": "local", "subject": subject}
        notice = {"type": type_, "data": {**data, "display_name": "Jane B."}}
        body = json.dumps(notice).encode()
        enqueue = partial(bot_webhooks.enqueue_notice, body=body, reference=None, at=NOON)
        services.write(enqueue)
    file = tmp_path / "jane.json"

    operator.types("users", "export", "--user", USERNAME, str(file))
    operator.types("users", "forget", "--user", USERNAME, "--yes")

    assert 3 == len(json.loads(file.read_text("utf-8"))["waiting_for_the_bot_or_messenger"])
    left = everything(services)
    assert "link.refused" not in left
    assert "Jane B." not in left
    # By numbers alone: the bot would go on as if the link were there.
    assert "link.removed" in left


def test_what_is_no_text_is_refused_by_every_command_that_looks_somebody_up(
    operator: Operator, tmp_path: Path
) -> None:
    """A terminal in another encoding gives such words; no database takes them."""
    alien = "\udcff"
    chosen = ("--issuer", alien, "--subject", alien)
    for words in (
        ("users", "export", *chosen, str(tmp_path / "x")),
        ("users", "export", "--issuer", "x", "--subject", "x", str(tmp_path / alien)),
        ("users", "forget", "--yes", *chosen),
        ("links", "show", *chosen),
        ("privacy", "done", "q3m9-7d2k", f"--psid={alien}"),
    ):
        assert 2 == operator.types(*words).exit_code, words
    assert [] == [*tmp_path.iterdir()]
