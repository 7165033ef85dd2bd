"""The tables of docs/settings.md."""

from collections.abc import Mapping, Sequence
from typing import Final

from app.accounts.sign_in_methods import KINDS
from app.infra.settings import brands, catalogue, pages, texts
from app.infra.settings.alert_descriptions import ALERTS
from app.infra.settings.brand_descriptions import BRAND
from app.infra.settings.console_descriptions import CONSOLE
from app.infra.settings.description import Description
from app.infra.settings.network_descriptions import EGRESS, META
from app.infra.settings.settings import FIXED_AT_START
from tests.docs.settings_in_code import Setting, settings

SUBJECTS: Final[Mapping[str, Sequence[Description]]] = {
    "The server": catalogue.SERVER,
    "The Facebook app": catalogue.FACEBOOK_APP,
    "The Facebook Pages": catalogue.FACEBOOK_PAGES,
    "The name and look of the pages": BRAND,
    "The bot": catalogue.BOT,
    "Alerts for you": ALERTS,
    "Linking": catalogue.LINKING,
    "Links that begin on your own site": catalogue.INVITATIONS,
    "Signing in": catalogue.SIGN_IN,
    **{
        f"Signing in: `{name}:NAME`": kind.descriptions
        for name, kind in KINDS.items()
        if kind.descriptions
    },
    "The operators' console": CONSOLE,
    "Retention": catalogue.RETENTION,
    "Logs, metrics, traces, errors": catalogue.MONITORING,
    "The way out: proxy and certificates": EGRESS,
    "Meta's addresses: for the emulator or a proxy only": META,
}
_HEAD: Final = "| Setting | Required | Default | Meaning |\n|---|---|---|---|\n"
PAGES_FILE_TABLES: Final[Mapping[str, Mapping[str, str]]] = {
    "[[pages]]": pages.KEYS,
    "[pages.brand]": brands.BRAND_KEYS,
    "[pages.texts]": texts.TEXT_KEYS,
}


def tables() -> str:
    """Return a heading and a table for each subject."""
    read = settings()
    return "\n".join(
        f"### {subject}\n\n{_HEAD}{_rows(descriptions, read)}"
        for subject, descriptions in SUBJECTS.items()
    )


def pages_file() -> str:
    """Return a table of the keys of PAGES_FILE."""
    rows = "".join(
        f"| `{table}` | `{key}` | {meaning} |\n"
        for table, keys in PAGES_FILE_TABLES.items()
        for key, meaning in keys.items()
    )
    limit = f"Each text is one line of {texts.MOST_TEXT} characters at most.\n"
    return f"| Table | Key | Meaning |\n|---|---|---|\n{rows}\n{limit}"


def _rows(descriptions: Sequence[Description], read: Mapping[str, Setting]) -> str:
    return "".join(_row(described, read[described.name]) for described in descriptions)


def _row(described: Description, setting: Setting) -> str:
    constraint, default = setting.constraint, setting.default_text
    details = (
        f"{constraint[:1].upper()}{constraint[1:]}." if constraint else "",
        "A change needs a restart." if described.name in FIXED_AT_START else "",
        f"Example: `{described.example}`" if described.example else "",
    )
    detail = " ".join(filter(None, details))
    cells = (
        f"`{described.name}`",
        _required(described, setting),
        described.default or (f"`{default}`" if default else ""),
        "<br>".join(filter(None, [described.meaning, detail])),
    )
    return f"| {' | '.join(cells)} |\n"


def _required(described: Description, setting: Setting) -> str:
    kind, separator, _ = described.name.partition("_<NAME>_")
    condition = described.needed or (f"for `{kind.lower()}:NAME`" if separator else "")
    if setting.is_required:
        return f"yes, {condition}" if condition else "yes"
    return described.needed or "no"
