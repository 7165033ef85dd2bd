"""The ways to sign in that a sign-in page offers: the form, the providers, the links for help."""

from collections.abc import Callable
from typing import Any

from app.accounts.authenticators import Provider
from app.linking.attempt_events import Kind
from app.web import obstacles
from app.web.current import services
from app.web.languages import translation
from app.web.pages.brands import brand_of
from app.web.pages.help_links import help_links
from app.web.pages.provider_marks import mark_of
from app.web.pages.webviews import is_offered, not_here


def ways_in(page_id: str, departure: Callable[[str], str]) -> dict[str, Any]:
    """Return the values of `sign_in.html` that say how people sign in on *page_id*.

    *departure* returns the address of the form that leads to the provider of a name.
    """
    methods, brand = services().sign_in_methods[page_id], brand_of(page_id)
    texts = brand.texts_in(translation.language())
    offered = [provider for provider in methods.providers if is_offered(provider)]
    if not offered and methods.password is None:
        for provider in methods.providers:
            obstacles.note(Kind.PROVIDER_NOT_OFFERED, subject=f"oidc:{provider.name}")
    return {
        "with_password": methods.password is not None,
        "providers": [_button(provider, departure(provider.name)) for provider in offered],
        "elsewhere": [
            not_here(provider, methods).sentence
            for provider in methods.providers
            if provider not in offered
        ],
        "help_links": help_links(brand, texts),
        "texts": texts,
    }


def _button(provider: Provider, action: str) -> dict[str, str]:
    return {"name": provider.label, "action": action, "mark": mark_of(provider.issuer)}
