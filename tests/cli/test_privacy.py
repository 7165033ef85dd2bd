"""``threadlink privacy``: the operator's part, and lists that are taken in whole or not at all."""

import json
import os
from functools import partial
from pathlib import Path

import pytest

from app.infra import clock
from app.linking import link_queries
from app.privacy import requests
from app.privacy.models import PrivacyRequest
from app.privacy.requests import Source
from app.services import background
from app.services.container import Services
from tests.cli.terminal import Operator
from tests.conftest import on_sqlite
from tests.installation import ANA, BEN, PAGE
from tests.linking.factories import linked
from tests.privacy.factories import USER_ID, count

pytestmark = on_sqlite


@pytest.fixture
def duty(services: Services) -> str:
    """Return the reference of a request that Graph told nothing about, of Ana, who is linked."""
    services.write(lambda session: linked(session, psid=ANA))
    source = Source("deletion", "x")
    taken = services.write(
        requests.take, source, secret_keys=("key",), user_id=USER_ID, at=clock.now()
    )
    services.write(requests.make_duty, taken.reference, "no page named")
    return taken.reference


def test_what_waits_is_listed_with_its_date(operator: Operator, duty: str) -> None:
    told = operator.types("privacy", "list").output
    fields = json.loads(operator.types("privacy", "list", "--json").output)

    assert duty in told
    assert "you have to find the person (no page named)" in told
    assert f"app-scoped id {USER_ID}" in told
    assert ("duty", USER_ID) == (fields["state"], fields["user_id"])
    assert fields["due_on"] > fields["asked_at"][:10]


def test_a_person_who_was_found_is_erased(
    operator: Operator, services: Services, duty: str
) -> None:
    done = operator.types("privacy", "done", duty.upper(), "--psid", ANA)
    again = operator.types("privacy", "done", duty)

    assert 0 == done.exit_code
    assert "people of whom something was kept: 1" in done.output
    assert services.read(link_queries.find_link, PAGE, ANA) is None
    assert 1 == again.exit_code
    assert "closed already" in again.output


@pytest.mark.parametrize("psids", [(BEN,), (ANA, BEN), ("",), ("1" * 65,)], ids=ascii)
def test_a_slip_closes_no_request(
    psids: tuple[str, ...], operator: Operator, services: Services, duty: str
) -> None:
    """Else the id by which the person could still be found would be gone."""
    slip = operator.types("privacy", "done", duty, *(f"--psid={psid}" for psid in psids))

    assert 1 == slip.exit_code
    assert "Nothing was changed" in slip.output
    request = services.read(requests.find, duty)
    assert request is not None
    assert ("duty", USER_ID) == (request.state, request.user_id)
    assert services.read(link_queries.find_link, PAGE, ANA) is not None


def test_nobody_is_erased_without_a_psid(operator: Operator, services: Services, duty: str) -> None:
    operator.types("privacy", "done", duty)

    assert services.read(link_queries.find_link, PAGE, ANA) is not None
    assert "No request waits." in operator.types("privacy", "list").output


def test_graph_is_asked_again_on_demand(operator: Operator, services: Services, duty: str) -> None:
    operator.types("privacy", "retry", duty)
    other = operator.types("privacy", "retry", duty)

    request = services.read(requests.find, duty)
    assert request is not None
    assert ("received", None) == (request.state, request.why)
    assert 1 == other.exit_code


def test_an_unknown_reference_is_no_traceback(operator: Operator) -> None:
    for typed in ("aaaa-aaaa", "", "\u00e9", "q3m9-7d2k' OR 1=1"):
        assert 1 == operator.types("privacy", "done", typed).exit_code


def given(tmp_path: Path, text: str | bytes) -> str:
    path = tmp_path / "list.csv"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return str(path)


def test_a_list_is_taken_in_once(operator: Operator, services: Services, tmp_path: Path) -> None:
    file = given(tmp_path, f"\ufeffUser_ID;x\r\n{USER_ID};a\r\n77;b\r\n{USER_ID};c\r\n")

    dry = operator.types("privacy", "import", file, "--dry-run").output
    first = operator.types("privacy", "import", file).output
    second = operator.types("privacy", "import", file).output

    assert "Would be taken in: 2" in dry
    assert "Taken in: 2; known already: 0." in first
    assert "Taken in: 0; known already: 2." in second
    assert 2 == count(services, PrivacyRequest)


def test_a_list_may_come_from_another_program(operator: Operator, services: Services) -> None:
    """Of a pipe, as the shell's <(…) is, nothing can be read twice."""
    reading, writing = os.pipe()
    os.write(writing, f"user_id\n{USER_ID}\n".encode())
    os.close(writing)

    told = operator.types("privacy", "import", f"/dev/fd/{reading}").output
    os.close(reading)

    assert "Taken in: 1; known already: 0." in told
    assert 1 == count(services, PrivacyRequest)


@pytest.mark.parametrize(
    "text", [f"{ANA}\n\n{BEN}\n", f"psid,page_id\n{ANA},{PAGE}\n{BEN},\n"], ids=["bare", "CSV"]
)
def test_psids_are_erased_by_the_worker(
    text: str, operator: Operator, services: Services, tmp_path: Path
) -> None:
    for psid in (ANA, BEN):
        services.write(partial(linked, psid=psid))
    options = [] if "page_id" in text else ["--ids", "psid"]

    operator.types("privacy", "import", given(tmp_path, text), *options)
    background.make_worker(services, "w").run_once()

    assert services.read(link_queries.find_link, PAGE, ANA) is None
    assert services.read(link_queries.find_link, PAGE, BEN) is None


@pytest.mark.parametrize(
    ("text", "options", "told"),
    [
        (f"{ANA}\n12x4\n\u0661\n", "psid", "line 2: the id must be digits"),
        (f"user_id\n{ANA}\n{'1' * 65}\n", "", "lines that are wrong: 1"),
        (f"psid,page_id\n{ANA},shop\n", "", "line 2: page_id must be digits"),
        (f"psid,user_id\n{ANA},1\n", "", "columns user_id and psid"),
        (f"name\n{ANA}\n", "", "columns user_id and psid"),
        (f"user_id\n{ANA}\n", "psid", "is not what the first line"),
        (f"{ANA}\n", "", "--ids app-scoped or psid"),
        ("", "", "columns user_id and psid"),
        ("user_id\n", "", "the file lists nobody"),
        ("\x00\xff", "", "columns user_id and psid"),
        (f"user_id\n{ANA}\n\x00", "", "no text in UTF-8"),
    ],
    ids=range(11),
)
def test_a_list_with_a_fault_does_nothing(  # noqa: PLR0913, PLR0917 - what is given, and to whom
    text: str, options: str, told: str, operator: Operator, services: Services, tmp_path: Path
) -> None:
    file, ids = given(tmp_path, text), ["--ids", options] if options else []

    result = operator.types("privacy", "import", file, *ids)

    assert result.exit_code in {1, 2}
    assert told in result.output
    assert 0 == count(services, PrivacyRequest)
