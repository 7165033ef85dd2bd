"""The call ids_for_pages: the Pages that know a person of an app-scoped id, with the PSID on each.

The shape of the answer: https://github.com/fbsamples/messenger-node, lib/id-matching.js
"""

from typing import Any

from app.emulator.graph.call import AppCall
from app.emulator.graph.problems import unknown_object
from app.emulator.settings import app_scoped_id_for


def ids_for_pages(call: AppCall, user_id: str) -> dict[str, Any]:
    """Return the PSIDs of the person whom the app knows as *user_id*; the caller is the app."""
    settings = call.emulator.settings
    people = {app_scoped_id_for(settings, person): person for person in settings.people}
    person = people.get(user_id)
    if person is None:
        raise unknown_object("GET", user_id)
    names = {page.id: page.name for page in settings.pages}
    threads = (thread for thread in call.emulator.state.every_thread() if thread.person == person)
    rows = [
        {"id": thread.psid, "page": {"name": names[thread.page_id], "id": thread.page_id}}
        for thread in threads
    ]
    return {"data": rows}
