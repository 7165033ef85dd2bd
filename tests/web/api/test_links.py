import pytest
from sqlalchemy import event, select

from app.infra import clock
from app.linking.models import Attempt, Link
from app.outbox.models import OutboxRow
from app.services.container import Services
from tests.installation import ANA, BEN, OTHER_PAGE, PAGE
from tests.linking.factories import JANE, confirmed
from tests.web.api.conftest import Caller, Holder, add_link, said

ONE = f"/links/{PAGE}/{ANA}"
HERS = "/links?issuer=local&subject=jane"


def test_a_bot_can_look_up_a_person(services: Services, bot: Caller) -> None:
    add_link(services)

    answer = bot("GET", ONE)

    assert 200 == answer.status
    assert {
        "page_id": PAGE,
        "psid": ANA,
        "issuer": "local",
        "subject": "jane",
        "display_name": "j•••@example.com",
        "messenger_name": "Ana Berg",
        "state": "linked",
        "version": 7,
        "event_at": "2026-11-20T12:00:00Z",
        "cause": "messenger",
        "reference": "q3m9-7d2k",
    } == said(answer)


def test_an_unknown_an_ended_and_a_foreign_link_look_the_same(
    services: Services, bot: Caller, holder: Holder
) -> None:
    """R93: a key that may not see a link does not learn that it exists."""
    add_link(services, BEN, OTHER_PAGE)
    add_link(services, state="ended")
    elsewhere = holder("links:read", page_id=PAGE)

    unknown = said(bot("GET", f"/links/{PAGE}/404"))
    ended = said(bot("GET", ONE))
    foreign = said(elsewhere("GET", f"/links/{OTHER_PAGE}/{BEN}"))

    for answer in (unknown, ended, foreign):
        assert answer.pop("reference")
    assert unknown == ended == foreign
    assert 404 == unknown["status"]


def test_a_look_up_reads_one_row_by_its_key(services: Services, bot: Caller) -> None:
    """A bot does this on every message; the other read is that of its key."""
    add_link(services)
    bot("GET", ONE)
    statements: list[str] = []
    event.listen(
        services.engine,
        "before_cursor_execute",
        lambda *given: statements.append(given[2]),
    )

    bot("GET", ONE)

    of_key, of_link = [statement for statement in statements if "SELECT" in statement]
    assert "WHERE api_key.id = " in of_key
    assert "WHERE link.page_id = " in of_link
    assert "AND link.psid = " in of_link


def test_unlinking_is_idempotent(services: Services, bot: Caller) -> None:
    """R95: an answer may be lost, and the bot repeats the request."""
    add_link(services)

    first, second = bot("DELETE", ONE), bot("DELETE", ONE)

    assert (204, 204) == (first.status, second.status)
    with services.engine.connect() as connection:
        link = connection.execute(select(Link.state, Link.cause, Link.version)).one()
        waiting = connection.execute(select(OutboxRow.kind)).scalars().all()
    assert ("ended", "api", 8) == tuple(link)
    assert ["graph.unlink"] == waiting


def test_unlinking_on_a_page_of_another_key_does_nothing(
    services: Services, holder: Holder
) -> None:
    add_link(services)

    answer = holder("links:write", page_id=OTHER_PAGE)("DELETE", ONE)

    assert 404 == answer.status
    with services.engine.connect() as connection:
        assert "linked" == connection.execute(select(Link.state)).scalar_one()


def test_the_links_of_a_user_are_paged(services: Services, bot: Caller) -> None:
    for number in range(5):
        add_link(services, f"100{number}")
    add_link(services, "2000", subject="joe")

    seen, cursor = [], ""
    while True:
        page = said(bot("GET", f"{HERS}&limit=2&cursor={cursor}"))
        seen += [link["psid"] for link in page["links"]]
        cursor = page["cursor"]
        if cursor is None:
            break

    assert ["1000", "1001", "1002", "1003", "1004"] == seen


def test_all_links_of_a_user_end_in_one_call_on_the_keys_page(
    services: Services, holder: Holder
) -> None:
    """R25, R95: "this wasn't me"."""
    add_link(services)
    add_link(services, BEN)
    add_link(services, ANA, OTHER_PAGE)

    answer = holder("links:write", page_id=PAGE)("DELETE", HERS)

    assert {"ended": 2, "attempts": 0} == said(answer)
    with services.engine.connect() as connection:
        standing = connection.execute(select(Link.page_id).where(Link.state == "linked"))
        assert [OTHER_PAGE] == standing.scalars().all()


def test_many_pairs_are_answered_in_the_order_asked(services: Services, bot: Caller) -> None:
    add_link(services)
    pairs = [{"page_id": PAGE, "psid": psid} for psid in ("1", ANA, "2")]

    answer = bot("POST", "/links/lookup", pairs=pairs)

    assert [None, ANA, None] == [link and link["psid"] for link in said(answer)["links"]]


def test_pairs_of_a_page_of_another_key_are_null(services: Services, holder: Holder) -> None:
    add_link(services)
    pairs = [{"page_id": PAGE, "psid": ANA}]

    answer = holder("links:read", page_id=OTHER_PAGE)("POST", "/links/lookup", pairs=pairs)

    assert {"links": [None]} == said(answer)


def test_a_mirror_follows_changes_from_cursor_to_cursor(services: Services, bot: Caller) -> None:
    add_link(services)
    add_link(services, BEN)
    first = said(bot("GET", "/links/changes?limit=1"))
    second = said(bot("GET", f"/links/changes?cursor={first['cursor']}"))
    bot("DELETE", ONE)

    third = said(bot("GET", f"/links/changes?cursor={second['cursor']}"))
    fourth = said(bot("GET", f"/links/changes?cursor={third['cursor']}"))

    assert (True, False) == (first["more"], second["more"])
    assert {ANA, BEN} == {link["psid"] for page in (first, second) for link in page["links"]}
    assert [(ANA, "ended", 8)] == [
        (link["psid"], link["state"], link["version"]) for link in third["links"]
    ]
    assert ([], third["cursor"]) == (fourth["links"], fourth["cursor"])


@pytest.mark.parametrize("path", [ONE, HERS.replace("subject=jane", f"subject={JANE.subject}")])
def test_what_messenger_has_not_confirmed_ends_as_well(
    services: Services, bot: Caller, path: str
) -> None:
    """R25: and the answer says so."""
    services.write(confirmed, at=clock.now())

    answer = bot("DELETE", path)

    if path != ONE:
        assert {"ended": 0, "attempts": 1} == said(answer)
    with services.engine.connect() as connection:
        ended = connection.execute(select(Attempt.ended_as, Attempt.reason)).one()
        notices = connection.execute(select(OutboxRow.kind)).all()
    assert ("refused", "ended by us") == tuple(ended)
    assert not notices
