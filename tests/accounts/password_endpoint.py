"""A business's endpoint that checks passwords: the examples of the documentation, and a stub."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from ssl import SSLContext
from threading import Event, Thread
from typing import Final

from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

from tests.node import NODE

SECRET: Final = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
PROGRAMS: Final = {"python": sys.executable, "js": NODE}
_DOCS: Final = Path(__file__).parents[2] / "docs/authenticators.md"


@dataclass
class Endpoint:
    """An endpoint whose answer a test sets."""

    url: str = ""
    answer: Response = field(default_factory=lambda: Response("{}", status=500))
    hangs: bool = False
    over: Event = field(default_factory=Event)
    asked: list[Request] = field(default_factory=list)

    def __call__(self, request: Request) -> Response:
        request.get_data()
        self.asked.append(request)
        if self.hangs:
            self.over.wait()
        return self.answer


@contextmanager
def answering(tls: SSLContext | None = None) -> Iterator[Endpoint]:
    """Yield an endpoint at its address, until the block ends."""
    endpoint = Endpoint()
    application = Request.application(endpoint)
    server = make_server("127.0.0.1", 0, application, threaded=True, ssl_context=tls)
    endpoint.url = f"{'https' if tls else 'http'}://127.0.0.1:{server.port}/check"
    thread = Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield endpoint
    finally:
        endpoint.over.set()
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def example(language: str) -> Iterator[str]:
    """Yield the address of the example in *language*, which knows jane@example.com."""
    (code,) = re.findall(rf"```{language}\n(.*?)```", _DOCS.read_text(encoding="utf-8"), re.DOTALL)
    switches = ["-"] if language == "python" else ["--input-type=module", "-"]
    process = subprocess.Popen(  # noqa: S603 - our own documentation
        [PROGRAMS[language], *switches],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={"PATH": os.environ["PATH"], "SECRET": SECRET, "PORT": "0", "PYTHONUNBUFFERED": "1"},
    )
    try:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(code)
        process.stdin.close()
        yield process.stdout.readline().strip()
    finally:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()
