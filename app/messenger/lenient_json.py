"""A strict JSON reader with one exception: half a surrogate pair, which people do send.

A text that was cut in the middle of an emoji holds one. It is valid JSON (RFC 8259, section 8.2),
but msgspec refuses the whole body for it, even in values that it skips.
"""

import re
from typing import TypeVar

import msgspec

T = TypeVar("T")

# Matches every escape, so that an escaped backslash before "ud800" is not taken for one.
_ESCAPE = re.compile(
    r"\\(?:u[Dd][89ABab][0-9A-Fa-f]{2}\\u[Dd][C-Fc-f][0-9A-Fa-f]{2}"
    r"|(?P<half>u[Dd][89A-Fa-f][0-9A-Fa-f]{2})|.)",
    re.DOTALL,
)


class NotJson(ValueError):
    """The body is not JSON, or is nested too deeply."""


def read_json(decoder: msgspec.json.Decoder[T], body: bytes) -> T:
    """Return *body* as *decoder* decodes it; half a surrogate pair becomes U+FFFD.

    Raises:
        NotJson: *body* is not UTF-8, not JSON, or nested too deeply.
        msgspec.ValidationError: It is not of the decoder's type; the rest of it is not checked.
    """
    try:
        # Decoded first, because msgspec does not check the UTF-8 of values that it skips.
        text = body.decode()
        try:
            return decoder.decode(text)
        except msgspec.DecodeError:
            return decoder.decode(_ESCAPE.sub(_replaced, text))
    except msgspec.ValidationError:
        raise
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
        raise NotJson(type(exc).__name__) from exc


def _replaced(escape: re.Match[str]) -> str:
    return r"\ufffd" if escape["half"] else escape[0]
