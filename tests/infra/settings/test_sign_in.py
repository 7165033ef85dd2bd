import pytest

from app.infra.settings.parsing import SettingError
from app.infra.settings.reader import Reader
from app.infra.settings.settings import ConfigError
from app.infra.settings.sign_in import Kind, parse_authenticators, read_sign_in
from app.services.settings import settings_from_env
from tests.installation import ENVIRONMENT


class Form:
    """A kind with a password form and one setting."""

    has_form = True

    def read(self, reader: Reader, name: str) -> str:
        return reader.required(f"FORM_{name.upper()}_URL", str)


class Redirect:
    """A kind that sends people elsewhere, and has one setting."""

    has_form = False

    def read(self, reader: Reader, name: str) -> str:
        return reader.required(f"REDIRECT_{name.upper()}_URL", str)


class Local:
    """A kind with a form and without settings."""

    has_form = True
    read = None


KINDS: dict[str, Kind] = {"local": Local(), "form": Form(), "redirect": Redirect()}


@pytest.mark.parametrize(
    "text",
    [
        "local",
        "form:shop",
        "redirect:a redirect:b",
        "redirect:a local redirect:b",
        "form:7 redirect:7",
    ],
)
def test_a_page_has_one_form_and_any_number_of_redirects(text: str) -> None:
    assert tuple(text.split()) == parse_authenticators(text, KINDS)


@pytest.mark.parametrize(
    "text", ["", "magic", "local:x", "form", "form:", "form:A_", "form:a:b", "form:" + "a" * 33]
)
def test_an_unknown_kind_or_name_is_refused(text: str) -> None:
    with pytest.raises(SettingError, match=r"^must name local, form:NAME or redirect:NAME "):
        parse_authenticators(text, KINDS)


@pytest.mark.parametrize("text", ["local form:a", "form:a form:b", "redirect:a form:a local"])
def test_two_forms_are_refused(text: str) -> None:
    with pytest.raises(SettingError, match=r"^names two that ask for a password"):
        parse_authenticators(text, KINDS)


def test_the_same_authenticator_twice_is_refused() -> None:
    with pytest.raises(SettingError, match="twice"):
        parse_authenticators("redirect:a redirect:a", KINDS)


def test_local_is_the_default() -> None:
    assert ("local",) == read_sign_in(Reader({}), KINDS, ()).authenticators


def test_the_settings_of_each_are_read_once_for_all_pages() -> None:
    env = {"AUTHENTICATORS": "form:shop", "FORM_SHOP_URL": "a", "REDIRECT_STAFF_URL": "b"}

    sign_in = read_sign_in(Reader(env), KINDS, ["redirect:staff", "form:shop", "local"])

    assert ("form:shop",) == sign_in.authenticators
    assert {"form:shop": "a", "local": None, "redirect:staff": "b"} == sign_in.settings_of


def test_everything_wrong_is_reported_at_once() -> None:
    reader = Reader({"AUTHENTICATORS": "form:shop redirect:staff", "HELP_URL_CONTACT": "nowhere"})

    read_sign_in(reader, KINDS, ())

    assert ["HELP_URL_CONTACT", "FORM_SHOP_URL", "REDIRECT_STAFF_URL"] == [
        problem.split()[0] for problem in reader.errors
    ]


def test_a_help_link_must_be_a_web_address() -> None:
    with pytest.raises(ConfigError, match="HELP_URL_CONTACT must be"):
        settings_from_env({**ENVIRONMENT, "HELP_URL_CONTACT": "javascript:alert(1)"})
