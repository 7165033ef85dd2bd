"""A person whose browser the test can also use by hand, as an attacker would."""

import re
from collections.abc import Mapping
from html import unescape

from flask import Flask

from tests.actors import Graph, Person, log_in
from tests.browsers import Answer, Form, InProcess
from tests.installation import ANA, PUBLIC_URL


class PageVisitor(Person):
    """A person with a browser of their own."""

    def __init__(self, app: Flask, *, keeps_cookies: bool = True, origin: str = PUBLIC_URL) -> None:
        self.browser = InProcess(app, origin, keeps_cookies=keeps_cookies)
        super().__init__(self.browser)

    def sends(self, form: Form, *, headers: Mapping[str, str] | None = None, **more: str) -> Answer:
        """Send *form*, wherever it was copied from, out of this browser."""
        self.sees = self.browser("POST", form.action, body={**form.fields, **more}, headers=headers)
        return self.sees

    @property
    def reads(self) -> str:
        """Return the words of the page in front of this person."""
        return words_of(self.sees)


def words_of(answer: Answer) -> str:
    """Return what *answer* says to whoever reads it, tags taken out."""
    # A name stands within its sentence; everything else is on a line of its own.
    without_names = re.sub(r"</?bdi[^>]*>", "", answer.text)
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", without_names)).split())


def without_time_left(page: str) -> str:
    """Return *page* less the seconds for which it still works."""
    return re.sub(r'data-seconds-left="[0-9]+"', "", page)


def refusal(app: Flask, graph: Graph, username: str, password: str) -> tuple[int, str, str]:
    """Return status, headers and page of a failed sign-in, less what is the attempt's."""
    login = log_in()
    graph.knows(login, ANA)
    person = PageVisitor(app)
    person.taps_log_in(login)
    form = person.sees.form("Log in")
    answer = person.signs_in(username, password)
    reference = answer.text.split('Reference <bdi dir="ltr">')[1].split("<")[0]
    body = without_time_left(answer.text)
    for own in (form.action, form.fields["form_token"], reference, username):
        body = body.replace(own, "")
    headers = {name: value for name, value in answer.headers.items() if name != "content-length"}
    return answer.status, str(sorted(headers.items())), body
