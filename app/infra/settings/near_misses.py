"""Misspelt settings: variables that nothing reads, and whose names are almost those of settings."""

import difflib
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Final

from app.infra.settings import catalogue
from app.infra.settings.alert_descriptions import ALERTS
from app.infra.settings.brand_descriptions import BRAND
from app.infra.settings.console_descriptions import CONSOLE
from app.infra.settings.network_descriptions import EGRESS, META

# SECRT_KEY and SECRET_KEY are alike by 0.95, LOG_LEVEL and its neighbour LOGNAME by 0.63.
_ALIKE: Final = 0.88
# OpenTelemetry's library reads more of these than we do.
_FOREIGN: Final = "OTEL_"
# Of the shell: gettext's own list of languages, almost LANGUAGES.
_OF_GETTEXT: Final = "LANGUAGE"
_FILE: Final = "_FILE"
_NAMES: Final = frozenset(
    described.name
    for section in (
        catalogue.SERVER,
        catalogue.FACEBOOK_APP,
        catalogue.FACEBOOK_PAGES,
        BRAND,
        catalogue.BOT,
        catalogue.LINKING,
        catalogue.SIGN_IN,
        CONSOLE,
        catalogue.RETENTION,
        catalogue.MONITORING,
        ALERTS,
        EGRESS,
        META,
    )
    for described in section
)


@dataclass(frozen=True, slots=True, order=True)
class NearMiss:
    """A variable *name* that is no setting, and the setting that is probably meant."""

    name: str
    meant: str

    def __str__(self) -> str:
        return f"{self.name} is no setting. Did you mean {self.meant}?"


def near_misses(given: Iterable[str], asked: Collection[str]) -> tuple[NearMiss, ...]:
    """Return the near misses among the names *given*; *asked* are those that were asked for.

    Of the settings with a name of the operator's own (OIDC_GOOGLE_CLIENT_ID) only those in use are
    known, which are among the latter.
    """
    known = _NAMES.union(asked)
    files = {f"{name}{_FILE}" for name in known}
    passed = {*known, *files, _OF_GETTEXT}
    found = []
    for name in given:
        if name in passed or name.startswith(_FOREIGN):
            continue
        among = files if name.upper().endswith(_FILE) else known
        close = difflib.get_close_matches(name.upper(), among, n=1, cutoff=_ALIKE)
        found += [NearMiss(name, meant) for meant in close]
    return tuple(sorted(found))
