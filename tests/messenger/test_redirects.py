import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.infra.network.meta_addresses import META_ORIGINS
from app.messenger.errors import RedirectFault, RedirectRefused
from app.messenger.redirects import (
    RedirectUri,
    check_redirect_uri,
    has_unknown_names,
    is_linking_token,
    linking_token_in,
    with_authorization_code,
)

SAMPLES = Path(__file__).parents[1] / "samples" / "redirects"
CAPTURED = json.loads((SAMPLES / "captured.json").read_text())
TRICKS = [
    pytest.param(uri, id=f"{trick}-{number}")
    for trick, uris in json.loads((SAMPLES / "tricks.json").read_text()).items()
    for number, uri in enumerate(uris)
]

# The one that all tricks are played with.
T = "ARtoken-_1"
PATH = "/messenger_platform/account_linking/"
R = f"https://www.facebook.com{PATH}?account_linking_token={T}"
C = "tl_kQ8v3Jx0-ZrT_5m"


def check(
    redirect_uri: str, *, token: str = T, origins: Sequence[str] = META_ORIGINS
) -> RedirectUri:
    return check_redirect_uri(redirect_uri, account_linking_token=token, origins=origins)


def refusal(redirect_uri: str, **arguments: str) -> RedirectFault:
    with pytest.raises(RedirectRefused) as refused:
        check(redirect_uri, **arguments)
    return refused.value.reason


class Place(NamedTuple):
    scheme: str
    authority: str
    path: str
    query: str


def as_a_browser(url: str) -> Place:
    """Return where a browser would go: the repairs of the WHATWG URL parser, for https."""
    url = re.sub(r"[\t\r\n]", "", url.strip("".join(map(chr, range(0x21)))))
    scheme, _, rest = url.partition(":")
    rest = rest.split("#", 1)[0]
    hierarchy, _, query = rest.partition("?")
    authority, _, path = hierarchy.replace("\\", "/").lstrip("/").partition("/")
    host = authority.rpartition("@")[2].lower().removesuffix(":443")
    segments: list[str] = []
    for segment in path.split("/"):
        if segment.lower().replace("%2e", ".") == "..":
            segments = segments[:-1]
        elif segment.lower().replace("%2e", ".") != ".":
            segments.append(segment)
    return Place(scheme.lower(), host, "/" + "/".join(segments), query)


@pytest.mark.parametrize("capture", CAPTURED, ids=lambda capture: capture["source"])
def test_a_captured_log_in_request_is_accepted(capture: dict[str, str]) -> None:
    """
    What Messenger's apps really sent; the values as a query parser hands them over.
    """
    query = parse_qs(urlsplit(capture["url"]).query)
    (token,), (redirect_uri,) = query["account_linking_token"], query["redirect_uri"]

    assert redirect_uri == check(redirect_uri, token=token)
    assert token == linking_token_in(redirect_uri)


@pytest.mark.parametrize("origin", META_ORIGINS)
@pytest.mark.parametrize("slash", ["/", ""])
def test_each_host_seen_in_the_wild_is_accepted(origin: str, slash: str) -> None:
    redirect_uri = f"{origin}{PATH.rstrip('/')}{slash}?account_linking_token={T}"

    assert redirect_uri == check(redirect_uri)


@pytest.mark.parametrize("trick", TRICKS)
def test_a_trick_is_refused(trick: str) -> None:
    """
    R2, R3, R6: no text that two programs could parse in two ways, and no foreign address.
    """
    with pytest.raises(RedirectRefused):
        check(trick)


def test_there_are_tricks_enough() -> None:
    """
    R2: a corpus that shrinks in an edit would go unnoticed.
    """
    assert len(TRICKS) >= 600


def test_all_tricks_are_played_with_a_good_address() -> None:
    """
    Else they might all be refused for something else.
    """
    assert R == check(R)


@pytest.mark.parametrize(
    ("redirect_uri", "reason"),
    [
        (R.replace("www.facebook", "m.facebook"), "origin"),
        (R.replace(PATH, "/l.php"), "grammar"),
        (f"{R}#", "grammar"),
        (f"{R}&a=b&a=c", "repeated name"),
        (f"{R}&authorization_code=x", "code inside"),
        (f"{R}x", "token inside"),
        (R + "&a=" + "b" * (1498 - len(R)), "length"),
    ],
)
def test_the_reason_of_a_refusal_is_told(redirect_uri: str, reason: RedirectFault) -> None:
    """
    R12: refusals are counted by reason, so that an attack is noticed.
    """
    assert reason == refusal(redirect_uri)


