"""The pages' texts and markup, with whatever names are put into them."""

import re
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.accounts.rate_limiter import RateLimited
from app.web.problems.forms import PROVIDER_AWAY, PROVIDER_DECLINED, QUESTION_CHANGED
from app.web.problems.pages import PAGE_PROBLEMS
from app.web.problems.problem import Problem
from tests.web.page_gallery import SAMPLES, Brand, Provider

ALL = pytest.mark.parametrize("name", SAMPLES)

NAUGHTY = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' autofocus onfocus=alert(1) x='",
    "</title><svg/onload=alert(1)>",
    "<!--",
    "]]>",
    "&lt;b&gt;&#60;i&#62;",
    "{{ 7 * 7 }}{% raw %}",
    "javascript:alert(1)",
    "\u202eannA\u2066",
    "Z̷̡̢͝a̶l̸g̵o̴",
    "👩‍👩‍👧‍👦🏳️‍🌈",
    "undefined null NaN",
    "x" * 100,
]
NAMES = st.one_of(st.sampled_from(NAUGHTY), st.text(min_size=1, max_size=100))

Element = tuple[str, dict[str, str | None]]


class Document(HTMLParser):
    """A page read back as a browser would: its elements, its words, and what its bdi's hold."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[Element] = []
        self.isolated: list[str] = []
        self.words = ""
        self._in_bdi = False
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._in_bdi = tag == "bdi"
        if self._in_bdi:
            self.isolated.append("")

    def handle_endtag(self, tag: str) -> None:
        self._in_bdi = self._in_bdi and tag != "bdi"

    def handle_data(self, data: str) -> None:
        self.words += data
        if self._in_bdi:
            self.isolated[-1] += data

    @property
    def shape(self) -> list[tuple[str, tuple[str, ...]]]:
        return [(tag, tuple(attributes)) for tag, attributes in self.elements]

    @property
    def sentence(self) -> str:
        return " ".join(self.words.split())

    def all(self, tag: str, **wanted: str) -> list[dict[str, str | None]]:
        """Return the attributes of each *tag* that has all *wanted* values."""
        found = (attributes for name, attributes in self.elements if name == tag)
        return [each for each in found if wanted.items() <= each.items()]


def page(name: str, **changes: Any) -> Document:
    return Document(SAMPLES[name].render(**changes))


@ALL
def test_every_page_has_one_heading_and_one_main(name: str) -> None:
    """R81: a screen reader finds its way by language and landmarks."""
    document = page(name)

    assert [{"lang": "en", "dir": "ltr"}] == document.all("html")
    assert 1 == len(document.all("h1"))
    assert 1 == len(document.all("main"))


@ALL
def test_nothing_on_a_page_stands_inline(name: str) -> None:
    """R73: the policy forbids inline script and style, so a page that needs them is broken."""
    document = page(name)

    assert [] == document.all("style")
    assert ["/static/page.js"] == [script["src"] for script in document.all("script")]
    for _, attributes in document.elements:
        assert not [key for key in attributes if key == "style" or key.startswith("on")]


@ALL
def test_nothing_on_a_page_comes_from_elsewhere(name: str) -> None:
    """R76, R78: a picture or font of another host would tell it who is signing in."""
    document = page(name)

    loaded = [link["href"] for link in document.all("link")]
    loaded += [image["src"] for image in document.all("img")]
    assert [] == [url for url in loaded if not (url or "").startswith(("/", "data:"))]


@ALL
def test_every_form_posts_with_its_token(name: str) -> None:
    """R77: a form without the token would only ever earn a refusal."""
    document = page(name)

    forms = document.all("form")
    tokens = document.all("input", type="hidden", name="form_token", value="f0rm-t0ken")
    assert len(forms) == len(tokens)
    assert all(form["method"] == "post" for form in forms)


@pytest.mark.parametrize("slot", ["messenger_name", "display_name"])
@given(text=NAMES)
def test_names_cannot_change_the_question(slot: str, text: str) -> None:
    """R82: who may choose a Messenger name may not write on the page that asks about it."""
    usual = page("confirm")

    document = page("confirm", **{slot: text})

    assert usual.shape == document.shape
    assert text in document.isolated


@given(brand=NAMES, provider=NAMES, username=NAMES, label=NAMES)
def test_texts_cannot_change_the_sign_in_page(
    brand: str, provider: str, username: str, label: str
) -> None:
    """R82: what was typed comes back as it was typed, and as nothing else."""
    help_links = [("help", label, "https://shop.example/")]
    providers = [Provider("Acme ID", "/to/acme")]
    away = PROVIDER_AWAY.about(provider="Acme ID")
    usual = page("sign-in-refused", providers=providers, problem=away, help_links=help_links)

    document = page(
        "sign-in-refused",
        brand=Brand(brand),
        providers=[Provider(provider, "/to/acme")],
        username=username,
        problem=PROVIDER_AWAY.about(provider=provider),
        help_links=help_links,
    )

    assert usual.shape == document.shape
    assert {brand, provider} <= set(document.isolated)
    assert username == document.all("input", id="username")[0]["value"]


@given(own_sentence=NAMES, reference=NAMES)
def test_texts_cannot_change_an_outcome(own_sentence: str, reference: str) -> None:
    """R82: the words of the operator are text as well."""
    usual = page("linked-in-own-words")

    document = page("linked-in-own-words", own_sentence=own_sentence, reference=reference)

    assert usual.shape == document.shape
    assert own_sentence in document.words


def test_the_question_names_both_sides() -> None:
    """R15: a person who was sent somebody else's link can see whose it is."""
    document = page("confirm")

    assert "Is this you on Messenger?" in document.sentence
    assert (
        "A Messenger profile Ana Berg will be connected to "
        "H Your Harbour Coffee account j•••@example.com" in document.sentence
    )
    assert "Whoever uses this Messenger profile can use your account." in document.sentence
    assert "If someone sent you this link, cancel." in document.sentence


