"""Verifiers of the hashes of WordPress, phpBB and Drupal: a form of hash, and what it is made from.

These systems change what was typed before they hash it, and so must we:

* WordPress hashes $_POST as it has it, with a backslash before quotes (wp_magic_quotes, wp_signon).
* phpBB hashes what it would write into a page: ``&amp;`` for an ampersand (type_cast_helper).
* Drupal cuts white space at both ends (UserLoginForm).
"""

import base64
import hashlib
import hmac
import html
import re
from collections.abc import Callable
from typing import Final

from app.accounts import passlib_hashes
from app.accounts.hash_verifiers import Verifier, damaged, plain_bcrypt, too_slow
from app.accounts.passlib_hashes import MOST_LOOPS

# Of 64 bytes, encoded, Drupal keeps 43 characters. In the cost, the alphabet counts.
_DRUPAL: Final = re.compile(r"\$S\$([./0-9A-Za-z])([./0-9A-Za-z]{8})([./0-9A-Za-z]{43})")
_ALPHABET: Final = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def old_wordpress(stored: str) -> Verifier:
    """Return the verifier of ``$P$``, phpass with MD5, of WordPress before 6.8."""
    return _of(_slashed, passlib_hashes.phpass(stored))


def wordpress(stored: str) -> Verifier:
    """Return the verifier of ``$wp$2y$``, bcrypt of an HMAC, of WordPress since 6.8."""
    verify = plain_bcrypt(stored.removeprefix("$wp"))
    return _of(lambda password: _prehashed(_slashed(password)), verify)


def phpbb(stored: str) -> Verifier:
    """Return the verifier of ``$H$``, phpass with MD5, of phpBB 3."""
    return _of(_escaped, passlib_hashes.phpass(stored))


def drupal(stored: str) -> Verifier:
    """Return the verifier of ``$S$``, phpass with SHA-512, of Drupal 7 to 10.0.

    No library of 2026 has this form.
    """
    match = _DRUPAL.fullmatch(stored)
    if match is None:
        raise damaged("Drupal")
    loops, salt, expected = 1 << _ALPHABET.index(match[1]), match[2].encode(), match[3]
    if loops > MOST_LOOPS:
        raise too_slow("Drupal")

    def verify(password: bytes) -> bool:
        typed = password.strip(b" \t\n\r\x0b")
        digest = hashlib.sha512(salt + typed).digest()
        for _ in range(loops):
            digest = hashlib.sha512(digest + typed).digest()
        return hmac.compare_digest(passlib_hashes.encoded(digest)[:43], expected)

    return verify


def _of(form: Callable[[bytes], bytes], verify: Verifier) -> Verifier:
    return lambda password: verify(form(password))


def _slashed(password: bytes) -> bytes:
    return re.sub(rb"(['\"\\])", rb"\\\1", password)


def _prehashed(password: bytes) -> bytes:
    return base64.b64encode(hmac.digest(b"wp-sha384", password, "sha384"))


def _escaped(password: bytes) -> bytes:
    return html.escape(password.decode(), quote=False).replace('"', "&quot;").encode()
