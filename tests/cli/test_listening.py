"""The address to listen on: taken for what it means, or refused without a traceback."""

import socket

import click
import pytest
from click.testing import CliRunner

from app.cli.listening import listen_address
from app.cli.serve import serve
from tests.installation import ENVIRONMENT
from tests.ports import free_port


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("localhost", "127.0.0.1"),
        ("0.0.0.0", "0.0.0.0"),  # noqa: S104 - as a container has it
        ("[::1]", "::1"),
        ("0:0:0:0:0:0:0:1", "::1"),
        ("::", "::"),
    ],
)
def test_an_address_is_taken_for_what_it_means(text: str, meant: str) -> None:
    assert meant == listen_address(None, None, text)


@pytest.mark.parametrize("text", ["*", "", "http://127.0.0.1", "127.0.0.1:8000", "[::1]:8000"])
def test_what_is_no_address_is_refused_with_the_spelling_that_is_wanted(text: str) -> None:
    with pytest.raises(click.BadParameter, match="must be an IP address"):
        listen_address(None, None, text)


def test_serve_says_which_port_is_in_use(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, text in ENVIRONMENT.items():
        monkeypatch.setenv(name, text)
    port = free_port()
    with socket.create_server(("127.0.0.1", port)):
        result = CliRunner().invoke(serve, ["--port", str(port)])

    assert 1 == result.exit_code
    assert f"port {port} is in use" in result.output
    assert "Traceback" not in result.output
