"""The kinds of hash that cannot be verified here, by their names."""

import re
from typing import Final

_HEX: Final = "[0-9A-Fa-f]"
# Patterns of the whole hash; the first that fits names it.
_KINDS: Final = (
    (r"", "an empty one"),
    (r"[!*x].{0,2}|!!?[\w./$-]*", "the mark of an account without a password"),
    (r"\$1\$.+", "an MD5-crypt hash, of an old /etc/shadow"),
    (r"\$apr1\$.+", "an MD5 hash of Apache's htpasswd"),
    (r"\$2x?\$.+", "a bcrypt hash of a faulty version of 2011"),
    (r"\$(?:y|gy|7)\$.+", "a yescrypt or scrypt hash of /etc/shadow"),
    (r"\$(?:sha1|md5)[$,].+", "a crypt hash of NetBSD or Solaris"),
    (r"_[./0-9A-Za-z]{19}", "a DES-crypt hash"),
    (r"\$CP\$.+", "a hash that phpBB took over from another forum"),
    (r"U?\$[PH]\$.+", "a hash that Drupal took over from another system"),
    (r"\$argon2.+", "an Argon2 hash of a version before 1.3"),
    (r"\{S?(?:SHA|MD5|SMD5)[-0-9]*\}.+", "a SHA or MD5 hash of a directory (RFC 2307)"),
    (r"\{PKCS5S2\}.+", "a hash of Atlassian's"),
    (r'\{\s*".+', "the JSON of an export, of Keycloak or the like"),
    (r"\{[\w.-]+\}.+", "a hash of a directory, of Dovecot or of Spring"),
    (r"(?:unsalted_)?(?:md5|sha1)\$.*", "an MD5 or SHA-1 hash of Django"),
    (r"crypt\$.+", "a DES-crypt hash of Django"),
    (r"SCRAM-SHA-256\$.+", "the password of a PostgreSQL role"),
    (rf"\*{_HEX}{{40}}", "the password of a MySQL user"),
    (rf"{_HEX}{{32}}", "an MD5 or NTLM hash without a salt"),
    (rf"{_HEX}{{32}}:.+", "an MD5 hash with a salt, of Joomla, vBulletin or Magento"),
    (rf"{_HEX}{{40}}", "a SHA-1 hash"),
    (rf"{_HEX}{{64}}", "a SHA-256 hash"),
    (rf"{_HEX}{{64}}:.+", "a SHA-256 hash with a salt, of Magento"),
    (rf"{_HEX}{{128}}", "a SHA-512 hash"),
    (r"A[A-Za-z0-9+/]{66,}={0,2}", "a hash of ASP.NET Identity"),
    (r"[A-Za-z0-9+/_-]{86}==", "a hash of Symfony before 4.3, or of Firebase"),
)


def name_of(stored: str) -> str | None:
    """Return the kind of *stored*, as in "this is ...", None where even that is unknown."""
    return next((name for form, name in _KINDS if re.fullmatch(form, stored)), None)