def test_a_refusal_says_nothing_of_what_was_refused() -> None:
    """
    R1: the text of an error may reach a log line.
    """
    with pytest.raises(RedirectRefused) as refused:
        check("https://evil.example/?account_linking_token=SECRET")

    assert "origin" == str(refused.value)


def test_the_longest_address_is_accepted() -> None:
    """
    R3: 1,500 characters; the cookie it rests in has no room for more.
    """
    longest = R + "&a=" + "b" * (1497 - len(R))

    assert longest == check(longest)
    assert 1500 == len(longest)


def test_a_port_stands_only_where_the_entry_has_it() -> None:
    """
    R2: the emulator's origin is one like any other, and literal.
    """
    local = R.replace("https://www.facebook.com", "http://127.0.0.1:8001")

    assert local == check(local, origins=["http://127.0.0.1:8001"])
    for origin in ("http://127.0.0.1", "http://127.0.0.1:800", "http://127.0.0.1:80011"):
        with pytest.raises(RedirectRefused):
            check(local, origins=[origin])


def test_an_origin_that_begins_another_does_not_hide_it() -> None:
    local = R.replace("https://www.facebook.com", "http://localhost:8001")

    assert local == check(local, origins=["http://localhost", "http://localhost:8001"])


def test_without_origins_nothing_is_accepted() -> None:
    with pytest.raises(RedirectRefused):
        check(R, origins=[])


def test_an_origin_is_no_pattern() -> None:
    """
    R2: the dots of an entry are dots.
    """
    assert "origin" == refusal(R.replace("www.facebook", "wwwxfacebook"))


@pytest.mark.parametrize("token", ["A", "-", "_", "A" * 1024, "ARtoken-_1"], ids=len)
def test_a_token_is_opaque_text_of_a_narrow_alphabet(token: str) -> None:
    assert is_linking_token(token)


@pytest.mark.parametrize(
    "token",
    [
        "",
        "A" * 1025,
        "A\n",
        "A ",
        " A",
        "A.",
        "A~",
        "A%41",
        "A+",
        "A=",
        "A/",
        "é",
        "\uff11",
        "A\x00",
    ],
    ids=repr,
)
def test_another_text_is_no_token(token: str) -> None:
    """
    R7: 1 to 1,024 characters of [A-Za-z0-9_-], inside and outside.
    """
    redirect_uri = R.replace(T, token)

    assert not is_linking_token(token)
    assert "token" == refusal(redirect_uri, token=token)
    with pytest.raises(RedirectRefused):
        linking_token_in(redirect_uri)


@pytest.mark.parametrize(
    "redirect_uri",
    [
        "",
        R.replace("account_linking_token", "token"),
        f"{R}&account_linking_token={T}",
        R.replace("account_linking_token", "x_account_linking_token"),
    ],
    ids=["empty", "none", "two", "a longer name"],
)
def test_an_address_without_one_token_has_none(redirect_uri: str) -> None:
    with pytest.raises(RedirectRefused):
        linking_token_in(redirect_uri)


@pytest.mark.parametrize(("more", "expected"), [("", False), ("&state=x", True)])
def test_a_name_never_seen_is_allowed_and_told(more: str, expected: bool) -> None:  # noqa: FBT001 - the expectation
    """
    R6: Meta may add one; the operator can see it.
    """
    assert expected == has_unknown_names(check(R + more))


def test_the_code_is_appended_and_every_byte_kept() -> None:
    """
    R4: what Messenger sent comes back as it was, escapes and order too.
    """
    redirect_uri = check(f"{R}&a=%7e%7E~&b=")

    assert f"{R}&a=%7e%7E~&b=&authorization_code={C}" == with_authorization_code(redirect_uri, C)


def test_the_code_is_encoded_as_a_value() -> None:
    """
    R4: ours needs none of it; nothing can break out all the same.
    """
    url = with_authorization_code(check(R), "a&b=c#d é")

    assert f"{R}&authorization_code=a%26b%3Dc%23d%20%C3%A9" == url


