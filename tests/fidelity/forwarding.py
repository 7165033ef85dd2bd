"""Checks that bots that others wrote accept the deliveries that Threadlink forwards.

    python -m tests.fidelity.forwarding [CACHE]

Installs npm bootbot, botbuilder-adapter-facebook and express, and PyPI fbmq, into CACHE (default:
~/.cache/threadlink-receivers), outside of this tree; starts each behind its own Threadlink; posts a
delivery as Messenger would.
"""

import hmac
import os
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

import requests

from tests.actors import delivery, message
from tests.installation import ANA, ENVIRONMENT, NOON
from tests.ports import free_port

HERE: Final = Path(__file__).parent / "forwarding_bots"
FROM_NPM: Final = {
    f"{name} (npm)": ["node", str(HERE / f"{name}.js")]
    for name in ("bootbot", "botbuilder", "express")
}
PACKAGES: Final = ("bootbot", "express", "botbuilder-adapter-facebook", "botbuilder@4", "request@2")
DEFAULT_CACHE: Final = Path.home() / ".cache/threadlink-receivers"
PATIENCE_S: Final = 30
SECRET: Final = ENVIRONMENT["APP_SECRET"]
# Characters that Messenger escapes: the signature matches the exact bytes only.
WORDS: Final = "hi <there> 50% ünï"


def main(cache: Path) -> None:
    """Run each receiver; exit with an error if one does not read the event."""
    install_from_npm(cache)
    commands = {
        **FROM_NPM,
        "fbmq (PyPI)": [_python_with_fbmq(cache), str(HERE / "fbmq_bot.py")],
    }
    failed = [name for name, command in commands.items() if not _reads(name, command, cache)]
    raise SystemExit(f"not read by: {', '.join(failed)}" if failed else 0)


def install_from_npm(cache: Path) -> None:
    """Install the bots of `FROM_NPM` into the folder *cache*."""
    cache.mkdir(parents=True, exist_ok=True)
    (cache / "package.json").write_text('{"private": true}')
    command = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", *PACKAGES]
    subprocess.run(command, cwd=cache, check=True)


def _python_with_fbmq(cache: Path) -> str:
    python = str(cache / "v/bin/python")
    if not Path(python).exists():
        subprocess.run([sys.executable, "-m", "venv", str(cache / "v")], check=True)
    subprocess.run([python, "-m", "pip", "install", "--quiet", "fbmq", "flask"], check=True)
    return python


def _reads(name: str, command: list[str], cache: Path) -> bool:
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "bot.log"
        ports = free_port(), free_port()
        env = {**os.environ, "PORT": str(ports[1]), "APP_SECRET": SECRET}
        env["NODE_PATH"] = str(cache / "node_modules")
        with log.open("w") as output:
            bot = subprocess.Popen(command, env=env, stdout=output, stderr=output)
        server = _threadlink(Path(folder), ports)
        try:
            until_open(ports[0])
            until_open(ports[1])
            status = _post(ports[0])
            is_read = _until_logged(log, f"READ {ANA} {WORDS}")
        finally:
            for process in (bot, server):
                process.terminate()
                process.wait()
        print(f"{name}: Messenger got {status}, the bot {'read it' if is_read else 'did not'}")
        if not is_read:
            print(log.read_text())
        return is_read


def _threadlink(folder: Path, ports: tuple[int, int]) -> "subprocess.Popen[bytes]":
    env = {
        **os.environ,
        **ENVIRONMENT,
        "PUBLIC_URL": f"http://127.0.0.1:{ports[0]}",
        "DATABASE_URL": f"sqlite:///{folder}/threadlink.sqlite",
        "BOT_MESSENGER_URL": f"http://127.0.0.1:{ports[1]}/webhook",
    }
    program = str(Path(sys.executable).with_name("threadlink"))
    subprocess.run([program, "db", "upgrade"], env=env, cwd=folder, check=True)
    return subprocess.Popen([program, "run"], env=env, cwd=folder)


def _post(port: int) -> int:
    body = delivery(message(ANA, WORDS, NOON))
    macs = {kind: hmac.new(SECRET.encode(), body, kind).hexdigest() for kind in ("sha1", "sha256")}
    headers = {
        "Content-Type": "application/json",
        "X-Hub-Signature": f"sha1={macs['sha1']}",
        "X-Hub-Signature-256": f"sha256={macs['sha256']}",
    }
    url = f"http://127.0.0.1:{port}/webhook"
    return requests.post(url, data=body, headers=headers, timeout=10).status_code


def until_open(port: int) -> None:
    """Wait until a program listens on *port*."""
    for _ in range(PATIENCE_S * 10):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise SystemExit(f"nothing listens on {port}")


def _until_logged(log: Path, words: str) -> bool:
    for _ in range(PATIENCE_S * 10):
        if words in log.read_text():
            return True
        time.sleep(0.1)
    return False


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else DEFAULT_CACHE)
