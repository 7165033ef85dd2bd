"""npm's oidc-provider, which the OpenID Foundation has certified, on this machine."""

import html
import json
import re
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self
from urllib.parse import parse_qsl, urljoin, urlsplit

import requests

from tests.node import NODE, installed

CLIENT_ID: Final = "threadlink"
CLIENT_SECRET: Final = "s3cret:of/ours"
_PATIENCE_S: Final = 30


@dataclass(frozen=True, slots=True)
class Certified:
    """A provider that takes any name and any password; `configure` comes before all else."""

    process: subprocess.Popen[str]

    def configure(self, callback_url: str, *, client: Mapping[str, Any] = {}, **more: Any) -> str:
        """Return the issuer, which now has one client, with *client* and *more* of its options."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        ours = {
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
            "redirect_uris": [callback_url],
            **client,
        }
        self.process.stdin.write(json.dumps({"clients": [ours], **more}) + "\n")
        self.process.stdin.flush()
        # Before its address it warns that it is not for production.
        return next(line for line in self.process.stdout if line.startswith("http://")).strip()


@contextmanager
def certified_provider() -> Iterator[Certified]:
    """Yield a provider that runs until the block ends."""
    server = installed(Path(__file__).parent) / "server.js"
    with subprocess.Popen(  # noqa: S603 - a program of the tests' own
        [NODE, str(server)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={},
    ) as process:
        try:
            yield Certified(process)
        finally:
            process.kill()


class Visitor:
    """A person's browser at the provider, with its cookies."""

    def __init__(self) -> None:
        self._session = requests.Session()
        self._session.trust_env = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._session.close()

    def goes(self, url: str, callback_url: str, *, consents: bool = True) -> dict[str, str]:
        """Return the parameters of the way back, after signing in as jane where that is asked."""
        url = self._follows(url, callback_url)
        while not url.startswith(callback_url):
            page = self._get(url).text
            if 'name="login"' in page:
                form = {"prompt": "login", "login": "jane", "password": "anything"}
                url = self._follows(url, callback_url, _action(url, page), form)
            elif consents:
                url = self._follows(url, callback_url, _action(url, page), {"prompt": "consent"})
            else:
                (cancel,) = re.findall(r'href="([^"]*/abort)"', page)
                url = self._follows(urljoin(url, cancel), callback_url)
        return dict(parse_qsl(urlsplit(url).query))

    def _get(self, url: str) -> requests.Response:
        return self._session.get(url, allow_redirects=False, timeout=_PATIENCE_S)

    def _follows(
        self, url: str, callback_url: str, action: str = "", form: Mapping[str, str] | None = None
    ) -> str:
        """Return where redirects lead from *url*, or from *action* with *form*: a page, or back."""
        if form is None:
            answer = self._get(url)
        else:
            answer = self._session.post(
                action, data=form, allow_redirects=False, timeout=_PATIENCE_S
            )
            url = action
        while answer.is_redirect:
            url = urljoin(url, answer.headers["Location"])
            if url.startswith(callback_url):
                return url
            answer = self._get(url)
        answer.raise_for_status()
        return url


def _action(url: str, page: str) -> str:
    (action,) = re.findall(r'<form[^>]* action="([^"]+)"', page)
    return urljoin(url, html.unescape(action))
