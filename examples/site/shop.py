"""A shop's page with a button "Connect Messenger", which hands the browser over to Threadlink.

    pip install flask requests
    export THREADLINK_URL=… THREADLINK_KEY=… PAGE_ID=… SESSION_SECRET=…
    flask --app shop run --port 4000

THREADLINK_KEY: threadlink keys create site --scope links:invite --issuer local
"""

import os
from collections.abc import Mapping

import requests
from flask import Flask, render_template_string, session

FORM = """<!doctype html><title>Connect Messenger</title>
<form method="post" action="{{ url }}/connect/handoff">
<input type="hidden" name="token" value="{{ token }}"><button>Connect Messenger</button></form>"""


def create_app(settings: Mapping[str, str] = os.environ) -> Flask:
    """Return the shop; the session has subject and name of whoever has signed in there."""
    app = Flask("shop")
    app.secret_key = settings["SESSION_SECRET"]

    @app.get("/messenger")
    def messenger() -> tuple[str, int]:
        if "subject" not in session:
            return "Sign in first.", 403
        user = {"issuer": "local", "subject": session["subject"], "display_name": session["name"]}
        url, key = settings["THREADLINK_URL"], f"Bearer {settings['THREADLINK_KEY']}"
        body = {"page_id": settings["PAGE_ID"], **user}
        answer = requests.post(
            f"{url}/api/v1/invitations", json=body, headers={"Authorization": key}, timeout=10
        )
        answer.raise_for_status()
        token = answer.json()["handoff_token"]
        return render_template_string(FORM, url=url, token=token), 200

    return app
