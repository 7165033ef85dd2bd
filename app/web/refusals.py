"""The answers to what the gateway refuses, with the headers of every answer (R72)."""

import json

import structlog

from app.infra.settings.settings import Settings
from app.web import door_warnings, headers, paths
from app.web.fields import Fields
from app.web.problems.table import problem_with
from app.web.request_guard import came_by_https
from app.web.server.head import Scope
from app.web.server.limits import Refused
from app.web.server.wsgi import Answer, answer_of


class Refusals:
    """Answers for the API a problem by RFC 9457, and everybody else a status alone."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def __call__(self, scope: Scope, refused: Refused) -> Answer:
        """Return the answer to the request *scope*, and warn of what its sender cannot know."""
        settings, fields, status = self._settings, Fields(scope["headers"]), refused.status
        if refused.header is not None:
            door_warnings.warn_of_header(refused.header, refused.reason)
        path = scope["raw_path"].decode("latin-1")
        door_warnings.warn_if_misdirected(path, scope["query_string"], fields)
        is_secure = settings.is_production and came_by_https(scope["scheme"], fields, settings)
        common = headers.of_data(is_production=is_secure)
        if not scope["raw_path"].startswith(paths.API.encode()):
            return answer_of(status, common, b"")
        reference = structlog.contextvars.get_contextvars().get("reference")
        problem = problem_with(status, in_api=True).by_rfc_9457(reference=reference)
        common["Content-Type"] = "application/problem+json"
        return answer_of(status, common, json.dumps(problem).encode())
