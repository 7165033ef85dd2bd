"""Three traps of Chromium, and what it keeps and sends, on every page (R67, R75, R77, R78, R81).

Facebook is played by a server that sends the browser on, as the real one does: to a second host,
or to an app by a scheme that no browser knows.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from threading import Barrier
from urllib.parse import parse_qs, urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]  # no types
from playwright.sync_api import Browser, BrowserContext, Page, Request, Route, expect
from sqlalchemy import URL
from werkzeug.wrappers import Request as Asked

from app.accounts.authenticators import PasswordAuthenticator
from app.accounts.identity import Identity
from app.accounts.sign_in_methods import SignInMethods
from app.cli.listening import listening
from app.cli.serving import serving
from app.services.container import build
from tests.actors import Graph
from tests.installation import PAGE, PASSWORD, USERNAME, add_jane, settings_for
from tests.journeys.facebook_redirects import Facebook, RedirectSetup, served

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


@pytest.fixture
def scene(database: URL, graph: Graph) -> Iterator[RedirectSetup]:
    facebook = Facebook()
    facebook_app = Asked.application(facebook.answer)
    # Two hosts to a browser: the name and the number of the same machine.
    with served(facebook_app, "127.0.0.1") as origin, served(facebook_app, "localhost") as other:
        facebook.origin, facebook.onward = origin, f"{other}/arrived"
        with listening("127.0.0.1", 0) as listener:
            url = f"http://127.0.0.1:{listener.getsockname()[1]}"
            services = build(settings_for(database, PUBLIC_URL=url, REDIRECT_ORIGINS=origin))
            add_jane(services)
            with serving(services, listener):
                yield RedirectSetup(services, facebook, graph)


@dataclass
class Device:
    """A browser's window; *policy* is what it has complained of."""

    context: BrowserContext
    page: Page
    policy: list[str] = field(default_factory=list)

    def signs_in(self, password: str = PASSWORD) -> None:
        self.page.get_by_label("Email or username").fill(USERNAME)
        self.page.locator("#password").fill(password)
        self.page.get_by_role("button", name="Log in").click()

    def presses(self, *names: str) -> None:
        """Press the first button there is of *names*."""
        for name in names:
            button = self.page.get_by_role("button", name=name, exact=True)
            if button.count():
                button.click()
                return
        raise AssertionError(f"none of {names} on {self.page.title()}")


@pytest.fixture
def device(browser: Browser) -> Iterator[Callable[..., Device]]:
    """Yield what hands out devices; by the end none may have reported a breach of its policy."""
    devices: list[Device] = []

    def hand_out(**options: object) -> Device:
        context = browser.new_context(**options)  # type: ignore[arg-type]  # playwright's own names
        device = Device(context, context.new_page())
        device.page.on(
            "console",
            lambda said: (
                device.policy.append(said.text) if "Content Security Policy" in said.text else None
            ),
        )
        devices.append(device)
        return device

    yield hand_out
    for each in devices:
        each.context.close()
    assert [] == [complaint for each in devices for complaint in each.policy]


Hand = Callable[..., Device]


def _on_sign_in(_scene: RedirectSetup, _device: Device) -> None:
    """There already."""


def _on_wrong_password(_scene: RedirectSetup, device: Device) -> None:
    device.signs_in("wrong")
    expect(device.page.get_by_role("alert")).to_be_visible()


def _on_question(_scene: RedirectSetup, device: Device) -> None:
    device.signs_in()
    expect(device.page.get_by_role("button", name="Yes, connect")).to_be_enabled()


def _without_graph(scene: RedirectSetup, device: Device) -> None:
    scene.graph.is_down = True
    device.signs_in()
    expect(device.page.get_by_role("link", name="Try again")).to_be_visible()


def _too_often(_scene: RedirectSetup, device: Device) -> None:
    for _ in range(6):
        device.signs_in("wrong")
    expect(
        device.page.get_by_text("Too many", exact=False)
        .or_(device.page.get_by_text("Too many attempts", exact=False))
        .first
    ).to_be_visible()


def _on_an_old_form(_scene: RedirectSetup, device: Device) -> None:
    device.page.evaluate(
        "document.querySelectorAll('[name=form_token]').forEach(e => e.value = 'x')"
    )
    device.signs_in()
    expect(device.page.get_by_text("This page is out of date")).to_be_visible()


