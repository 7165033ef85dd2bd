"""What docs/going-live.md tells Meta's reviewers, and of dates, is what the program does."""

import re
from pathlib import Path
from typing import Final

import pytest

from app.infra.network.meta_addresses import VERSION_ENDS
from app.messenger.graph.profiles import WITH_PICTURE
from app.messenger.graph.setup import INTEGRITY_FIELD, LINK_FIELDS, LINKING_FIELD, NEEDED_SCOPES
from app.setup.plan import BOT_FIELDS

ROOT: Final = Path(__file__).parents[2]
PAGE: Final = (ROOT / "docs/going-live.md").read_text(encoding="utf-8")
BLOCKS: Final = [
    " ".join(block.split()) for block in re.findall(r"```text\n(.*?)```", PAGE, re.DOTALL)
]


def block(part: str) -> str:
    """Return the text for Meta that holds *part*."""
    (found,) = (each for each in BLOCKS if part in each)
    return found


def test_the_reviewers_are_told_exactly_what_is_read_of_a_person() -> None:
    """A text that says less than the app does is a reason for a refusal."""
    read = set(WITH_PICTURE.split(","))

    assert read == set(re.findall(r"\b(?:[a-z]+_name|profile_pic)\b", block("We read")))


def test_the_reviewers_are_told_exactly_what_is_subscribed() -> None:
    subscribed = {*BOT_FIELDS, LINKING_FIELD, INTEGRITY_FIELD, *LINK_FIELDS}
    told = block("Our app subscribes")

    assert subscribed == set(re.findall(r"\b(?:messages|messaging_\w+|business_\w+)\b", told))


def test_every_permission_that_is_needed_has_a_row() -> None:
    assert [] == [scope for scope in NEEDED_SCOPES if f"\n| `{scope}` |" not in PAGE]


def test_the_words_that_the_reviewers_look_for_are_on_the_page() -> None:
    pages = "".join(path.read_text("utf-8") for path in (ROOT / "templates").rglob("*.html"))

    assert [] == [
        words
        for words in ("Is this you on Messenger?", "Yes, connect")
        if words not in pages or words not in " ".join(BLOCKS)
    ]


@pytest.mark.parametrize("version", ["v21.0", "v22.0"])
def test_the_days_on_which_versions_end_are_those_of_the_table(version: str) -> None:
    ends = VERSION_ENDS[version]

    assert f"{version} on {ends.day} {ends:%B %Y}" in PAGE


def test_the_command_for_client_certificates_fits_the_files() -> None:
    (mark, put) = re.search(r"sed -i 's/(.*?)/(.*?)/' /etc/nginx", PAGE).groups()  # type: ignore[union-attr]

    assert ("#mtls ", "") == (mark, put)
    for file in ("nginx.conf", "Caddyfile", "haproxy.cfg"):
        lines = (ROOT / "docs/deploy" / file).read_text("utf-8").splitlines()
        # sed replaces the first of a line.
        assert {1} == {line.count(mark) for line in lines if mark in line}
