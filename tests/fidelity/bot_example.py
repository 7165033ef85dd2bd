"""Runs a bot of docs/bots.md behind `threadlink serve`, and checks that it asks and is notified.

    python -m tests.fidelity.bot_example COMMAND …

COMMAND starts a bot in any language that reads its settings from the environment, as the examples
of that page do: PORT, APP_SECRET, THREADLINK_URL, THREADLINK_KEY, BOT_WEBHOOK_SECRET. It serves
/messenger and /notices, and prints the same lines as the examples.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from sqlalchemy import URL

from app.infra import clock
from app.infra.database import schema
from app.infra.database.engine import make_engine
from app.infra.settings.database_url import database_url
from app.services.container import build
from tests import bot as bots
from tests import shipped
from tests.actors import Messenger, linked, message
from tests.bot import Bot, Received, Reply
from tests.browsers import OverSockets
from tests.docs.hostile_requests import cut_off, status_of, unsigned
from tests.drills.load_generator import prepare
from tests.drills.server_and_worker import SECRET
from tests.fidelity.program_cache import command_for
from tests.fidelity.programs import Program
from tests.installation import ANA, BEN, ENVIRONMENT, settings_for
from tests.linking.factories import JANE, confirmed
from tests.ports import free_port

_SECONDS = 30
_PAGE = Path(__file__).parents[2] / "docs" / "bots.md"
_CLIENT = _PAGE.parents[1] / "clients/node/threadlink.mjs"
_EXPRESS = re.compile(r"^## Express\n.*?```js\n(.*?)```", re.DOTALL | re.MULTILINE)
EXPRESS = Program(name="express", registry="npm", version="5.1.0", script="bot.mjs")


def express_example() -> dict[str, bool]:
    """Run the example for Express as copied from the page; return each check with its result."""
    example = _EXPRESS.search(_PAGE.read_text(encoding="utf-8"))
    _, folder = command_for(EXPRESS)
    (folder / "bot.mjs").write_text(example[1] if example else "", encoding="utf-8")
    shutil.copy(_CLIENT, folder)
    return converse(["node", "bot.mjs"], folder)


def converse(command: Sequence[str], folder: Path) -> dict[str, bool]:
    """Run the bot *command* in *folder*; return each check with its result."""
    with tempfile.TemporaryDirectory() as own, bots.running() as graph:
        graph.reply = _send
        database = database_url(f"sqlite:///{own}/threadlink.sqlite")
        engine = make_engine(database)
        schema.upgrade(engine)
        engine.dispose()
        key, port = prepare(database), free_port()
        settings = {
            "GRAPH_URL": graph.url,
            "BOT_MESSENGER_URL": f"http://127.0.0.1:{port}/messenger",
            "BOT_WEBHOOK_URL": f"http://127.0.0.1:{port}/notices",
            "BOT_WEBHOOK_SECRET": SECRET,
        }
        with shipped.serving(database, **settings) as server:
            environment = {
                **os.environ,
                "PORT": str(port),
                "APP_SECRET": ENVIRONMENT["APP_SECRET"],
                "THREADLINK_URL": server.origin,
                "THREADLINK_KEY": key,
                "BOT_WEBHOOK_SECRET": SECRET,
            }
            log = Path(own, "bot.log")
            with log.open("w", encoding="utf-8") as output:
                process = subprocess.Popen(
                    command, cwd=folder, env=environment, stdout=output, stderr=output
                )
            try:
                messenger = Messenger(OverSockets(server.origin))
                does = _talk(messenger, database, graph, log)
                does["refuses what is not signed"] = _refuses_strangers(port)
                messenger.tells(message(ANA, "hi", clock.now()))
                known = f"known: {JANE.subject}"
                does["lives on after that"] = _until(
                    lambda: 1 < log.read_text(encoding="utf-8").count(known)
                )
                return does
            finally:
                process.terminate()
                process.wait()
                print(log.read_text(encoding="utf-8"))


def report(does: dict[str, bool]) -> bool:
    """Print each check with its result; return whether all passed."""
    for what, is_done in does.items():
        print(f"{what}: {'yes' if is_done else 'NO'}")
    return all(does.values())


def _talk(messenger: Messenger, database: URL, graph: Bot, log: Path) -> dict[str, bool]:
    does = {"starts": _comes(log, "ready")}
    messenger.tells(message(BEN, "hi", clock.now()))
    does["offers Log In to a stranger"] = _until(lambda: any(_is_button(r) for r in graph.received))
    services = build(settings_for(database))
    code = services.write(confirmed, psid=ANA, as_=JANE, at=clock.now())
    services.close()
    messenger.tells(linked(ANA, code, clock.now()))
    does["receives the notice of the link"] = _comes(log, f"link.created {ANA} {JANE.subject}")
    messenger.tells(message(ANA, "hi", clock.now()))
    does["knows the person"] = _comes(log, f"known: {JANE.subject}")
    return does


def _refuses_strangers(port: int) -> bool:
    """Return whether no request that a stranger can make is answered with success."""
    webhooks = {
        "/messenger": ("X-Hub-Signature-256",),
        "/notices": ("webhook-id", "webhook-timestamp", "webhook-signature"),
    }
    statuses = set()
    for path, headers in webhooks.items():
        statuses |= {status_of(port, sent) for sent in unsigned(path, headers)}
        statuses |= {status_of(port, sent, goes_away=True) for sent in cut_off(path)}
    print(f"answers to strangers: {statuses}")
    return all(status is None or 400 <= status < 500 for status in statuses)


def _send(_: Received) -> Reply:
    return Reply(body=b'{"recipient_id": "1", "message_id": "m_1"}')


def _is_button(asked: Received) -> bool:
    return b"account_link" in asked.body and BEN.encode() in asked.body


def _comes(log: Path, words: str) -> bool:
    return _until(lambda: words in log.read_text(encoding="utf-8"))


def _until(is_so: Callable[[], bool]) -> bool:
    tick = threading.Event()
    for _ in range(_SECONDS * 20):
        if is_so():
            return True
        tick.wait(0.05)
    return False


if __name__ == "__main__":
    sys.exit(not report(converse(sys.argv[1:], Path.cwd())))