def _state(change: str) -> Callable[[RedirectSetup, Device], None]:
    def become(scene: RedirectSetup, device: Device) -> None:
        scene.becomes(change)
        device.page.reload()

    return become


CONFIRMED = "psid = '1', issuer = 'local', subject = 'x', signed_in_at = opened_at, code_hash = 'h'"
STATES: dict[str, Callable[[RedirectSetup, Device], None]] = {
    "sign-in": _on_sign_in,
    "wrong password": _on_wrong_password,
    "question": _on_question,
    "Graph down": _without_graph,
    "too often": _too_often,
    "old form": _on_an_old_form,
    "expired": _state("opened_at = '2020-01-01 00:00:00.000000'"),
    "token refused": _state("ended_at = opened_at, ended_as = 'refused', reason = 'token refused'"),
    "waiting": _state(f"{CONFIRMED}, confirmed_at = opened_at"),
    "never confirmed": _state(f"{CONFIRMED}, confirmed_at = '2020-01-01 00:00:00.000000'"),
    "linked": _state("ended_at = opened_at, ended_as = 'linked'"),
    "cancelled": _state("ended_at = opened_at, ended_as = 'cancelled'"),
    "refused": _state("ended_at = opened_at, ended_as = 'refused'"),
    "gone": _state("id = 'gone'"),
}


@pytest.mark.parametrize("state", STATES)
def test_the_way_back_works_from_every_page(scene: RedirectSetup, device: Hand, state: str) -> None:
    """R75, R81: on over a second host, with 320 px, and nothing for axe to find."""
    phone = device(viewport={"width": 320, "height": 568})
    login = scene.login()
    phone.page.goto(scene.address(login))
    STATES[state](scene, phone)
    assert 320 >= phone.page.evaluate("document.documentElement.scrollWidth")
    assert [] == _serious(phone.page)

    phone.presses("No, cancel", "Cancel", "Back to Messenger")

    phone.page.wait_for_url(scene.facebook.onward)
    assert [login.redirect_uri] == scene.facebook.came_back


def test_connect_takes_the_code_over_two_hosts(scene: RedirectSetup, device: Hand) -> None:
    """R75: the answer to our form hops twice before it arrives."""
    phone = device()
    login = scene.login()
    phone.page.goto(scene.address(login))
    _on_question(scene, phone)

    phone.presses("Yes, connect", "Connect")

    phone.page.wait_for_url(scene.facebook.onward)
    (back,) = scene.facebook.came_back
    assert back.startswith(f"{login.redirect_uri}&authorization_code=tl_")


@pytest.mark.parametrize("button", ["Yes, connect", "No, cancel"])
def test_an_app_behind_a_scheme_of_its_own_is_reached(
    scene: RedirectSetup, device: Hand, button: str
) -> None:
    """R75: the last hop opens Messenger's app; the policy must have nothing to say about it."""
    scene.facebook.onward = "fb-messenger://threads"
    phone = device()
    phone.page.goto(scene.address(scene.login()))
    _on_question(scene, phone)

    with phone.page.expect_event("requestfailed") as failed:
        phone.presses(button)

    # Nobody on this machine knows the scheme: that is why it fails, and not the policy.
    assert "ERR_BLOCKED_BY_CSP" not in str(failed.value.failure)
    assert 1 == len(scene.facebook.came_back)


def test_the_trap_is_real(scene: RedirectSetup, browser: Browser) -> None:
    """R75: with form-action 'self' on the page, Chromium stops the very same way back."""
    context = browser.new_context()
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda said: complaints.append(said.text))

    def limit(route: Route) -> None:
        answer = route.fetch(max_redirects=0)
        policy = answer.headers.get("content-security-policy", "") + "; form-action 'self'"
        route.fulfill(
            response=answer, headers={**answer.headers, "content-security-policy": policy}
        )

    page.goto(scene.address(scene.login()))
    page.route("**/authorize/*", limit)
    page.reload()
    with page.expect_console_message(lambda said: "form-action" in said.text):
        page.get_by_role("button", name="Back to Messenger").click()

    assert "Arrived" != page.title()
    context.close()


