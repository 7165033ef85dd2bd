from flask import Flask
from flask.testing import FlaskClient

from app.emulator import EmulatorSettings
from tests.emulator.conftest import PAGE, error

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
