"""The pages' behaviour in a real browser, with their script and without it."""

from typing import Final

import pytest

from tests.web.gallery_server import GalleryServer, Visit
from tests.web.page_gallery import SAMPLES

# What a browser sends each of these to.
TARGETS: Final = {"focus": "window", "pageshow": "window", "visibilitychange": "document"}
COUNT_SENT = """
  window.sent = 0;
  addEventListener("submit", (event) => { sent += event.defaultPrevented ? 0 : 1; });
"""


def test_everything_works_without_script(visit: Visit, gallery: GalleryServer) -> None:
    """R81: an in-app browser may have it off."""
    page = visit("sign-in", java_script_enabled=False)
    assert 0 == page.get_by_role("button", name="Show").count()
    page.get_by_label("Email or username").fill("jane")
    page.locator("#password").fill("correct horse")
    with page.expect_response("**/authorize/q3m9"):
        page.get_by_role("button", name="Log in").click()

    question = visit("confirm", java_script_enabled=False)
    with question.expect_response("**/confirm"):
        question.get_by_role("button", name="Yes, connect").click()

    assert ["/authorize/q3m9", "/authorize/q3m9/confirm"] == gallery.posted


def test_a_password_can_be_looked_at(visit: Visit) -> None:
    page = visit("sign-in")
    field = page.locator("#password")
    field.fill("correct horse")

    page.get_by_role("button", name="Show password").click()
    shown = field.get_attribute("type")
    page.get_by_role("button", name="Hide password").click()

    assert "text" == shown
    assert "password" == field.get_attribute("type")
    assert "correct horse" == field.input_value()


def test_a_shown_password_is_hidden_before_it_is_sent(visit: Visit, gallery: GalleryServer) -> None:
    """Browsers keep what was typed into text fields, and offer it to whoever comes next."""
    page = visit("sign-in")
    page.locator("#username").fill("jane")
    page.locator("#password").fill("correct horse")
    page.get_by_role("button", name="Show password").click()

    with page.expect_response("**/authorize/q3m9"):
        page.locator("#password").press("Enter")

    assert "password" == page.locator("#password").get_attribute("type")
    assert ["/authorize/q3m9"] == gallery.posted


def test_a_second_click_waits_and_the_form_opens_again(
    visit: Visit, gallery: GalleryServer
) -> None:
    """Messenger may take over without leaving the page: then nobody may be shut out of it."""
    page = visit("linked", paused=True)
    page.evaluate(COUNT_SENT)
    back = page.get_by_role("button", name="Back to Messenger")

    with page.expect_response("**/cancel"):
        back.click()
    back.click()
    at_once = page.evaluate("sent")
    page.clock.run_for(5000)
    with page.expect_response("**/cancel"):
        back.click()

    assert 1 == at_once
    assert ["/authorize/q3m9/cancel"] * 2 == gallery.posted


def test_connect_waits_until_it_has_been_seen(visit: Visit) -> None:
    """R80: the second half of a double click, begun elsewhere, must not fall on it."""
    page = visit("confirm", paused=True)
    connect = page.get_by_role("button", name="Yes, connect")

    page.clock.run_for(490)
    early = connect.is_enabled()
    page.clock.run_for(10)

    assert not early
    assert connect.is_enabled()


@pytest.mark.parametrize("sign", ["focus", "pageshow", "visibilitychange"])
def test_connect_waits_again_when_another_window_was_in_front(visit: Visit, sign: str) -> None:
    """R80: the window above is closed between the two halves of a double click."""
    page = visit("confirm", paused=True)
    connect = page.get_by_role("button", name="Yes, connect")
    page.clock.run_for(500)
    ready = connect.is_enabled()

    page.evaluate(f"{TARGETS[sign]}.dispatchEvent(new Event('{sign}'))")
    at_once = connect.is_enabled()
    page.clock.run_for(490)
    early = connect.is_enabled()
    page.clock.run_for(10)

    assert (True, False, False, True) == (ready, at_once, early, connect.is_enabled())


