"""GET requests to addresses that may belong to anybody: bounded in time and size."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

import requests
import urllib3

from app.infra.network.http_client import timeout_within

# What is longer is cut off: no answer that we look for is.
MOST_BYTES: Final = 256 * 1024


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer, the first `MOST_BYTES` of its body included."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """Return the body, decoded; None if it is no JSON."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None


def get(
    session: requests.Session,
    url: str,
    *,
    total_s: float,
    params: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """Return the answer to a GET of *url*; *session* is of `http_client.new_session`.

    Raises:
        requests.RequestException: There is none within *total_s* seconds.
    """
    try:
        with session.get(
            url,
            params=params,
            headers=headers,
            # requests passes a Timeout on to urllib3, as its adapters.py documents.
            timeout=cast("Any", timeout_within(total_s)),
            allow_redirects=False,
            stream=True,
        ) as response:
            body = response.raw.read(MOST_BYTES, decode_content=False)
            return Answer(response.status_code, response.headers, body)
    except urllib3.exceptions.HTTPError as exc:
        raise requests.ConnectionError(exc) from exc