@pytest.mark.parametrize("name", ["confirm", "confirm-unnamed", "confirm-like-brand"])
def test_connect_and_cancel_are_equals_in_forms_of_their_own(name: str) -> None:
    """R15: the page leads nobody to Connect; and with no field, Enter presses neither."""
    document = page(name)

    cancel, connect, _ = document.all("button")
    assert cancel["class"] == connect["class"] == "button plain"
    assert ["/authorize/q3m9/cancel", "/authorize/q3m9/confirm"] == [
        form["action"] for form in document.all("form")[:2]
    ]
    assert {"hidden"} == {field["type"] for field in document.all("input")}


@pytest.mark.parametrize("name", ["code", "code-unnamed"])
def test_with_a_code_the_proof_is_typed_and_cancel_stands_first(name: str) -> None:
    """R15: who was given a code by another person reads to cancel before the field."""
    document = page(name)

    cancel, connect = document.all("button")[:2]
    assert ("button plain", "button primary") == (cancel["class"], connect["class"])
    assert document.sentence.index("If another person gave you this code, cancel.") < (
        document.sentence.index("Cancel Connect")
    )


@pytest.mark.parametrize(("name", "initial"), [("Ana Berg", "A"), ("ßtefan", "S")])
def test_without_a_picture_one_letter_stands_for_the_person(name: str, initial: str) -> None:
    """Also where the capital is two."""
    document = page("confirm", messenger_name=name)

    assert initial == document.isolated[document.isolated.index(name) - 1]


def test_a_withheld_name_is_said_to_be_withheld() -> None:
    """R17: an empty place would read as if nobody in particular was meant."""
    document = page("confirm-unnamed")

    assert "Connect a profile we can’t name?" in document.sentence
    assert "Messenger doesn’t tell us whose profile this is." in document.sentence
    assert "Name not shown" in document.sentence
    assert "None" not in document.words


def test_a_profile_that_calls_itself_like_the_business_is_told_apart() -> None:
    """R17: the name of a phisher's profile may be that of the business."""
    warning = "This profile’s name looks like ours, but it isn’t us."

    assert warning in page("confirm-like-brand").sentence
    assert warning not in page("confirm").sentence


def test_only_a_replacing_link_speaks_of_another_account() -> None:
    """R26: said before it happens, and never which."""
    warning = "This profile is connected to another account. Connecting will end that."

    assert warning in page("confirm-replaces").sentence
    assert "another account" not in page("confirm").sentence


@pytest.mark.parametrize(
    ("sample", "field", "wanted"),
    [
        ("sign-in", "username", {"autocomplete": "username", "autocapitalize": "none"}),
        ("sign-in", "password", {"autocomplete": "current-password", "type": "password"}),
        ("code", "code", {"autocomplete": "one-time-code", "inputmode": "numeric"}),
    ],
    ids=["username", "password", "digits"],
)
def test_phones_can_fill_in_a_labelled_field(
    sample: str, field: str, wanted: dict[str, str]
) -> None:
    """R81: who has a password manager types nothing."""
    document = page(sample)

    assert 1 == len(document.all("input", id=field, name=field, **wanted))
    assert 1 == len(document.all("label", **{"for": field}))


