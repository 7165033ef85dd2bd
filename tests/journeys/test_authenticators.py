"""Each authenticator as a person meets it: Messenger emulated, everything else for real."""

import csv
import re
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from playwright.sync_api import expect

from app.infra import clock
from tests.accounts.active_directory import DISABLED, JANE, MUST_CHANGE, Domain
from tests.accounts.active_directory import PASSWORD as AD_PASSWORD
from tests.accounts.oidc_provider import providing
from tests.accounts.password_endpoint import SECRET, example
from tests.certified.provider import certified_provider
from tests.journeys.mobile_browser import MobileBrowser
from tests.journeys.program import Threadlink, emulated
from tests.journeys.providers import oidc_provider_mock
from tests.ports import free_port


@dataclass(frozen=True)
class Business:
    """A Threadlink beside an emulated Messenger, and the chat of one person with it."""

    threadlink: Threadlink
    chat_url: str

    def link(self) -> dict[str, str]:
        """Return the one link there is."""
        (link,) = csv.DictReader(self.threadlink.does("links", "export").splitlines())
        return link


@contextmanager
def business(threadlink: Threadlink, public_url: str, **settings: str) -> Iterator[Business]:
    with emulated(f"{public_url}/webhook") as there:
        ana = there["pages"][0]["people"][0]
        own = {"SECRET_KEY": secrets.token_urlsafe(48), "PUBLIC_URL": public_url, **settings}
        lines = (f"{name}={text}\n" for name, text in {**there["env"], **own}.items())
        (threadlink.folder / ".env").write_text("".join(lines))
        threadlink.does("db", "upgrade")
        threadlink.does("messenger", "set-url")
        threadlink.does("messenger", "send-button", ana["psid"])
        with threadlink.serves("run") as server:
            assert server.first_line.startswith("Serving")
            yield Business(threadlink, ana["chat_url"])


def oidc(name: str, issuer: str) -> dict[str, str]:
    return {
        f"OIDC_{name}_ISSUER": issuer,
        f"OIDC_{name}_CLIENT_ID": "threadlink",
        f"OIDC_{name}_CLIENT_SECRET": "s3cret:of/ours",
    }


def connects(phone: MobileBrowser, name: str) -> None:
    """Confirm as the person whose account is shown as *name*, and leave the chat."""
    phone.sees(name)
    phone.taps("Connect")
    phone.taps("Back to the chat")
    phone.sees("You logged in to Harbour Coffee.")
    # The chat keeps itself fresh, and would miss the emulator.
    phone.opens("about:blank")


def test_a_person_links_by_two_providers_that_others_wrote(
    threadlink: Threadlink, phone: MobileBrowser
) -> None:
    """R56-R58: npm's oidc-provider, after turning back there once, and then PyPI's mock."""
    # Their pages want fonts from elsewhere, and tests go nowhere.
    phone.context.route(re.compile("https://"), lambda route: route.fulfill(body=""))
    public_url = f"http://127.0.0.1:{free_port()}"
    callback = f"{public_url}/authorize/oidc/staff/callback"
    with certified_provider() as certified, oidc_provider_mock(free_port()) as mock:
        staff = certified.configure(callback)
        settings = {**oidc("STAFF", staff), **oidc("MOCK", mock)}
        ways = "local oidc:staff oidc:mock"
        with business(threadlink, public_url, AUTHENTICATORS=ways, **settings) as shop:
            phone.opens(shop.chat_url)
            phone.taps("Log In")
            phone.sees("Continue with Staff")
            phone.taps("Continue with Staff")
            phone.taps("[ Cancel ]")
            phone.sees("You didn’t finish with Staff, or it didn’t let you in.")
            phone.taps("Continue with Staff")
            phone.page.get_by_placeholder("Enter any login").fill("jane")
            phone.page.get_by_placeholder("and password").fill("anything")
            phone.taps("Sign-in")
            phone.taps("Continue")
            connects(phone, "j•••@example.com")
            by_staff = shop.link()

            phone.opens(shop.chat_url)
            phone.taps("Details of this chat")
            phone.taps("Log Out")
            phone.sees("You logged out of Harbour Coffee.")
            phone.taps("Log In")
            phone.taps("Continue with Mock")
            phone.taps("zoe")
            connects(phone, "z•••@example.com")
            by_mock = shop.link()

    # What Chromium thinks of the form on npm's page is not about ours.
    phone.complaints[:] = [said for said in phone.complaints if not said.startswith("[DOM]")]
    assert (staff, "jane") == (by_staff["issuer"], by_staff["subject"])
    assert (mock, "zoe") == (by_mock["issuer"], by_mock["subject"])


