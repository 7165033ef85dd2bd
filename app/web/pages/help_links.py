"""The links below the form, for people who cannot log in."""

from typing import Final

from app.infra.settings.brands import Brand
from app.infra.settings.texts import Texts
from app.web.current import services
from app.web.languages.message import N_, Message

# By the names that the settings give them.
_LABELS: Final = {
    "help": N_("Forgot your password?"),
    "sign_up": N_("Create an account"),
    "contact": N_("Get help"),
}


def help_links(brand: Brand, texts: Texts) -> list[tuple[str, Message | str, str]]:
    """Return name, label and address of each link of *brand*, else of the settings."""
    return [
        (name, getattr(texts, name, "") or _LABELS[name], url)
        for name, url in brand.help_links or services().settings.sign_in.help_links
    ]
