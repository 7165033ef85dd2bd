"""Causes that Graph's answers speak of; `graph_rows` says which code has which."""

from typing import Final

from app.linking.causes.cause import Cause, FixedBy, Stage
from app.linking.causes.sign_in import OURS

_META_AWAY: Final = "Messenger cannot be reached by us right now; please tap Log In in an hour."

GRAPH: Final = (
    Cause(
        slug="graph_token_dead",
        stage=Stage.OPENED,
        fixed_by=FixedBy.OPERATOR,
        sentence="The Page token is no longer good, so nobody can sign in on this Page ({code}).",
        fix="Make a new one in Meta's App Dashboard, put it into PAGE_ACCESS_TOKEN or PAGES_FILE, "
        "then: systemctl reload threadlink",
        answer=OURS,
    ),
    Cause(
        slug="graph_permission",
        stage=Stage.OPENED,
        fixed_by=FixedBy.OPERATOR,
        sentence="Meta refuses our app: a permission or feature is missing ({code}).",
        fix="threadlink doctor; then App Review > Permissions and features in Meta's App "
        "Dashboard.",
        answer=OURS,
    ),
    Cause(
        slug="graph_region",
        stage=Stage.OPENED,
        fixed_by=FixedBy.NOBODY,
        sentence="Meta's privacy rules for Europe and Japan refuse this person ({code}).",
        answer="Meta's privacy rules do not allow this connection for your profile, and neither "
        "you nor we can change that; we are glad to help you without it.",
    ),
    Cause(
        slug="graph_rate_limited",
        stage=Stage.OPENED,
        fixed_by=FixedBy.WAIT,
        sentence="Meta's limit of calls is used up ({code}).",
        fix="It ends by itself, as a rule within the hour; threadlink_graph_usage_percent shows "
        "how much is used.",
        answer=_META_AWAY,
    ),
    Cause(
        slug="graph_page_restricted",
        stage=Stage.OPENED,
        fixed_by=FixedBy.OPERATOR,
        sentence="Meta restricts this Page ({code}).",
        fix="Page settings > Page quality at facebook.com says why, and takes an appeal.",
        answer=OURS,
    ),
    Cause(
        slug="graph_unavailable",
        stage=Stage.OPENED,
        fixed_by=FixedBy.WAIT,
        sentence="Messenger did not answer in time, or not usefully ({code}).",
        fix="Wait; if it lasts: threadlink doctor, and https://metastatus.com/messenger-platform",
        answer=_META_AWAY,
    ),
    Cause(
        slug="graph_other",
        stage=Stage.OPENED,
        fixed_by=FixedBy.OPERATOR,
        sentence="Messenger refused the call {call} ({code}{trace}).",
        fix="threadlink doctor; Graph's own words are in the log: journalctl -u threadlink | grep "
        "{reference}",
        answer=OURS,
    ),
)
