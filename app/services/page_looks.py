"""The look of each Page: its name, logo, colours and links, and where each of them comes from."""

from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from app.infra.settings.brands import Brand, Logo
from app.infra.settings.palette import Palette
from app.infra.settings.settings import Settings
from app.messenger.display_names import clean_name
from app.messenger.pictures import Picture
from app.setup.page_profiles import UNKNOWN, KnownProfiles

Source = Literal["settings", "meta", "host"]


@dataclass(frozen=True, slots=True)
class PageLook:
    """The look of one Page; *page_id* None: that of the business, whichever Page is meant.

    *logo* None: there is none, and the name's first letter stands for it.
    """

    page_id: str | None
    name: str
    name_source: Source
    palette: Palette
    logo: Logo | Picture | None
    logo_source: Source | None
    # "privacy", "terms" and "imprint" with their addresses, those that are set.
    links: tuple[tuple[str, str], ...]
    website_url: str | None

    @property
    def is_named(self) -> bool:
        """False: nobody has told a name, and the host's stands for it."""
        return self.name_source != "host"


def brand_of(settings: Settings, page_id: str | None) -> Brand:
    """Return the brand of *page_id*, that of the business for a page that is not configured."""
    return next((page.brand for page in settings.pages if page.id == page_id), settings.brand)


def look_of(settings: Settings, profiles: KnownProfiles, page_id: str | None) -> PageLook:
    """Return the look of *page_id*: as the settings have it, else Meta, else the host's name."""
    page = next((page for page in settings.pages if page.id == page_id), None)
    brand = brand_of(settings, page_id)
    # What is known of a page that was taken out of the settings is not shown any more.
    kept = profiles.of(page.id) if page else UNKNOWN
    name, name_source = _name(settings, brand, kept.name)
    logo = brand.logo or kept.picture
    return PageLook(
        page_id=page.id if page else None,
        name=name,
        name_source=name_source,
        palette=brand.palette,
        logo=logo,
        logo_source=("settings" if brand.logo else "meta") if logo else None,
        links=tuple(brand.links.items()),
        website_url=brand.website_url,
    )


def _name(settings: Settings, brand: Brand, of_meta: str | None) -> tuple[str, Source]:
    if own := clean_name(brand.name):
        return own, "settings"
    if of_meta and (told := clean_name(of_meta)):
        return told, "meta"
    return urlsplit(settings.public_url).hostname or settings.public_url, "host"
