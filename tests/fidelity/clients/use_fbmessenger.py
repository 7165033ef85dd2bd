"""Every linking call that fbmessenger supports."""

import json
import os
from collections.abc import Callable
from typing import Any

from fbmessenger import MessengerClient  # type: ignore[import-not-found]  # lives in the cache

given = json.loads(os.environ["FIDELITY"])
client = MessengerClient(given["token"], app_secret=given["app_secret"])
client.graph_url = f"{given['graph_url']}/v26.0"


def tell(call: str, made: Callable[[], Any]) -> None:
    if given.get("only") not in {None, call}:
        return
    try:
        answer = made()
    except Exception as exc:  # noqa: BLE001 - any exception of the library is its answer
        answer = {"failed": f"{type(exc).__name__}: {exc}"}
    print(json.dumps({"call": call, "answer": answer}))


def buttons(text: str, button: dict[str, str]) -> dict[str, Any]:
    payload = {"template_type": "button", "text": text, "buttons": [button]}
    return {"attachment": {"type": "template", "payload": payload}}


login = {"type": "account_link", "url": given["login_url"]}
psid = given["psid"]
profile = {"account_linking_url": given["login_url"]}
tell("set linking url", lambda: client.set_messenger_profile(profile))
tell("psid", lambda: client.link_account(given["linking_token"]))
tell("send Log In", lambda: client.send(buttons("Log in", login), psid))
tell("send Log Out", lambda: client.send(buttons("Log out", {"type": "account_unlink"}), psid))
tell("sender action", lambda: client.send_action("typing_on", psid))
tell("profile", lambda: client.get_user_data(psid))
tell("unlink", lambda: client.unlink_account(psid))
tell("subscribe page", client.subscribe_app_to_page)