def test_connect_is_shut_while_another_window_is_in_front(visit: Visit) -> None:
    """R80: however long that takes; and a timer that was running opens it no more."""
    page = visit("confirm", paused=True)
    connect = page.get_by_role("button", name="Yes, connect")
    page.clock.run_for(490)

    page.evaluate("window.dispatchEvent(new Event('blur'))")
    page.clock.run_for(60_000)
    behind = connect.is_enabled()
    page.evaluate("window.dispatchEvent(new Event('focus'))")
    page.clock.run_for(500)

    assert not behind
    assert connect.is_enabled()


def test_a_touch_opens_connect_where_the_browser_tells_of_no_focus(
    visit: Visit, gallery: GalleryServer
) -> None:
    """R81: nobody is shut out; the touch itself does not connect, the one after it does."""
    page = visit("confirm", paused=True)
    connect = page.get_by_role("button", name="Yes, connect")
    page.clock.run_for(500)
    page.evaluate("window.dispatchEvent(new Event('blur'))")

    page.get_by_role("heading").click()
    at_once = connect.is_enabled()
    page.clock.run_for(500)
    with page.expect_response("**/confirm"):
        connect.click()

    assert not at_once
    assert ["/authorize/q3m9/confirm"] == gallery.posted


def test_enter_in_the_code_is_connect(visit: Visit, gallery: GalleryServer) -> None:
    """R15: the proof is what was typed; before it could be read, Enter does nothing."""
    page = visit("code", paused=True)
    page.evaluate(COUNT_SENT)
    page.locator("#code").fill("123 456")
    page.locator("#code").press("Enter")
    early = page.evaluate("sent")

    page.clock.run_for(500)
    with page.expect_response("**/confirm") as response:
        page.locator("#code").press("Enter")

    assert 0 == early
    assert (
        "code=123+456&form_token=f0rm-t0ken&question=qu3st10n" == response.value.request.post_data
    )
    assert ["/authorize/q3m9/confirm"] == gallery.posted


def test_a_problem_is_what_the_page_begins_with(visit: Visit) -> None:
    """R81: a screen reader starts at the summary."""
    page = visit("sign-in-refused")

    assert "alert" == page.evaluate("document.activeElement.getAttribute('role')")


def test_the_time_left_is_counted_down_and_its_end_is_told(visit: Visit) -> None:
    """R81; WCAG 2.2, 2.2.1: the last two minutes are read out, then the page that says so comes."""
    page = visit("sign-in", paused=True)
    clock = page.locator("[data-seconds-left]")
    told = [(clock.inner_text(), clock.get_attribute("role"))]
    for _ in range(3):
        page.clock.run_for(60_000)
        told.append((clock.inner_text(), clock.get_attribute("role")))

    assert [
        ("This page works for 4 more minutes.", None),
        ("This page works for 3 more minutes.", None),
        ("This page works for 2 more minutes.", "status"),
        ("This page works for 1 more minute.", "status"),
    ] == told
    with page.expect_navigation():
        page.clock.run_for(60_000)


def test_a_sent_form_says_that_it_is_under_way(visit: Visit) -> None:
    page = visit("confirm", paused=True)
    page.clock.run_for(500)
    with page.expect_response("**/confirm"):
        page.get_by_role("button", name="Yes, connect").click()

    assert page.get_by_role("button", name="Connecting…").is_visible()
    page.clock.run_for(5000)
    assert page.get_by_role("button", name="Yes, connect").is_visible()


def test_waiting_ends_once_there_is_something_to_say(visit: Visit, gallery: GalleryServer) -> None:
    page = visit("waiting", paused=True)
    page.clock.run_for(3000)
    still = page.get_by_role("heading").inner_text()
    page.route(
        f"{gallery.url}/waiting",
        lambda route: route.fulfill(body=SAMPLES["linked"].render(), content_type="text/html"),
    )

    page.clock.run_for(3000)
    page.get_by_role("heading", name="You’re connected").wait_for()

    assert "Connecting…" == still
