"""Every linking call that fbmq supports."""

import json
import os
from typing import Any

from fbmq import Page, Template  # type: ignore[import-not-found]  # lives in the cache

given = json.loads(os.environ["FIDELITY"])


class EmulatedPage(Page):  # type: ignore[misc]  # the library has no types
    """A Page at the emulator: the library has Facebook's address in this method."""

    def _api_uri(self, sub: str) -> str:
        return f"{given['graph_url']}/v26.0/{sub}"


page = EmulatedPage(given["token"])


def tell(call: str, answer: Any) -> None:
    print(json.dumps({"call": call, "answer": answer}))


def sent(**buttons: Any) -> Any:
    return page.send(given["psid"], Template.AccountLink(text="Orders", **buttons)).json()


tell("send Log In", sent(account_link_url=given["login_url"]))
tell("send Log Out", sent(account_unlink_button=True))
tell("profile", page.get_user_profile(given["psid"]))
tell("page", {"id": page.page_id, "name": page.page_name})
