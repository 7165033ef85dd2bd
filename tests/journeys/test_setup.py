"""From an empty database to a link, as docs/going-live.md goes: serve, setup, Log In, doctor."""

import csv
import json
import secrets

from tests.journeys.mobile_browser import MobileBrowser
from tests.journeys.program import Threadlink
from tests.journeys.test_by_hand import JANE, PASSWORD, filled
from tests.ports import free_port


def test_after_setup_a_tap_on_log_in_ends_in_a_link(
    threadlink: Threadlink, phone: MobileBrowser
) -> None:
    port = free_port()
    public_url = f"http://127.0.0.1:{port}"
    # Meta knows nothing of the server: no webhook, no subscription, no address for Log In.
    with threadlink.serves("emulator", "--json", "--port", "0") as emulator:
        there = emulator.described
        ana = there["pages"][0]["people"][0]
        own = {"SECRET_KEY": secrets.token_urlsafe(48), "PUBLIC_URL": public_url}
        (threadlink.folder / ".env").write_text(filled({**there["env"], **own}))
        threadlink.runs("db", "upgrade")
        threadlink.runs("accounts", "add", "--by-owner", JANE, typed=f"{PASSWORD}\n")
        with threadlink.serves("serve", "--port", str(port)) as server:
            told = threadlink.runs("setup")

            phone.opens(ana["chat_url"])
            phone.taps("Details of this chat")
            phone.taps("Log In")
            phone.signs_in(JANE, PASSWORD)
            phone.taps("Connect")
            phone.taps("Back to the chat")
            phone.sees("You logged in to Harbour Coffee.")
            # The chat keeps itself fresh, and would miss the emulator.
            phone.opens("about:blank")

            (link,) = csv.DictReader(threadlink.runs("links", "export").splitlines())
            again = threadlink.runs("setup")
            found = json.loads(threadlink.runs("doctor", "--json"))
            assert 0 == server.stops()[0]
        assert 0 == emulator.stops()[0]
    assert f"becomes {public_url}/webhook (messaging_account_linking, business_integrity)" in told
    assert "Done. To undo: threadlink setup --undo instance/setup-undo-" in told
    assert "Nothing to change" in again
    # What docs/going-live.md wants before an app is published, and after its review.
    assert [] == [line for line in found if line["verdict"] != "ok"]
    words = {line["subject"].rpartition(" of page ")[0]: line["words"] for line in found}
    assert "Messenger tells them, by their profiles" == words["names of people"]
    assert "Meta restricts nothing" == words["standing"]
    assert (ana["psid"], "local", "linked") == (link["psid"], link["issuer"], link["state"])
