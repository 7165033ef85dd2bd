"""Texts of the pages: their English, their values and their number."""

from markupsafe import Markup

from app.web.languages import translation
from app.web.languages.message import N_, NN_, NP_


def test_a_text_reads_as_english_with_its_values() -> None:
    assert str(N_("%(provider)s isn’t answering.").with_values(provider="Corp")) == (
        "Corp isn’t answering."
    )


def test_a_percent_sign_in_a_text_without_values_stays() -> None:
    assert str(N_("100 % sure")) == "100 % sure"


def test_the_number_chooses_the_form() -> None:
    minutes = NN_("%(num)d minute", "%(num)d minutes")
    assert [str(minutes.with_values(num=n)) for n in (0, 1, 2)] == [
        "0 minutes",
        "1 minute",
        "2 minutes",
    ]


def test_a_name_in_a_page_is_text_and_isolated() -> None:
    said = translation.say(N_("Ask %(provider)s.").with_values(provider="<b>"))
    assert said == Markup("Ask <bdi>&lt;b&gt;</bdi>.")


def test_a_protected_text_keeps_its_context() -> None:
    assert NP_("security", "Cancel").context == "security"
