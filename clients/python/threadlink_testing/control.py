"""The client of the emulator's control API."""

from typing import Any

import requests

TIMEOUT_SECONDS = 60


class EmulatorError(Exception):
    """The emulator did not start, or refused a call."""


class ControlClient:
    """Calls the control API at *url* with its key, past any proxy of the environment."""

    def __init__(self, url: str, key: str) -> None:
        self._url = url
        self._headers = {"Authorization": f"Bearer {key}"}
        self._session = requests.Session()
        self._session.trust_env = False

    def call(self, method: str, path: str, **content: Any) -> Any:
        """Send *content* as JSON and return the JSON answer; None when it has no body.

        Raises:
            EmulatorError: The emulator refused the call; the message says why.
        """
        response = self._session.request(
            method,
            self._url + path,
            json=content or None,
            headers=self._headers,
            timeout=TIMEOUT_SECONDS,
        )
        answer = response.json() if response.content else None
        if not response.ok:
            raise EmulatorError(answer["error"] if answer else f"answered {response.status_code}")
        return answer
