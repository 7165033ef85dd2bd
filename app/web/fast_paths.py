"""The fast paths: what is answered on the event loop, each by the part of the web that it is of."""

from typing import Final

from app.services.container import Services
from app.web import paths
from app.web.api import fast_path as api
from app.web.server.head import Scope
from app.web.server.wsgi import Answer
from app.web.webhook import fast_path as webhook

_API: Final = paths.API.encode()


class FastPaths:
    """Answers plain deliveries and plain look-ups with the services *built*."""

    def __init__(self, built: Services) -> None:
        self._deliveries, self._look_ups = webhook.FastPath(built), api.FastPath(built)

    async def __call__(self, scope: Scope, content: bytes) -> Answer | None:
        """Return the answer; None where Flask is to answer.

        Raises:
            Refused: The database takes too long to look somebody up.
        """
        if scope["raw_path"].startswith(_API):
            return await self._look_ups(scope, content)
        return await self._deliveries(scope, content)