@pytest.mark.parametrize(
    ("sample", "marked"),
    [("sign-in-refused", []), ("code-refused", ["code"]), ("password-refused", ["new"])],
)
def test_a_problem_is_read_first_and_marks_the_field_that_is_known(
    sample: str, marked: list[str]
) -> None:
    """R60, R81: of wrong credentials neither field is said to be the wrong one."""
    document = page(sample)

    summary = document.all("div", role="alert", tabindex="-1")
    assert ["autofocus" in each for each in summary] == [True]
    assert 1 == len(document.all("p", id="problem"))
    wrong = document.all("input", **{"aria-invalid": "true"})
    assert marked == [field["id"] for field in wrong]
    assert all("problem" in (field["aria-describedby"] or "") for field in wrong)


def test_who_cannot_log_in_finds_the_way_to_a_new_password_beside_the_problem() -> None:
    links = page("sign-in-refused").all("a", href="https://shop.example/forgot")

    assert 2 == len(links)


@pytest.mark.parametrize(
    ("sample", "problem"),
    [
        ("sign-in", PAGE_PROBLEMS[RateLimited].about(num=2)),
        ("code", QUESTION_CHANGED),
        ("code", PROVIDER_DECLINED.about(provider="Acme ID")),
    ],
)
def test_a_problem_that_was_not_typed_blames_no_field(sample: str, problem: Problem) -> None:
    document = page(sample, problem=problem)

    assert [] == document.all("input", **{"aria-invalid": "true"})
    assert str(problem.sentence) in document.sentence


def test_a_form_says_how_long_it_works_and_how_to_ask_for_help() -> None:
    """R81; WCAG 2.2, 2.2.1: the five minutes are Meta's and cannot be extended."""
    (clock,) = page("sign-in").all("p", **{"data-seconds-left": "230"})

    assert "This page works for 4 more minutes." in page("sign-in").sentence
    assert 4 == len((clock["data-countdown"] or "").split("|"))
    assert "works for" not in page("linked").sentence


def test_a_refused_password_is_not_sent_back() -> None:
    assert "value" not in page("sign-in-refused").all("input", id="password")[0]


def test_without_the_way_back_a_page_says_to_close_the_window() -> None:
    """No dead ends: without the cookie nobody knows where Messenger wants the browser."""
    document = page("bad-link")

    assert [] == document.all("form")
    assert "Close this page to go back to Messenger." in document.sentence
    assert "Reference q3m9-7d2k" in document.sentence


def test_trying_again_by_get_is_a_link() -> None:
    document = page("busy")

    assert 1 == len(document.all("a", href="/authorize/q3m9"))
    assert ["/authorize/q3m9/cancel"] == [form["action"] for form in document.all("form")]


def test_only_pages_that_wait_are_loaded_anew() -> None:
    """R81: and by a tag only without script; with script nobody who listens is interrupted."""
    pages = {name: SAMPLES[name].render() for name in SAMPLES}
    refreshing = {name: page for name, page in pages.items() if "http-equiv" in page}

    # For Messenger, or for the chat; the page with the code more seldom.
    waiting = {"waiting": 3, "connect-invite": 20, "connect-answer": 3, "connect-write-first": 3}
    assert waiting.keys() == refreshing.keys()
    for name, seconds in waiting.items():
        tag = f'<noscript><meta http-equiv="refresh" content="{seconds}"></noscript>'
        assert tag in refreshing[name]


def test_the_landing_page_tells_no_version() -> None:
    assert not re.search(r"\d", page("landing").sentence)


OWN_WORDS = ("sign-in-in-own-words", "linked-in-own-words")


@pytest.mark.parametrize("name", [name for name in SAMPLES if name not in OWN_WORDS])
def test_every_word_of_a_page_is_in_the_catalogues(name: str) -> None:
    """What is not in brackets in the pseudo-locale would be English in every language."""
    html = SAMPLES[name].render(language="en-XA").partition("<body>")[2]
    without_names = re.sub(r"<bdi[^>]*>.*?</bdi>", "", html, flags=re.DOTALL)
    said = re.findall(
        r'(?:aria-label|alt|title|data-busy|data-shown|data-shown-label|data-countdown)="([^"]+)"',
        without_names,
    )
    said += re.split(r"<[^>]*>", without_names)

    english = [each for each in map(str.strip, said) if re.search(r"[^\W\d_]", each)]
    # The program's own name is the same in every language.
    assert set() == {
        each for each in english if not (each.startswith("[") and each.endswith("]"))
    } - {"Threadlink"}
    assert english
