"""The meaning of the log events about the Pages at Meta: standing, names and pictures."""

from typing import Final

from app.infra.observability.log_event import LogEvent

PAGES: Final = (
    LogEvent(
        "page.restricted",
        "Meta restricts the Page (webhook field `business_integrity`): its `status` there, the "
        "`features` that it may not use, the `violations`, and the end (`until`), if Meta names "
        "one. While `page_messaging` or `page_messaging_api` is among the features nobody can be "
        "sent a message; with `page_publish` the Page is not to be seen.",
        "An admin of the Page: Meta Business Suite, the Page's status, where an appeal can be "
        "filed.",
    ),
    LogEvent(
        "page.warned",
        "Meta holds `violations` against the Page, or restricts `features` that linking does not "
        "need: it may be restricted next.",
        "An admin of the Page: Meta Business Suite, the Page's status.",
    ),
    LogEvent("page.restriction_lifted", "Meta has lifted the restriction of the Page."),
    LogEvent("page.appeal", "An appeal of the Page's admin was filed, or decided."),
    LogEvent(
        "page_profile.changed",
        "The Page has another name or picture at Meta than before (`fields`), and people see it. "
        "`name` is the new one.",
        "If it was not you: somebody else can change the Page. PAGE_NAME and BRAND_LOGO replace "
        "both.",
    ),
    LogEvent(
        "page_profile.refused",
        "Graph did not tell the Page's name, or its picture could not be fetched: `code` and "
        "`told` are Graph's, `picture` is the reason. What is known of the Page stays.",
        "`threadlink doctor` if it does not pass; or set PAGE_NAME and BRAND_LOGO.",
    ),
    LogEvent(
        "page_profile.not_read",
        "The database did not give the Pages' names and pictures. Pages are shown with those that "
        "the process knows.",
        "Look at the database.",
    ),
    LogEvent(
        "handoff.refused",
        "A browser came to `/connect/handoff`, and was not taken over, for `reason`: `origin` (of "
        "no site in CONNECT_ORIGINS), `token` (unknown or used), `late`, or `get` (by a link).",
        "If it was your own site: CONNECT_ORIGINS, and no `Referrer-Policy: no-referrer` there, "
        "with which Chromium sends `Origin: null`. Else somebody tries to sign people in.",
    ),
)
