"""docs/bots.md: what it prints for a reader to type or to expect, as it stands there."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import URL

from app.api_keys import service as keys
from app.infra import clock
from app.linking.link_object import LinkObject
from app.services.container import Services
from tests import shipped
from tests.conftest import on_sqlite
from tests.fidelity.bot_example import converse
from tests.installation import ANA, BEN, PAGE
from tests.linking.factories import JANE, linked

TEXT = (Path(__file__).parents[2] / "docs" / "bots.md").read_text(encoding="utf-8")


def example(language: str) -> str:
    """Return the first example in *language*."""
    (found, *_) = re.findall(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)
    return str(found)


@on_sqlite
def test_the_curl_line_asks_who_somebody_is(database: URL, services: Services) -> None:
    """A bot in any language begins with it."""
    key = services.write(
        keys.issue, "bot", scopes=["links:read"], page_id=None, expires_at=None, at=clock.now()
    )
    services.write(_link)

    with shipped.serving(database) as server:

        def ask(psid: str) -> Any:
            settings = {"THREADLINK_KEY": key, "THREADLINK_URL": server.origin, "PAGE_ID": PAGE}
            done = subprocess.run(  # noqa: S603 - a line of our own page
                ["/bin/sh", "-c", example("sh")],
                env={"PATH": "/usr/bin:/bin", "PSID": psid, **settings},
                capture_output=True,
                check=True,
            )
            return json.loads(done.stdout)

        known, nobody = ask(ANA), ask(BEN)

    assert JANE.subject == known["subject"]
    assert 404 == nobody["status"]
    assert "subject" not in nobody


def test_the_link_object_is_shown_as_it_is() -> None:
    shown = json.loads(example("json"))

    assert list(LinkObject.__struct_fields__) == list(shown)
    assert "linked" == msgspec.convert(shown, LinkObject).state


def test_the_python_sample_asks_answers_and_is_notified(tmp_path: Path) -> None:
    """R98: beside a server, and it refuses what nobody signed."""
    (tmp_path / "bot.py").write_text(example("python"), encoding="utf-8")
    served = (
        "import os\nfrom werkzeug.serving import make_server\nfrom bot import app\n"
        "server = make_server('127.0.0.1', int(os.environ['PORT']), app, threaded=True)\n"
        "print('ready', flush=True)\nserver.serve_forever()"
    )

    assert {True} == set(converse([sys.executable, "-c", served], tmp_path).values())


def _link(session: Any) -> None:
    linked(session, at=clock.now())
