"""The pictures of the demo, drawn here: `python -m tests.emulator.draw_pictures` writes them.

PNG, as Messenger's pictures are bitmaps and Threadlink takes no SVG; rendered by Chromium.
"""

from pathlib import Path
from typing import Final

from playwright.sync_api import ViewportSize

from tests import chromium

FOLDER: Final = Path(__file__).parents[2] / "app/emulator/static/pictures"
SIZE: Final = 256

_ANA: Final = """
<rect width="256" height="256" fill="#f4c9a8"/>
<circle cx="206" cy="58" r="82" fill="#f7d9bf"/>
<path d="M62 214c-14-58-10-112 4-138 16-30 42-44 66-42 36 2 60 28 64 70 3 34 4 74-2 110z"
  fill="#4a2a21"/>
<path d="M20 256c4-44 40-62 82-66h52c42 4 78 22 82 66z" fill="#1f7a7a"/>
<path d="M104 160h48v34c-4 20-44 20-48 0z" fill="#d9976f"/>
<path d="M100 190c8 22 48 22 56 0l14 3c-6 34-78 34-84 0z" fill="#f2ede4"/>
<ellipse cx="128" cy="122" rx="46" ry="56" fill="#eab08a"/>
<path d="M80 124c-4-46 16-66 46-68 32-2 54 22 50 68-6-24-14-36-26-44-22 14-48 16-58 14-6 10-10
  18-12 30z"
  fill="#5b352a"/>
<path d="M98 112q11-8 22-1M137 111q11-7 21 1" fill="none" stroke="#4a2a21" stroke-width="4"
  stroke-linecap="round"/>
<circle cx="110" cy="126" r="5" fill="#33201a"/><circle cx="147" cy="126" r="5" fill="#33201a"/>
<path d="M128 128c-2 8-5 13-2 15 2 1 5 1 7 0" fill="none" stroke="#c4835d" stroke-width="3.5"
  stroke-linecap="round"/>
<path d="M108 153q20 17 40 0-20 6-40 0z" fill="#b5504c"/>
<circle cx="96" cy="144" r="8" fill="#e39a7b"/><circle cx="161" cy="144" r="8" fill="#e39a7b"/>
<circle cx="82" cy="142" r="4.5" fill="#e8b93c"/><circle cx="175" cy="142" r="4.5" fill="#e8b93c"/>
"""
_BEN: Final = """
<rect width="256" height="256" fill="#a9c7e8"/>
<circle cx="44" cy="64" r="90" fill="#bcd5ef"/>
<path d="M18 256c4-46 42-60 84-66h52c42 6 80 20 84 66z" fill="#d9793b"/>
<path d="M102 158h52v36c-4 18-48 18-52 0z" fill="#5d3a28"/>
<path d="M94 191l34 26 34-26 10 4-24 40-20-18-20 18-24-40z" fill="#f6f1e8"/>
<ellipse cx="80" cy="126" rx="9" ry="14" fill="#6b4430"/>
<ellipse cx="176" cy="126" rx="9" ry="14" fill="#6b4430"/>
<path d="M82 112c0-38 20-58 46-58s46 20 46 58v22c0 30-22 50-46 50s-46-20-46-50z" fill="#7a4f38"/>
<path d="M82 132c6 12 10 16 18 18 8-6 48-6 56 0 8-2 12-6 18-18 2 36-20 58-46 58s-48-22-46-58z"
  fill="#241915"/>
<path d="M78 112c-6-44 20-66 50-66s56 22 50 66c-6-16-10-24-18-30-22 6-44 6-64 0-8 6-12 14-18 30z"
  fill="#241915"/>
<path d="M98 108q11-6 21 0M137 108q10-6 21 0" fill="none" stroke="#241915" stroke-width="5"
  stroke-linecap="round"/>
<circle cx="109" cy="123" r="5" fill="#1c120e"/><circle cx="147" cy="123" r="5" fill="#1c120e"/>
<path d="M128 124c-2 9-7 13-4 16 3 2 6 2 9 0" fill="none" stroke="#5d3a28" stroke-width="4"
  stroke-linecap="round"/>
<path d="M109 157q19 16 38 0-19 5-38 0z" fill="#f6f1e8"/>
<path d="M94 123a15 15 0 1 0 30 0 15 15 0 1 0-30 0m38 0a15 15 0 1 0 30 0 15 15 0 1 0-30 0
  m-8-2q4-4 8 0"
  fill="none" stroke="#e8d9c4" stroke-width="3"/>
"""
_PERSON: Final = """
<rect width="256" height="256" fill="#cfd6df"/>
<circle cx="128" cy="104" r="48" fill="#8894a3"/>
<path d="M34 256c2-58 42-84 94-84s92 26 94 84z" fill="#8894a3"/>
"""
# A cup whose steam is a lighthouse's beam.
_HARBOUR: Final = """
<rect width="256" height="256" fill="#0f766e"/>
<path d="M128 66 214 34v42zM128 66 42 34v42z" fill="#7fd1c7" opacity=".55"/>
<path d="M112 58h32v20h-32zM108 78h40l4 12h-48z" fill="#fff"/>
<path d="M128 40l20 18h-40z" fill="#fff"/>
<path d="M108 96h40l4 24h-48z" fill="#fff"/>
<path d="M66 128h112v34c0 30-24 46-56 46s-56-16-56-46z" fill="#fff"/>
<path d="M176 140h10c20 0 26 12 24 24-3 16-18 24-40 24" fill="none" stroke="#fff"
  stroke-width="12"/>
<path d="M82 154q12-10 24 0t24 0 24 0" fill="none" stroke="#0f766e" stroke-width="7"
  stroke-linecap="round"/>
<path d="M54 222q12-10 24 0t24 0 24 0 24 0 24 0 24 0" fill="none" stroke="#7fd1c7" stroke-width="8"
  stroke-linecap="round"/>
"""
PICTURES: Final = {
    "ana-berg": _ANA,
    "ben-okafor": _BEN,
    "person": _PERSON,
    "harbour-coffee": _HARBOUR,
}


def draw() -> None:
    """Write every picture into `FOLDER`."""
    with chromium.running() as browser:
        page = browser.new_page(viewport=ViewportSize(width=SIZE, height=SIZE))
        for name, shapes in PICTURES.items():
            svg = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 256 256">{shapes}</svg>'
            page.set_content(f"<style>body {{ margin: 0 }} svg {{ display: block }}</style>{svg}")
            page.screenshot(path=FOLDER / f"{name}.png")


if __name__ == "__main__":
    draw()
