"""The kinds of hash that cannot be verified here, by their names."""

import re
from typing import Final

# Patterns of the whole hash; the first that fits names it.
_KINDS: Final = (
    (re.compile(r""), "an empty one"),
    (re.compile(r"[!*x].{0,2}|!!?[\w./$-]*"), "the mark of an account without a password"),
    (re.compile(r"\$1\$.+"), "an MD5-crypt hash, of an old /etc/shadow"),
    (re.compile(r"\$apr1\$.+"), "an MD5 hash of Apache's htpasswd"),
    (re.compile(r"\$2x?\$.+"), "a bcrypt hash of a faulty version of 2011"),
    (re.compile(r"\$(?:y|gy|7)\$.+"), "a yescrypt or scrypt hash of /etc/shadow"),
    (re.compile(r"\$(?:sha1|md5)[$,].+"), "a crypt hash of NetBSD or Solaris"),
    (re.compile(r"_[./0-9A-Za-z]{19}"), "a DES-crypt hash"),
    (re.compile(r"\$CP\$.+"), "a hash that phpBB took over from another forum"),
    (re.compile(r"U\$.+"), "a hash that Drupal took over from another system"),
    (re.compile(r"\$argon2.+"), "an Argon2 hash of a version before 1.3"),
    (re.compile(r"\{S?(?:SHA|MD5|SMD5)[-0-9]*\}.+"), "a SHA or MD5 hash of a directory (RFC 2307)"),
    (re.compile(r"\{PKCS5S2\}.+"), "a hash of Atlassian's"),
    (re.compile(r'\{\s*".+'), "the JSON of an export, of Keycloak or the like"),
    (re.compile(r"\{[\w.-]+\}.+"), "a hash of a directory, of Dovecot or of Spring"),
    (re.compile(r"(?:unsalted_)?(?:md5|sha1)\$.*"), "an MD5 or SHA-1 hash of Django"),
    (re.compile(r"crypt\$.+"), "a DES-crypt hash of Django"),
    (re.compile(r"SCRAM-SHA-256\$.+"), "the password of a PostgreSQL role"),
    (re.compile(r"\*[0-9A-Fa-f]{40}"), "the password of a MySQL user"),
    (re.compile(r"[0-9A-Fa-f]{32}"), "an MD5 or NTLM hash without a salt"),
    (re.compile(r"[0-9A-Fa-f]{32}:.+"), "an MD5 hash with a salt, of Joomla, vBulletin or Magento"),
    (re.compile(r"[0-9A-Fa-f]{40}"), "a SHA-1 hash"),
    (re.compile(r"[0-9A-Fa-f]{64}"), "a SHA-256 hash"),
    (re.compile(r"[0-9A-Fa-f]{64}:.+"), "a SHA-256 hash with a salt, of Magento"),
    (re.compile(r"[0-9A-Fa-f]{128}"), "a SHA-512 hash"),
    (re.compile(r"A[A-Za-z0-9+/]{66,}={0,2}"), "a hash of ASP.NET Identity"),
    (re.compile(r"[A-Za-z0-9+/_-]{86}=="), "a hash of Symfony before 4.3, or of Firebase"),
)


def name_of(stored: str) -> str | None:
    """Return the kind of *stored*, as in "this is ...", None where even that is unknown."""
    return next((name for form, name in _KINDS if form.fullmatch(stored)), None)