def test_a_person_links_by_the_businesss_own_endpoint(
    threadlink: Threadlink, phone: MobileBrowser
) -> None:
    """The documented example is all that the business has to write."""
    public_url = f"http://127.0.0.1:{free_port()}"
    with example("python") as endpoint:
        settings = {
            "AUTHENTICATORS": "http:shop",
            "HTTP_SHOP_URL": endpoint,
            "HTTP_SHOP_SECRET": SECRET,
            "HELP_URL_PASSWORD": f"{public_url}/",
        }
        with business(threadlink, public_url, **settings) as shop:
            phone.opens(shop.chat_url)
            phone.taps("Log In")
            phone.taps("Forgot your password?")
            expect(phone.page).to_have_url(f"{public_url}/")
            phone.page.go_back()
            phone.signs_in("jane@example.com", "not the password")
            phone.sees("Wrong email, username or password.")
            phone.signs_in("jane@example.com", "gravel teapot under nineteen")
            connects(phone, "j•••@example.com")
            link = shop.link()

    assert ("http:shop", "u-81") == (link["issuer"], link["subject"])


def test_a_person_links_by_a_directory(
    threadlink: Threadlink, phone: MobileBrowser, active_directory: Domain
) -> None:
    """Active Directory, by StartTLS with a CA of its own; "not you?" in between, and known by what
    no renaming changes. A name is taken as an East Asian keyboard types it.
    """
    public_url = f"http://127.0.0.1:{free_port()}"
    there = active_directory.settings()
    settings = {
        "AUTHENTICATORS": "ldap:staff",
        "LDAP_STAFF_URL": f"ldap://{active_directory.named}",
        "LDAP_STAFF_BASE": there.base,
        "LDAP_STAFF_FILTER": there.filter,
        "LDAP_STAFF_BIND_DN": there.bind_dn,
        "LDAP_STAFF_BIND_PASSWORD": there.bind_password,
        "LDAP_STAFF_SUBJECT": there.subject,
        "LDAP_STAFF_NAME_ATTRIBUTE": "mail",
        "LDAP_STAFF_CA_FILE": active_directory.ca_file,
    }
    with business(threadlink, public_url, **settings) as shop:
        phone.opens(shop.chat_url)
        phone.taps("Log In")
        for name in ("*", DISABLED, MUST_CHANGE):
            phone.signs_in(name, AD_PASSWORD)
            phone.sees("Wrong email, username or password.")
        phone.signs_in(JANE, AD_PASSWORD)
        phone.sees("j•••@example.org")
        phone.taps("Use a different account")
        phone.sees("Log in to use your account in Messenger.")
        phone.signs_in("\uff4a\uff41\uff4e\uff45 ", AD_PASSWORD)
        connects(phone, "j•••@example.org")
        link = shop.link()

    assert ("ldap:staff", active_directory.guid_of(JANE)) == (link["issuer"], link["subject"])


def test_providers_that_fail_leave_the_form(threadlink: Threadlink, phone: MobileBrowser) -> None:
    """R57: one lies and one hangs; each is said so, on a small phone in the dark."""
    public_url = f"http://127.0.0.1:{free_port()}"
    password = "quiet harbour, four gulls"
    with providing(clock.now()) as liar, providing(clock.now()) as silent:
        liar.claims["aud"] = "somebody else"
        silent.slow["/.well-known/openid-configuration"] = "silent"
        settings = {**oidc("LIAR", liar.issuer), **oidc("SILENT", silent.issuer)}
        settings["HELP_URL_PASSWORD"] = f"{public_url}/"
        ways = "local oidc:liar oidc:silent"
        with business(threadlink, public_url, AUTHENTICATORS=ways, **settings) as shop:
            threadlink.does(
                "accounts", "add", "--by-owner", "jane@example.com", typed=f"{password}\n"
            )
            phone.opens(shop.chat_url)
            phone.taps("Log In")
            phone.taps("Continue with Liar")
            phone.opens(phone.page.get_by_role("link", name="Go on").get_attribute("href") or "")
            phone.sees("Liar couldn’t log you in.")
            phone.is_small()
            phone.taps("Continue with Silent")
            phone.sees("Silent isn’t answering.")
            phone.taps("Forgot your password?")
            expect(phone.page).to_have_url(f"{public_url}/")
            phone.page.go_back()
            phone.sees("Continue with Silent")
            phone.signs_in("jane@example.com", password)
            connects(phone, "j•••@example.com")
            link = shop.link()

    assert "local" == link["issuer"]


def test_who_comes_back_too_late_is_told_how_to_start_again(
    threadlink: Threadlink, phone: MobileBrowser
) -> None:
    """R10: the five minutes are over while the person looks around at the provider."""
    public_url = f"http://127.0.0.1:{free_port()}"
    with providing(clock.now()) as provider:
        ways = {"AUTHENTICATORS": "oidc:stub", **oidc("STUB", provider.issuer)}
        with business(threadlink, public_url, **ways) as shop:
            phone.opens(shop.chat_url)
            phone.taps("Log In")
            phone.is_small()
            phone.taps("Continue with Stub")
            go_on = phone.page.get_by_role("link", name="Go on")
            expect(go_on).to_be_visible()
            database = threadlink.folder / "instance/threadlink.sqlite"
            with sqlite3.connect(database) as connection:
                connection.execute(
                    "UPDATE attempt SET opened_at = datetime(opened_at, '-6 minutes')"
                )
            connection.close()
            go_on.click()
            phone.sees("For your safety it works for five minutes")
            phone.taps("Back to Messenger")
            phone.opens("about:blank")

    assert [] == provider.exchanged
