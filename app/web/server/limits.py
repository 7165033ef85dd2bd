"""The limits of one request and of all together, and the refusal of what exceeds them."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

# Seconds after which a client that got 503 should come again.
RETRY_AFTER: Final = 5
# Meta posts up to 1,000 events in one delivery; 2 KB each are legal (R45).
MOST_LARGE_BYTES: Final = 4 * 1024 * 1024
# Of any other body: the largest form has two fields to type in, and the API says the same.
MOST_BODY_BYTES: Final = 64 * 1024
# Far more than any page, provider or operation uses. To parse them is what costs: thousands fit
# into a head or a form, at a microsecond or more each.
MOST_PARAMETERS: Final = 64
# Chromium and Firefox keep 180 for a domain (read 2026-11), those of sibling hosts among them.
MOST_COOKIES: Final = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Limits of one request, and of all requests of a process together."""

    fields: int = 100
    head_bytes: int = 32 * 1024
    target_bytes: int = 8 * 1024
    parameters: int = MOST_PARAMETERS
    cookies: int = MOST_COOKIES
    body_bytes: int = MOST_BODY_BYTES
    large_body_bytes: int = MOST_LARGE_BYTES
    # A body may take so long altogether, and so long without a byte; from then on it must also have
    # come at this rate.
    body_seconds: float = 30
    stall_seconds: float = 10
    bytes_per_second: int = 16 * 1024
    # To receive a part costs some 60 microseconds, of one byte as well. After the first parts they
    # must have so many bytes on average; a packet has 500 and more.
    parts: int = 128
    part_bytes: int = 256
    # All bodies that are being received, wait for a thread, or are with one. Large ones have a
    # budget of their own, so that however many come, there is room for all others.
    bodies_bytes: int = 16 * 1024 * 1024
    large_bodies_bytes: int = 24 * 1024 * 1024
    send_seconds: float = 30
    # Complete requests that wait for a thread.
    waiting: int = 256


class Refused(Exception):
    """The request is answered with *status* without Flask, and the connection closed.

    *header* is the name of the header that is the reason, if one is.
    """

    def __init__(self, status: HTTPStatus, reason: str, header: str | None = None) -> None:
        super().__init__(reason)
        self.status, self.reason, self.header = status, reason, header
