"""The page of a deletion: what it says in each state, in the person's language, and to whom."""

import html
import re
from datetime import timedelta

from sqlalchemy import update

from app.messenger.types import Psid
from app.privacy import requests
from app.privacy.models import PrivacyRequest
from app.privacy.requests import Source, Taken
from app.privacy.values import ErasedPerson
from app.services.container import Services
from tests.browsers import Browser
from tests.conftest import on_sqlite
from tests.installation import ANA, NOON, PAGE
from tests.privacy.factories import USER_ID

pytestmark = on_sqlite
KEYS = ("a secret key",)


def ask(services: Services, kind: str = "deletion") -> Taken:
    source = Source(kind, "x")  # type: ignore[arg-type]  # of any kind
    return services.write(requests.take, source, secret_keys=KEYS, user_id=USER_ID, at=NOON)


def shown(client: Browser, code: str, language: str = "en") -> tuple[int, str]:
    headers = {"Accept-Language": language}
    answer = client("GET", f"/privacy/deletion?code={code}", headers=headers)
    main = re.sub(r"<[^>]+>", " ", answer.text.partition("<main")[2].partition("</main>")[0])
    assert ANA not in answer.text
    assert USER_ID not in answer.text
    assert len(code) < 26 or code not in answer.text
    words = html.unescape(main).replace("\N{NON-BREAKING HYPHEN}", "-")
    return answer.status, " ".join(words.split())


def test_each_state_has_its_words(client: Browser, services: Services) -> None:
    taken = ask(services)
    assert "We’re working on it" in shown(client, taken.code)[1]

    services.write(requests.make_duty, taken.reference, "no page named")
    assert "by hand, by 2026-12-20 at the latest" in shown(client, taken.code)[1]

    services.write(lambda session: session.execute(update(PrivacyRequest).values(state="received")))
    people = (ErasedPerson(PAGE, Psid(ANA), 2, was_held=True),)
    services.write(requests.end, taken.reference, people, at=NOON)
    words = shown(client, taken.code)[1]
    assert "no longer connected" in words
    assert "The ID numbers of the connection, until 2026-11-27" in words
    assert "Backups" in words

    services.write(requests.finish, taken.reference, at=NOON + timedelta(days=7))
    words = shown(client, taken.code)[1]
    assert "no longer connected" in words
    assert "ID numbers" not in words


def test_whoever_was_not_known_is_told_that(client: Browser, services: Services) -> None:
    taken = ask(services)
    services.write(requests.end, taken.reference, (), at=NOON)

    status, words = shown(client, taken.code)

    assert 200 == status
    assert "Nothing about your Messenger profile is stored here any more" in words
    assert "Your name and picture" not in words


def test_it_is_in_the_language_of_the_person(client: Browser, services: Services) -> None:
    taken = ask(services)

    assert "Wir arbeiten daran" in shown(client, taken.code, "de")[1]
    assert "نعمل عليه" in shown(client, taken.code, "ar")[1]


def test_an_unknown_code_is_told_so(client: Browser, services: Services) -> None:
    """Also that of another kind, of which nobody was given the code, and the reference."""
    of_another = services.write(
        requests.take, Source("deauthorize", "x"), secret_keys=KEYS, user_id=USER_ID, at=NOON
    )

    for code in ("a" * 26, "x", "%00", of_another.code, of_another.reference, ""):
        status, words = shown(client, code)
        assert 404 == status
        assert "There’s no request with this code" in words
