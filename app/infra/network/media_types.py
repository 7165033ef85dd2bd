"""The media types of pictures, by their first bytes."""

from typing import Final

_FIRST_BYTES: Final = {b"\x89PNG\r\n\x1a\n": "image/png", b"\xff\xd8\xff": "image/jpeg"}


def picture_type(content: bytes) -> str | None:
    """Return the media type of *content*: PNG, JPEG or WebP; None if it is none of them.

    No SVG: opened by itself it is a document, with scripts.
    """
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for start, kind in _FIRST_BYTES.items() if content.startswith(start)), None)
