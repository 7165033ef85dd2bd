"""People of Active Directory, as Samba is one, in front of the form."""

from collections.abc import Iterator

import pytest
from sqlalchemy import URL
from structlog.testing import capture_logs

from app import create_app
from app.services.container import Services, build
from tests.accounts.active_directory import (
    DISABLED,
    EXPIRED,
    JANE,
    MUST_CHANGE,
    PASSWORD,
    SEARCHER_PASSWORD,
    Domain,
)
from tests.actors import Graph, log_in
from tests.conftest import on_sqlite
from tests.installation import ANA, settings_for
from tests.web.attempt_events import obstacles_under, reference_on
from tests.web.page_visitor import PageVisitor, refusal

pytestmark = on_sqlite


@pytest.fixture
def services(database: URL, active_directory: Domain) -> Iterator[Services]:
    there = active_directory.settings()
    services = build(
        settings_for(
            database,
            LOG_LEVEL="info",
            AUTHENTICATORS="ldap:staff",
            LDAP_STAFF_URL=there.url,
            LDAP_STAFF_BASE=there.base,
            LDAP_STAFF_FILTER=there.filter,
            LDAP_STAFF_BIND_DN=there.bind_dn,
            LDAP_STAFF_BIND_PASSWORD=there.bind_password,
            LDAP_STAFF_SUBJECT=there.subject,
            LDAP_STAFF_CA_FILE=active_directory.ca_file,
        )
    )
    yield services
    services.close()


def test_refused_accounts_are_told_apart_by_nobody_but_the_operator(
    services: Services, graph: Graph
) -> None:
    """R60: the right password of a disabled, expired or unchanged one looks like a wrong one."""
    app = create_app(services)
    wrong = refusal(app, graph, JANE, "wrong")

    for name, why in (
        (DISABLED, "disabled"),
        (EXPIRED, "expired"),
        (MUST_CHANGE, "must_change"),
        ("nobody", "no_such_account"),
    ):
        login = log_in()
        graph.knows(login, ANA)
        person = PageVisitor(app)
        person.taps_log_in(login)
        with capture_logs() as lines:
            person.signs_in(name, PASSWORD)

        reference = reference_on(person.sees)
        assert [("credentials_wrong", "ldap:staff", why)] == obstacles_under(services, reference)
        assert ["sign_in.refused"] == [
            line["event"] for line in lines if line["event"] != "graph.call"
        ]
        for unsaid in (PASSWORD, SEARCHER_PASSWORD, "AcceptSecurityContext"):
            assert unsaid not in str(lines) + person.sees.text
        assert wrong == refusal(app, graph, name, PASSWORD)


@pytest.mark.parametrize("typed", ["\uff4a\uff41\uff4e\uff45 ", "\ufeffjane", "JANE\u00a0"])
def test_what_keyboards_make_of_a_name_signs_in(
    services: Services, graph: Graph, typed: str
) -> None:
    login = log_in()
    graph.knows(login, ANA)
    person = PageVisitor(create_app(services))
    person.taps_log_in(login)

    person.signs_in(typed, PASSWORD)

    assert "Ana Berg will be connected" in person.reads
