"""In-app browsers: their detection, and the providers that refuse sign-in in them."""

import re
from typing import Final

from flask import request

from app.accounts.authenticators import Provider
from app.accounts.sign_in_methods import SignInMethods
from app.web.problems.forms import PROVIDER_NOT_HERE, PROVIDER_NOWHERE
from app.web.problems.problem import Problem

# Marks in the User-Agent: of Facebook's apps (FBAN and FBAV on iOS, FB_IAB on Android: seen in the
# logs of public projects), and of every Android WebView (developer.chrome.com,
# "WebView User-Agent", read 2026-11).
_WEBVIEW: Final = re.compile(r"\bFB(?:AN|AV|_IAB|IOS)\b|Messenger|Instagram|; wv\)")


def is_offered(provider: Provider) -> bool:
    """Return whether the browser of the present request can sign in at *provider*."""
    return provider.in_webviews or not _WEBVIEW.search(request.user_agent.string)


def not_here(provider: Provider, methods: SignInMethods) -> Problem:
    """Return the message for a provider that cannot be used in an in-app browser.

    It mentions other sign-in methods only if the page has some.
    """
    has_others = methods.password is not None or any(map(is_offered, methods.providers))
    return (PROVIDER_NOT_HERE if has_others else PROVIDER_NOWHERE).about(provider=provider.label)
