"""Providers that refuse browsers living in other apps, met in Chromium as Messenger's own (R55)."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from app.infra import clock
from tests.accounts.oidc_provider import providing
from tests.browsers import ON_ANDROID, ON_IOS
from tests.journeys.mobile_browser import MobileBrowser
from tests.journeys.program import Threadlink
from tests.journeys.test_authenticators import business, connects, oidc
from tests.ports import free_port

PASSWORD = "quiet harbour, four gulls"


@pytest.fixture(params=[ON_IOS, ON_ANDROID], ids=["iOS", "Android"])
def phone(browser: Browser, request: pytest.FixtureRequest) -> Iterator[MobileBrowser]:
    """Yield the smallest phone, in the dark, whose browser is Messenger's."""
    name = request.node.name.removeprefix("test_").replace("[", "-").rstrip("]")
    phone = MobileBrowser(browser, name, user_agent=request.param)
    phone.is_small()
    yield phone
    phone.context.close()
    assert [] == phone.complaints


def buttons(phone: MobileBrowser) -> list[str]:
    """Return what can be tapped on the page to go on, from the top."""
    shown = phone.page.get_by_role("main").get_by_role("button").all_inner_texts()
    return [words.strip() for words in shown if words.strip() != "Show"]


def test_in_messenger_the_other_ways_are_offered_and_work(
    threadlink: Threadlink, phone: MobileBrowser
) -> None:
    """R55: a sentence stands where the button would lead to a page that says 403."""
    public_url = f"http://127.0.0.1:{free_port()}"
    with providing(clock.now()) as refusing, providing(clock.now()) as taking:
        settings = {
            "AUTHENTICATORS": "local oidc:google oidc:staff",
            **oidc("GOOGLE", refusing.issuer),
            "OIDC_GOOGLE_IN_WEBVIEWS": "0",
            **oidc("STAFF", taking.issuer),
        }
        with business(threadlink, public_url, **settings) as shop:
            threadlink.does(
                "accounts", "add", "--by-owner", "jane@example.com", typed=f"{PASSWORD}\n"
            )
            phone.opens(shop.chat_url)
            phone.taps("Log In")
            phone.sees("Google doesn’t work inside Messenger. Log in another way.")
            assert ["Log in", "Continue with Staff", "Back to Messenger"] == buttons(phone)
            phone.taps("Continue with Staff")
            expect(phone.page.get_by_role("link", name="Go on")).to_be_visible()
            phone.page.go_back()
            phone.signs_in("jane@example.com", PASSWORD)
            connects(phone, "j•••@example.com")
            link = shop.link()

    assert "local" == link["issuer"]
    assert taking.asked
    assert [] == refusing.asked


def test_where_no_way_works_inside_messenger_that_is_said(
    threadlink: Threadlink, phone: MobileBrowser
) -> None:
    """R55: nobody is sent to look for another way that is not there; the way back is."""
    public_url = f"http://127.0.0.1:{free_port()}"
    with providing(clock.now()) as refusing:
        settings = {
            "AUTHENTICATORS": "oidc:google",
            **oidc("GOOGLE", refusing.issuer),
            "OIDC_GOOGLE_IN_WEBVIEWS": "0",
            "HELP_URL_CONTACT": f"{public_url}/",
        }
        with business(threadlink, public_url, **settings) as shop:
            phone.opens(shop.chat_url)
            phone.taps("Log In")
            phone.sees("Google doesn’t work inside Messenger, and there’s no other way")
            assert ["Back to Messenger"] == buttons(phone)
            expect(phone.page.get_by_role("link", name="Get help")).to_be_visible()
            phone.taps("Back to Messenger")
            phone.taps("Back to the chat")
            phone.opens("about:blank")
            assert [] == refusing.asked
            told = threadlink.calls("doctor").stdout

    assert "no sign-in method works inside Messenger" in told
