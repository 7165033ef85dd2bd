"""JSON as Meta sends it, read strictly but for one thing that people do send.

A text that was cut in the middle of an emoji holds half a surrogate pair. That is JSON (RFC 8259,
section 8.2), and msgspec refuses the whole body for it, also where it skips.
"""

import re
from typing import TypeVar

import msgspec

T = TypeVar("T")

# Every escape is matched, so that the second half of "\\ud800" is not taken for one.
_ESCAPE = re.compile(
    r"\\(?:u[Dd][89ABab][0-9A-Fa-f]{2}\\u[Dd][C-Fc-f][0-9A-Fa-f]{2}"
    r"|(?P<half>u[Dd][89A-Fa-f][0-9A-Fa-f]{2})|.)",
    re.DOTALL,
)


class NotJson(ValueError):
    """The body is no JSON, or too deep to be read."""


def read_json(decoder: msgspec.json.Decoder[T], body: bytes) -> T:
    """Return what *decoder* reads in *body*; half a surrogate pair becomes U+FFFD.

    Raises:
        NotJson: *body* is not UTF-8, no JSON, or too deep.
        msgspec.ValidationError: It is not of the decoder's type; it may be no JSON further on.
    """
    try:
        # msgspec does not look at the bytes of what it skips.
        text = body.decode()
        try:
            return decoder.decode(text)
        except msgspec.DecodeError:
            return decoder.decode(_ESCAPE.sub(_mended, text))
    except msgspec.ValidationError:
        raise
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
        raise NotJson(type(exc).__name__) from exc


def _mended(escape: re.Match[str]) -> str:
    return r"\ufffd" if escape["half"] else escape[0]