def test_what_the_browser_keeps_and_sends(scene: RedirectSetup, device: Hand) -> None:
    """R67, R77, R78: Origin is null, since nobody is told where we come from, and is heard."""
    phone = device()
    login = scene.login()
    sent: list[Request] = []
    # A method of a built-in type is more than playwright can hold on to.
    phone.page.on("request", lambda request: sent.append(request))  # noqa: PLW0108 - see above
    phone.page.goto(scene.address(login))
    (cookie,) = phone.context.cookies()
    _on_question(scene, phone)
    phone.presses("Yes, connect", "Connect")
    phone.page.wait_for_url(scene.facebook.onward)

    posts = [request.all_headers() for request in sent if request.method == "POST"]
    assert ["null", "null"] == [headers["origin"] for headers in posts]
    assert ["same-origin"] * 2 == [headers["sec-fetch-site"] for headers in posts]
    assert [] == [h["referer"] for h in (r.all_headers() for r in sent) if h.get("referer")]
    assert (True, "Lax", "/") == (cookie["httpOnly"], cookie["sameSite"], cookie["path"])
    assert cookie["name"].startswith("attempt-")
    kept = phone.page.evaluate("[document.cookie, localStorage.length, sessionStorage.length]")
    assert ["", 0, 0] == kept
    hosts = {urlsplit(request.url).netloc for request in sent}
    ours = urlsplit(scene.services.settings.public_url).netloc
    there = urlsplit(scene.facebook.origin).netloc, urlsplit(scene.facebook.onward).netloc
    assert {ours, *there} == hosts


def test_the_whole_way_works_without_script(scene: RedirectSetup, device: Hand) -> None:
    """R81: an in-app browser may have it off."""
    phone = device(java_script_enabled=False, viewport={"width": 320, "height": 568})
    login = scene.login()
    phone.page.goto(scene.address(login))
    phone.signs_in("wrong")
    phone.signs_in()

    phone.presses("Yes, connect", "Connect")

    phone.page.wait_for_url(scene.facebook.onward)
    assert "authorization_code" in parse_qs(urlsplit(scene.facebook.came_back[0]).query)


class TwoAtOnce:
    """Asks the real authenticator once two are asking at the same time."""

    def __init__(self, real: PasswordAuthenticator) -> None:
        self._real = real
        self._together = Barrier(2, timeout=30)

    def verify(self, username: str, password: str) -> Identity:
        self._together.wait()
        return self._real.verify(username, password)


def test_a_double_tap_on_sign_in_ends_at_the_question(scene: RedirectSetup, device: Hand) -> None:
    """R13, R19: both are sent with the cookie of before, and the browser drops one answer."""
    services = scene.services
    assert isinstance(services.sign_in_methods, dict)
    real = services.sign_in_methods[PAGE].password
    assert real is not None
    services.sign_in_methods[PAGE] = SignInMethods(TwoAtOnce(real), ())
    phone = device(java_script_enabled=False)
    phone.page.goto(scene.address(scene.login()))
    phone.page.get_by_label("Email or username").fill(USERNAME)
    phone.page.locator("#password").fill(PASSWORD)
    box = phone.page.get_by_role("button", name="Log in").bounding_box()
    assert box is not None
    # A locator's click would wait for the first navigation to finish.
    place = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2

    with phone.page.expect_request(lambda request: request.method == "POST"):
        phone.page.mouse.click(*place)
    phone.page.mouse.click(*place)

    expect(phone.page.get_by_role("heading", name="Is this you on Messenger?")).to_be_visible()
    phone.presses("Yes, connect", "Connect")
    phone.page.wait_for_url(scene.facebook.onward)
    assert "authorization_code" in parse_qs(urlsplit(scene.facebook.came_back[0]).query)


def test_going_back_shows_what_has_become_of_it(scene: RedirectSetup, device: Hand) -> None:
    """R79: no old page comes out of a cache."""
    phone = device()
    phone.page.goto(scene.address(scene.login()))
    _on_question(scene, phone)
    phone.presses("Yes, connect", "Connect")
    phone.page.wait_for_url(scene.facebook.onward)

    phone.page.go_back()

    expect(phone.page.get_by_role("heading", name="Connecting…")).to_be_visible()
    phone.presses("Back to Messenger")
    phone.page.wait_for_url(scene.facebook.onward)
    assert 2 == len(scene.facebook.came_back)


def _serious(page: Page) -> list[str]:
    found = Axe().run(page).response["violations"]
    return [rule["id"] for rule in found if rule["impact"] in {"serious", "critical"}]
