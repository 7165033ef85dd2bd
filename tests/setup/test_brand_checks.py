"""What doctor warns of where people look for the business's name and its privacy policy."""

from datetime import datetime, timedelta
from typing import Any

from app.setup.brand_checks import OLD, SeenPage, check_brand
from tests.installation import NOON, PAGE


def warned(*, is_production: bool = True, at: datetime = NOON, **changed: Any) -> list[str]:
    """Return what doctor warns of, of a page with nothing wrong but what *changed* says."""
    sound: dict[str, Any] = {
        "id": PAGE,
        "name": "Harbour Coffee",
        "name_source": "meta",
        "has_privacy_link": True,
        "answered_at": NOON,
        "is_all_set": False,
    }
    findings = [*check_brand(SeenPage(**sound | changed), is_production=is_production, at=at)]
    assert all(finding.fix for finding in findings if finding.verdict != "ok")
    return [finding.subject for finding in findings if finding.verdict == "warning"]


def test_doctor_warns_of_an_absent_privacy_link_and_of_an_old_profile() -> None:
    link, profile = f"privacy link of page {PAGE}", f"profile of page {PAGE}"
    late = NOON + OLD + timedelta(seconds=1)

    assert [] == warned(at=NOON + OLD)
    assert [link] == warned(has_privacy_link=False)
    assert [] == warned(has_privacy_link=False, is_production=False)
    assert [profile] == warned(at=late)
    # Nothing of Meta's is shown.
    assert [] == warned(at=late, is_all_set=True)
