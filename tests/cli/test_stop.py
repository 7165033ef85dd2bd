"""The order in which `run` and the demo stop."""

import socket
import threading

import pytest
import requests

from app.cli import serving
from app.services import background
from app.services.container import Services

MORE_THAN_A_POLL_OF_THE_SERVER = 0.2


def test_the_server_answers_until_the_worker_has_ended(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bot that is handed its last message can still ask who wrote it."""
    answers: list[int] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/healthz"

        def deliver_the_last_message(
            _services: Services, stop: threading.Event, _say: object
        ) -> None:
            stop.wait()
            server = next(thread for thread in threading.enumerate() if thread.name == "server")
            server.join(MORE_THAN_A_POLL_OF_THE_SERVER)
            answers.append(requests.get(url, timeout=2).status_code)

        monkeypatch.setattr(background, "run", deliver_the_last_message)
        with serving.serving(services, listener):
            pass

    assert [200] == answers
