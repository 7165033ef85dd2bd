from flask import Flask
from flask.testing import FlaskClient

from app.emulator import EmulatorSettings
from app.emulator.settings import app_scoped_id_for, psid_for
from tests.emulator.conftest import PAGE, error


def test_only_the_app_is_told_the_psids_of_a_person(
    app: Flask, graph: FlaskClient, settings: EmulatorSettings
) -> None:
    person = settings.people[0]
    path = f"/v26.0/{app_scoped_id_for(settings, person)}/ids_for_pages"
    token = {"access_token": f"{settings.app_id}|{settings.app_secret}"}
    client = app.test_client()

    told = client.get(path, query_string=token).get_json()["data"]
    unknown = client.get("/v26.0/7/ids_for_pages", query_string=token)
    by_page = graph.get(path)

    assert (PAGE, psid_for(settings, PAGE, person)) in {
        (row["page"]["id"], row["id"]) for row in told
    }
    assert 100 == error(unknown)["code"]
    assert "data" not in by_page.get_json()
