"""An incident is told from the log alone: who tried what, from where, and what came of it."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, TypeAlias

import pytest
import responses
from sqlalchemy import URL

from app.api_keys import service as keys
from app.cli.listening import listening
from app.cli.serving import serving
from app.infra import clock
from app.services.container import Services, build
from tests.actors import Graph, Messenger, Person, linked, log_in
from tests.browsers import OverSockets
from tests.installation import BEN, PAGE, PASSWORD, USERNAME, add_jane, settings_for

Line: TypeAlias = Mapping[str, Any]

THIEF: Final = "203.0.113.7"
BOT: Final = "198.51.100.20"
TYPED: Final = ("correct horse battery", "hunter2 hunter2 hunter2")


def test_a_takeover_is_told_from_the_log(database: URL, capfd: pytest.CaptureFixture[str]) -> None:
    """R111; OWASP ASVS 5.0, 16.2.1, 16.3.1, 16.3.2."""
    with _serving(database) as (services, graph):
        subject = add_jane(services)
        key_id = _it_happens(services, graph, subject)

    said = capfd.readouterr().err
    lines = [json.loads(line) for line in said.splitlines()]
    made = _one(lines, "link.made", psid=BEN)
    of_the_attempt = {"reference": made["reference"]}

    refused = [line for line in lines if _is(line, "sign_in.refused", **of_the_attempt)]
    assert [(THIEF, "local")] * len(TYPED) == [
        (line["address"], line["authenticator"]) for line in refused
    ]
    done = _one(lines, "sign_in.done", **of_the_attempt)
    assert (THIEF, "local", subject) == (done["address"], done["issuer"], done["subject"])
    assert THIEF == _one(lines, "attempt.not_confirmed", **of_the_attempt)["address"]
    assert THIEF == _one(lines, "attempt.confirmed", **of_the_attempt)["address"]
    scope = _one(lines, "api.scope_refused", key=key_id)
    assert (BOT, "messages:send") == (scope["address"], scope["scope"])
    ended = _one(lines, "link.ended", **of_the_attempt)
    assert (BOT, key_id, BEN, "api") == tuple(
        ended[name] for name in ("address", "key", "psid", "cause")
    )
    times = [line["timestamp"] for line in (*refused, done, made, ended)]
    assert sorted(times) == times
    # What was typed is not in it, be it wrong, right or a name.
    assert not [text for text in (*TYPED, PASSWORD, USERNAME) if text in said]


def _it_happens(services: Services, graph: Graph, subject: str) -> str:
    """Let a thief guess, sign in and link; return the id of the key that ends the link."""
    url = services.settings.public_url
    thief = Person(OverSockets(url, {"X-Forwarded-For": THIEF}))
    login = log_in()
    graph.knows(login, BEN)
    thief.taps_log_in(login)
    for password in TYPED:
        thief.signs_in(password=password)
    thief.signs_in()
    question = thief.sees
    thief.presses("Connect", question="of another page")
    thief.sees = question
    Messenger(OverSockets(url)).tells(linked(BEN, thief.connects(), clock.now()))
    key = services.write(
        keys.issue,
        "bot",
        scopes=("links:read", "links:write"),
        page_id=None,
        expires_at=None,
        at=clock.now(),
    )
    bot = OverSockets(url, {"X-Forwarded-For": BOT, "Authorization": f"Bearer {key}"})
    button = b'{"kind": "login", "psid": "1", "text": "Log in"}'
    bot(
        "POST",
        f"/api/v1/pages/{PAGE}/buttons",
        body=button,
        headers={"Content-Type": "application/json"},
    )
    bot("DELETE", f"/api/v1/links?issuer=local&subject={subject}")
    return str(services.read(keys.find_id, key))


@contextmanager
def _serving(database: URL) -> Iterator[tuple[Services, Graph]]:
    """Serve behind one proxy, with the log that is shipped."""
    with (
        responses.RequestsMock(assert_all_requests_are_fired=False) as edge,
        listening("127.0.0.1", 0) as listener,
    ):
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        edge.add_passthru(url)
        changed = {"PUBLIC_URL": url, "LOG_LEVEL": "info", "TRUSTED_PROXIES": "1"}
        services = build(settings_for(database, **changed))
        try:
            with serving(services, listener):
                yield services, Graph(edge)
        finally:
            services.close()


def _is(line: Line, event: str, **fields: str) -> bool:
    return line["event"] == event and all(line.get(name) == fields[name] for name in fields)


def _one(lines: list[Line], event: str, **fields: str) -> Line:
    (line,) = (line for line in lines if _is(line, event, **fields))
    return line
