"""The meaning of the log events about the Pages' names and pictures at Meta."""

from typing import Final

from app.infra.observability.log_event import LogEvent

PAGES: Final = (
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
)
