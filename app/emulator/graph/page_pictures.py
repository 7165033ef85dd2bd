"""Pictures of Pages: PNGs of our own drawing, at addresses like those that Graph names.

https://developers.facebook.com/docs/graph-api/reference/page/picture
"""

import hashlib
import struct
import zlib
from pathlib import Path
from typing import Any

from flask import Blueprint, Response, abort, request

from app.emulator.context import current_emulator
from app.emulator.pictures import page_picture

bp = Blueprint("page_pictures", __name__)

PATH = "/platform/pagepic"
_SIZE = 200
_STATIC = Path(__file__).parents[1] / "static"
_WHITE = b"\xff\xff\xff"


def picture_of(page_id: str) -> dict[str, Any]:
    """Return the field picture of a page: the address is of this emulator."""
    return {
        "data": {
            "height": _SIZE,
            "is_silhouette": False,
            "url": f"{request.host_url.rstrip('/')}{PATH}/{page_id}.png",
            "width": _SIZE,
        }
    }


@bp.get(f"{PATH}/<page_id>.png")
def serve(page_id: str) -> Response:
    """Return the picture of a page: its own drawing, else a ring on a colour of its own."""
    pages = current_emulator().settings.pages
    name = next((page.name for page in pages if page.id == page_id), None)
    if name is None:
        abort(404)
    if drawn := page_picture(name):
        return Response((_STATIC / drawn).read_bytes(), mimetype="image/png")
    return Response(_ring(hashlib.sha256(page_id.encode()).digest()[:3]), mimetype="image/png")


def _ring(colour: bytes) -> bytes:
    """Return a PNG (w3.org/TR/png) with a white ring on *colour*, made a little darker."""
    ground, half = bytes(channel // 2 for channel in colour), _SIZE // 2
    rows = bytearray()
    for y in range(_SIZE):
        rows.append(0)
        for x in range(_SIZE):
            distance = (x - half) ** 2 + (y - half) ** 2
            is_ring = (half * 0.4) ** 2 <= distance <= (half * 0.6) ** 2
            rows += _WHITE if is_ring else ground
    header = struct.pack(">IIBBBBB", _SIZE, _SIZE, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(bytes(rows), 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*chunk) for chunk in chunks)


def _chunk(kind: bytes, content: bytes) -> bytes:
    checksum = struct.pack(">I", zlib.crc32(kind + content))
    return struct.pack(">I", len(content)) + kind + content + checksum
