"""What links by m.me need at Meta: `setup` sets and undoes it, `doctor` names what is missing."""

import json
from pathlib import Path

import pytest

from app.emulator.context import Emulator
from app.emulator.graph.problems import bad_parameter
from app.emulator.state import State
from tests.conftest import on_sqlite
from tests.installation import OTHER_PAGE, PAGE
from tests.setup.conftest import Platform, Runs, lines

# What is asked and changed here is Meta's; the database only has to be there.
pytestmark = on_sqlite

ON = {"INVITATIONS": "1"}
NEEDED = {"messages", "messaging_postbacks", "messaging_referrals", "messaging_account_linking"}


@pytest.mark.usefixtures("server")
def test_setup_subscribes_and_gives_a_button_where_there_is_none(
    meta: Emulator, runs: Runs
) -> None:
    result = runs("setup", **ON)

    assert 0 == result.exit_code, result.output
    assert set(meta.state.page_fields(PAGE)) >= NEEDED
    assert meta.state.app_subscription is not None
    assert set(meta.state.app_subscription.fields) >= NEEDED
    assert "GET_STARTED" == meta.state.get_started(PAGE)
    assert f"Page {PAGE} Get Started: nothing\n    becomes GET_STARTED" in result.output
    assert "Nothing to change" in runs("setup", **ON).output


@pytest.mark.usefixtures("server")
def test_a_button_that_is_there_stays_as_it_is(meta: Emulator, runs: Runs) -> None:
    meta.state.set_get_started(PAGE, "THE BOT'S OWN")

    result = runs("setup", **ON)

    assert "THE BOT'S OWN" == meta.state.get_started(PAGE)
    assert "Get Started" not in result.output


@pytest.mark.usefixtures("server")
def test_without_invitations_nothing_of_it_is_set(meta: Emulator, runs: Runs) -> None:
    runs("setup")

    assert meta.state.get_started(PAGE) is None
    assert NEEDED.isdisjoint(set(meta.state.page_fields(PAGE)) - {"messaging_account_linking"})


@pytest.mark.usefixtures("server")
def test_the_undo_file_restores_the_button(meta: Emulator, runs: Runs, tmp_path: Path) -> None:
    """Of a version that did not know it, the file says nothing, and the button stays."""
    runs("setup", **ON)
    (undo,) = (tmp_path / "instance").glob("setup-undo-*.json")
    old = json.loads(undo.read_text(encoding="utf-8"))
    for page in old["pages"]:
        del page["get_started"]
    older = tmp_path / "older.json"
    older.write_text(json.dumps(old), encoding="utf-8")
    # Those of one second have the same name.
    first = undo.rename(tmp_path / "first.json")

    runs("setup", "--undo", str(older), **ON)
    kept = meta.state.get_started(PAGE)
    runs("setup", **ON)
    runs("setup", "--undo", str(first), **ON)

    assert "GET_STARTED" == kept
    assert meta.state.get_started(PAGE) is None


@pytest.mark.usefixtures("server")
def test_a_button_that_meta_refuses_leaves_nothing_half_done(
    meta: Emulator, runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_state: State, _page_id: str, _payload: str | None) -> None:
        raise bad_parameter("no")

    meta.state.set_linking_url(PAGE, "https://before.example")
    monkeypatch.setattr(State, "set_get_started", refuse)

    result = runs("setup", **ON)

    assert 1 == result.exit_code
    assert "Everything at Meta is as it was before." in result.output
    assert "https://before.example" == meta.state.linking_url(PAGE)
    assert () == meta.state.page_fields(PAGE)


@pytest.mark.usefixtures("sound")
def test_a_sound_installation_has_no_warning(runs: Runs) -> None:
    runs("setup", **ON)

    found = lines(runs, **ON)

    assert {"ok"} == {
        line["verdict"] for line in found.values() if "standby" not in line["subject"]
    }
    assert "is shown" in found[f"Get Started of page {PAGE}"]["words"]


@pytest.mark.usefixtures("sound")
def test_doctor_names_fields_that_are_not_subscribed(meta: Emulator, runs: Runs) -> None:
    runs("setup", **ON)
    meta.state.set_page_fields(PAGE, ("messages", "messaging_account_linking"))

    line = lines(runs, **ON)[f"subscription of page {PAGE}"]

    assert "fault" == line["verdict"]
    assert "messaging_postbacks, messaging_referrals" in line["words"]
    assert "threadlink setup" == line["mend"]


@pytest.mark.usefixtures("sound")
def test_doctor_names_a_missing_button_and_a_page_that_is_not_published(
    meta: Emulator, runs: Runs
) -> None:
    runs("setup", **ON)
    meta.state.set_get_started(PAGE, None)
    meta.faults.turn_on("page-unpublished")

    found = lines(runs, **ON)

    button, page = found[f"Get Started of page {PAGE}"], found[f"page {PAGE}"]
    assert "warning" == button["verdict"] == page["verdict"]
    assert f"set-get-started --page {PAGE}" in button["mend"]
    assert "not published" in page["words"]


@pytest.mark.usefixtures("sound")
def test_where_graph_does_not_tell_whether_it_is_published_nothing_is_said(
    platform: Platform, runs: Runs
) -> None:
    runs("setup", **ON)
    platform.errors["is_published"] = {"code": 10, "message": "(#10) no", "type": "OAuthException"}

    found = lines(runs, **ON)

    assert f"page {PAGE}" not in found


@pytest.mark.usefixtures("sound")
@pytest.mark.parametrize(("invited", "verdict"), [("0", "warning"), ("1", "ok")])
def test_a_page_in_europe_is_a_warning_where_there_is_no_other_way(
    invited: str, verdict: str, meta: Emulator, runs: Runs
) -> None:
    runs("setup", INVITATIONS=invited)
    meta.faults.turn_on("europe-page")

    line = lines(runs, INVITATIONS=invited)[f"region of page {PAGE}"]

    assert verdict == line["verdict"]
    assert ("INVITATIONS=1" in line["mend"]) is (invited == "0")


@pytest.mark.usefixtures("sound")
def test_doctor_makes_one_profile_call_for_each_page(meta: Emulator, runs: Runs) -> None:
    """Meta allows ten in ten minutes."""
    runs("setup", **ON)
    before = profile_calls(meta)

    lines(runs, **ON)

    assert 1 == profile_calls(meta) - before


@pytest.mark.usefixtures("server")
def test_get_started_is_set_and_removed_by_hand(meta: Emulator, runs: Runs) -> None:
    first = runs("messenger", "set-get-started")
    is_set = meta.state.get_started(PAGE)
    runs("messenger", "set-get-started", "HELLO")
    changed = meta.state.get_started(PAGE)
    runs("messenger", "clear-get-started")

    assert 0 == first.exit_code, first.output
    assert ("GET_STARTED", "HELLO") == (is_set, changed)
    assert meta.state.get_started(PAGE) is None
    assert meta.state.get_started(OTHER_PAGE) is None


def profile_calls(meta: Emulator) -> int:
    return sum("messenger_profile" in e.exchange.url for e in meta.journal.entries())


@pytest.mark.usefixtures("sound")
@pytest.mark.parametrize("opened", ["0", "1"])
def test_a_password_form_for_everybody_is_a_warning(opened: str, runs: Runs) -> None:
    found = lines(runs, **ON, CONNECT_PAGE=opened)

    assert ("connect page" in found) is (opened == "1")
    assert opened == "0" or "warning" == found["connect page"]["verdict"]
