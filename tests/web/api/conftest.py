import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from app.api_keys import service as keys
from app.api_keys.service import SCOPES, Scope
from app.infra import clock
from app.linking.models import Link
from app.messenger.types import PageId
from app.services.container import Services
from tests.browsers import Answer, InProcess
from tests.installation import ANA, NOON, PAGE, PUBLIC_URL


class Caller:
    """A program of the business, with a key."""

    def __init__(self, app: Flask, key: str) -> None:
        self._browser = InProcess(app, PUBLIC_URL)
        self.key = key

    def __call__(self, method: str, path: str, **body: Any) -> Answer:
        given = json.dumps(body).encode() if body else None
        return self.sends(method, path, given)

    def sends(
        self, method: str, path: str, body: bytes | None, kind: str = "application/json"
    ) -> Answer:
        headers = {"Authorization": f"Bearer {self.key}"}
        if body is not None:
            headers["Content-Type"] = kind
        return self._browser(method, f"/api/v1{path}", body=body, headers=headers)


Holder = Callable[..., Caller]


@pytest.fixture
def holder(app: Flask, services: Services) -> Holder:
    """Return a factory of callers with a key for *scopes*, on all pages or on *page_id*."""

    def make(*scopes: Scope, page_id: str | None = None) -> Caller:
        key = services.write(
            keys.issue,
            "bot",
            scopes=scopes,
            page_id=page_id,
            issuer="local" if keys.INVITE in scopes else None,
            expires_at=None,
            at=clock.now(),
        )
        return Caller(app, key)

    return make


@pytest.fixture
def bot(holder: Holder) -> Caller:
    return holder(*SCOPES)


def add_link(services: Services, psid: str = ANA, page_id: PageId = PAGE, **changed: Any) -> None:
    """Insert a link of Jane's directly."""
    row: Mapping[str, Any] = {
        "issuer": "local",
        "subject": "jane",
        "display_name": "j•••@example.com",
        "messenger_name": "Ana Berg",
        "state": "linked",
        "version": 7,
        "event_at": NOON,
        "cause": "messenger",
        "reference": "q3m9-7d2k",
        **changed,
    }

    def add(session: Session) -> None:
        session.add(Link(page_id=page_id, psid=psid, **row))

    services.write(add)


def said(answer: Answer) -> Any:
    """Return the decoded JSON of *answer*."""
    return json.loads(answer.body)
