from datetime import timedelta

from flask import Flask
from flask.testing import FlaskClient

from app.emulator import EmulatorSettings
from app.emulator.context import Emulator
from tests.emulator.conftest import PAGE, Person, error

TOKEN = "EAAharbour-token-0123456789"


def test_debug_token_tells_the_app_what_a_token_is(
    app: Flask, graph: FlaskClient, settings: EmulatorSettings
) -> None:
    app_token = {"access_token": f"{settings.app_id}|{settings.app_secret}"}
    client = app.test_client()

    page = client.get("/debug_token", query_string={**app_token, "input_token": TOKEN}).get_json()
    unknown = client.get("/v26.0/debug_token", query_string={**app_token, "input_token": "x"})
    by_page = graph.get("/debug_token", query_string={"input_token": TOKEN})

    assert (True, "PAGE", PAGE) == tuple(
        page["data"][name] for name in ("is_valid", "type", "profile_id")
    )
    assert {"pages_messaging", "pages_show_list"} <= set(page["data"]["scopes"])
    assert 190 == unknown.get_json()["data"]["error"]["code"]
    assert not unknown.get_json()["data"]["is_valid"]
    assert 100 == error(by_page)["code"]
    assert TOKEN not in by_page.text


def test_the_access_to_data_ends_before_the_token_does(
    app: Flask, graph: FlaskClient, settings: EmulatorSettings, emulator: Emulator, ana: Person
) -> None:
    """After 90 days; the fault has it end: the token stays valid, and profiles are withheld."""
    asked = {"access_token": f"{settings.app_id}|{settings.app_secret}", "input_token": TOKEN}
    client = app.test_client()

    def told() -> dict[str, int]:
        content: dict[str, dict[str, int]] = client.get(
            "/debug_token", query_string=asked
        ).get_json()
        return content["data"]

    before = told()
    emulator.faults.turn_on("data-access-over")
    after = told()
    profile = graph.get(f"/v26.0/{ana.psid}?fields=name")

    assert timedelta(days=90).total_seconds() == (
        before["data_access_expires_at"] - before["issued_at"]
    )
    assert 0 < after["data_access_expires_at"] < after["issued_at"]
    assert (True, 0) == (after["is_valid"], after["expires_at"])
    assert (100, 2018247) == (error(profile)["code"], error(profile)["error_subcode"])
    assert "Ana" not in profile.text