VALUES = st.from_regex(r"(?:[A-Za-z0-9._~-]|%[0-9A-Fa-f]{2}){0,20}", fullmatch=True)
NAMES = st.from_regex(r"[a-z_]{1,64}", fullmatch=True).filter(
    lambda name: name not in {"account_linking_token", "authorization_code"}
)


@st.composite
def good_addresses(draw: st.DrawFn) -> str:
    extra = draw(st.dictionaries(NAMES, VALUES, max_size=4))
    pairs = draw(st.permutations([*extra.items(), ("account_linking_token", T)]))
    origin, slash = draw(st.sampled_from(META_ORIGINS)), draw(st.sampled_from(["", "/"]))
    query = "&".join(f"{name}={value}" for name, value in pairs)
    return f"{origin}{PATH.rstrip('/')}{slash}?{query}"


def assert_stays_with_meta(redirect_uri: RedirectUri) -> None:
    """Assert that all who read the final address see one place, one token and one code."""
    url = with_authorization_code(redirect_uri, C)
    split, place = urlsplit(url), as_a_browser(url)

    assert (split.scheme, split.netloc, split.path, split.query) == place
    assert f"{place.scheme}://{place.authority}" in META_ORIGINS
    assert PATH.rstrip("/") == place.path.rstrip("/")
    assert "" == split.fragment
    pairs = parse_qsl(place.query, keep_blank_values=True, strict_parsing=True, errors="replace")
    assert [C] == [value for name, value in pairs if name == "authorization_code"]
    assert [T] == [value for name, value in pairs if name == "account_linking_token"]
    assert T == linking_token_in(redirect_uri)


@given(good_addresses())
def test_what_follows_the_grammar_is_accepted_and_stays_with_meta(redirect_uri: str) -> None:
    """
    R2, R4: for urllib and for a browser alike.
    """
    assert_stays_with_meta(check(redirect_uri))


FORBIDDEN = st.characters().filter(
    lambda char: not (char.isascii() and (char.isalnum() or char in "._~-%&=?/:"))
)


@given(good_addresses(), FORBIDDEN, st.data())
def test_one_forbidden_character_anywhere_is_refused(
    redirect_uri: str, char: str, data: st.DataObject
) -> None:
    """
    R3: no "sanitise and continue".
    """
    place = data.draw(st.integers(0, len(redirect_uri)))

    with pytest.raises(RedirectRefused):
        check(redirect_uri[:place] + char + redirect_uri[place:])


TAMPERING = """
    @ // \\ .. %2e %2f %00 & = ? # : :443 ; a _ A 1 &a=b evil.example www. /messenger_platform
    account_linking_token=other &account_linking_token= authorization_code=x
"""
FRAGMENTS = st.sampled_from([*TAMPERING.split(), T, "\t", "\n", " ", ""])


@given(good_addresses(), st.lists(st.tuples(FRAGMENTS, st.integers(0, 300), st.integers(0, 9))))
def test_whatever_is_accepted_after_tampering_stays_with_meta(
    redirect_uri: str, edits: list[tuple[str, int, int]]
) -> None:
    """
    R2, R3, R6: what a stranger cuts and pastes is refused, or harmless to all who read it.
    """
    for fragment, start, cut in edits:
        redirect_uri = redirect_uri[:start] + fragment + redirect_uri[start + cut :]
    try:
        accepted = check(redirect_uri)
    except RedirectRefused:
        return

    assert_stays_with_meta(accepted)


@pytest.mark.parametrize(
    ("redirect_uri", "origin"),
    [
        (R.replace("www.facebook", "m.facebook"), "https://m.facebook.com"),
        ("http://127.0.0.1:8001/x", "http://127.0.0.1:8001"),
        ("https://user:password@evil.example/", None),
        (f"https://evil.example?{T}", None),
        ("https://evil.example\n/", None),
        ("javascript:alert(1)", None),
        (f"https://{'a' * 101}.example/", None),
    ],
)
def test_the_operator_is_told_where_a_refused_one_leads(
    redirect_uri: str, origin: str | None
) -> None:
    """R12: a new host of Meta's is then seen in the log; nothing but an origin comes there."""
    with pytest.raises(RedirectRefused) as refused:
        check(redirect_uri)

    assert origin == refused.value.origin
