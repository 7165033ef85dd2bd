"""Faults of people's pictures: each is answered at the address that Graph tells, not by Graph."""

from typing import Final

from app.emulator.faults.profiles import USER_PROFILE

_FETCHED: Final = "Can happen at any address that a server fetches because an answer names it."

# Name, what it does, and the source.
PICTURE_FAULTS: Final = (
    ("picture-gone", "The person's picture is no longer at its address: 404.", USER_PROFILE),
    ("picture-slow", "The person's picture arrives byte by byte, half a second apart.", _FETCHED),
    ("picture-huge", "The person's picture has a megabyte.", _FETCHED),
    (
        "picture-html",
        "At the picture's address is a page with a script, and it is called image/png.",
        _FETCHED,
    ),
    (
        "picture-inward",
        "The picture's address redirects into the network of the server that fetches it.",
        _FETCHED,
    ),
)
