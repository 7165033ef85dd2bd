"""Providers that refuse browsers living inside other apps, and who comes with such a browser."""

import re
from typing import Final

from flask import request

from app.accounts.authenticators import Provider
from app.accounts.sign_in_methods import SignInMethods
from app.web.problems import PROVIDER_NOT_HERE, PROVIDER_NOWHERE, Problem

# What Facebook's apps add to the User-Agent (FBAN and FBAV on iOS, FB_IAB on Android: seen in the
# logs of public projects), and how Android marks every WebView (developer.chrome.com,
# "WebView User-Agent", read 2026-11).
_WEBVIEW: Final = re.compile(r"\bFB(?:AN|AV|_IAB|IOS)\b|Messenger|Instagram|; wv\)")


def is_offered(provider: Provider) -> bool:
    """Tell whether the browser of the present request can sign in at *provider*."""
    return provider.in_webviews or not _WEBVIEW.search(request.user_agent.string)


def not_here(provider: Provider, ways: SignInMethods) -> Problem:
    """Return what is said where *provider* is not offered: of another way only if there is one."""
    is_other = ways.password is not None or any(map(is_offered, ways.providers))
    return (PROVIDER_NOT_HERE if is_other else PROVIDER_NOWHERE).about(provider.label)
