"""The weight of the first page: all from one host, and no more than one round trip brings."""

from gzip import decompress

import pytest
from flask import Flask

from app.web import assets
from tests.browsers import Answer, InProcess
from tests.installation import PUBLIC_URL
from tests.web.page_gallery import SAMPLES

# Of the first page; a first round trip of TCP carries about as much (RFC 6928: ten segments).
MOST_BYTES = 14 * 1024
MOST_HTML = 16 * 1024


@pytest.fixture
def browser(app: Flask) -> InProcess:
    return InProcess(app, PUBLIC_URL)


def _gets(browser: InProcess, name: str, encodings: str) -> Answer:
    return browser("GET", assets.asset(name), headers={"Accept-Encoding": encodings})


@pytest.mark.parametrize("name", ["style.css", "page.js", "docs.css"])
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_style_and_script_are_compressed_for_who_takes_it(browser: InProcess, name: str) -> None:
    plain, zipped = _gets(browser, name, "identity"), _gets(browser, name, "br, gzip")

    assert ("gzip", None) == (
        zipped.headers["content-encoding"],
        plain.headers.get("content-encoding"),
    )
    assert decompress(zipped.body) == plain.body
    assert len(zipped.body) < len(plain.body) / 2
    assert "Accept-Encoding" == zipped.headers["vary"] == plain.headers["vary"]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_page_with_a_csrf_token_is_not_compressed(browser: InProcess) -> None:
    """BREACH: its length would tell of the CSRF token beside what was typed."""
    page = browser("GET", "/", headers={"Accept-Encoding": "gzip"})

    assert "content-encoding" not in page.headers


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_the_first_page_arrives_at_once(browser: InProcess) -> None:
    """P16: HTML as it goes out, style and script compressed."""
    parts = [_gets(browser, name, "gzip").body for name in ("style.css", "page.js")]

    assert sum(map(len, parts)) + len(SAMPLES["sign-in"].render().encode()) <= MOST_BYTES


def test_no_page_is_larger_than_it_may_be() -> None:
    assert [] == [
        name for name, sample in SAMPLES.items() if len(sample.render().encode()) > MOST_HTML
    ]
