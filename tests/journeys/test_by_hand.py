"""The set-up by hand, one command after another, against the emulator."""

import csv
import re
import secrets
from collections.abc import Mapping
from pathlib import Path

from tests.journeys.mobile_browser import MobileBrowser
from tests.journeys.program import Threadlink
from tests.ports import free_port

EXAMPLE = Path(__file__).parents[2] / ".env.example"
JANE, PASSWORD = "jane@example.com", "four gulls over a quiet harbour"


def test_a_developer_sets_up_by_hand_and_a_person_links(
    threadlink: Threadlink, phone: MobileBrowser
) -> None:
    public_url = f"http://127.0.0.1:{free_port()}"
    hears = ("--webhook-url", f"{public_url}/webhook")
    with threadlink.serves("emulator", "--json", "--port", "0", *hears) as emulator:
        there = emulator.described
        ana = there["pages"][0]["people"][0]
        own = {"SECRET_KEY": secrets.token_urlsafe(48), "PUBLIC_URL": public_url}
        (threadlink.folder / ".env").write_text(filled({**there["env"], **own}))

        assert "threadlink db upgrade" in threadlink.tries("run").stderr
        threadlink.runs("db", "upgrade")
        threadlink.runs("db", "status")
        threadlink.runs("accounts", "add", "--by-owner", JANE, typed=f"{PASSWORD}\n")
        threadlink.runs("messenger", "set-url")
        threadlink.runs("messenger", "send-button", ana["psid"])
        with threadlink.serves("run") as server:
            assert f"Serving {public_url}" in server.first_line
            phone.opens(ana["chat_url"])
            phone.taps("Log In")
            phone.signs_in(JANE, PASSWORD)
            reference = phone.reads(r"Reference (\S+)")
            phone.taps("Connect")
            phone.taps("Back to the chat")
            phone.sees("You logged in to Harbour Coffee.")

            story = threadlink.runs("attempts", "show", reference)
            (link,) = csv.DictReader(threadlink.runs("links", "export").splitlines())
            threadlink.runs("links", "unlink", ana["psid"])
            phone.sees("Harbour Coffee logged you out.")
            shown = threadlink.tries("links", "show", ana["psid"])
            # The chat keeps itself fresh, and would miss the emulator.
            phone.opens("about:blank")

            assert 0 == server.stops()[0]
        assert 0 == emulator.stops()[0]
    # By its name once the worker has asked Meta for it.
    page = rf"(?:Harbour Coffee|{link['page_id']})"
    assert re.search(rf"Attempt {reference} on page {page}: linked", story)
    assert (ana["psid"], "local", "linked") == (link["psid"], link["issuer"], link["state"])
    assert 1 == shown.returncode


def test_a_start_without_settings_names_all_that_is_missing(threadlink: Threadlink) -> None:
    refused = threadlink.tries("run")

    assert 1 == refused.returncode
    needed = ("SECRET_KEY", "PUBLIC_URL", "APP_ID", "APP_SECRET", "VERIFY_TOKEN", "PAGE_ID")
    assert [] == [name for name in needed if f"  {name} is not set\n" not in refused.stderr]


def filled(values: Mapping[str, str]) -> str:
    """Return `.env.example` as somebody has filled it in."""
    text = EXAMPLE.read_text()
    for name, value in values.items():
        text, found = re.subn(rf"(?m)^#?{name}=.*$", f"{name}={value}", text)
        assert found == 1, name
    return text
