"""QR codes, as pictures that a page holds itself: nothing is fetched, and no script draws them."""

from typing import Final

import segno

# Medium error correction: a screen is clean, and small modules are hard on a phone's camera.
_ERROR_CORRECTION: Final = "m"
# In modules; ISO/IEC 18004 asks for four of quiet zone around the symbol.
_QUIET_ZONE: Final = 4


def picture_of(url: str) -> str:
    """Return the data URL of an SVG with the QR code of *url*, dark on light in every theme."""
    code = segno.make(url, error=_ERROR_CORRECTION, micro=False)
    picture: str = code.svg_data_uri(border=_QUIET_ZONE, dark="#000", light="#fff", scale=4)
    return picture
