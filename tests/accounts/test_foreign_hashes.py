"""Hashes of other systems, each made by that system with these values."""

import base64
import hashlib
import hmac
from contextlib import suppress
from typing import Final

import bcrypt
import pytest
from argon2 import PasswordHasher, Type
from hypothesis import given
from hypothesis import strategies as st
from passlib import hash as passlib_hash
from werkzeug.security import generate_password_hash

from app.accounts.foreign_hashes import UnsupportedHash, import_hash
from app.accounts.passwords import Hasher, HashUnusable

PASSWORD: Final = "gravel teapöt under nineteen"
_BYTES: Final = PASSWORD.encode()


def _django_pbkdf2(name: str, iterations: int) -> str:
    derived = hashlib.pbkdf2_hmac(name, _BYTES, b"salt", iterations)
    return f"pbkdf2_{name}${iterations}$salt${base64.b64encode(derived).decode()}"


def _django_scrypt() -> str:
    # django.contrib.auth.hashers.ScryptPasswordHasher, Django 5.2: N, salt, r, p, base64.
    derived = hashlib.scrypt(_BYTES, salt=b"salt", n=1024, r=8, p=1, dklen=64)
    return f"scrypt$1024$salt$8$1${base64.b64encode(derived).decode()}"


def _django_bcrypt_sha256() -> str:
    inner = hashlib.sha256(_BYTES).hexdigest().encode()
    return f"bcrypt_sha256${bcrypt.hashpw(inner, bcrypt.gensalt(4)).decode()}"


def _wordpress(password: str) -> str:
    # wp_hash_password, WordPress 6.8.
    mac = hmac.digest(b"wp-sha384", password.encode(), "sha384")
    made = bcrypt.hashpw(base64.b64encode(mac), bcrypt.gensalt(4)).decode()
    return f"$wp{made.replace('$2b$', '$2y$')}"


def _phpass(password: str, ident: str) -> str:
    return str(passlib_hash.phpass.using(rounds=8, ident=ident).hash(password))


_BCRYPT: Final = bcrypt.hashpw(_BYTES, bcrypt.gensalt(4)).decode()
_ARGON2: Final = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
FORMS: Final = {
    "bcrypt 2b": _BCRYPT,
    "bcrypt 2a": _BCRYPT.replace("$2b$", "$2a$"),
    "bcrypt of PHP": _BCRYPT.replace("$2b$", "$2y$"),
    "bcrypt of Django": f"bcrypt${_BCRYPT}",
    "bcrypt_sha256 of Django": _django_bcrypt_sha256(),
    "pbkdf2 of Django": _django_pbkdf2("sha256", 1000),
    "pbkdf2 of old Django": _django_pbkdf2("sha1", 1000),
    "pbkdf2 of Werkzeug": generate_password_hash(PASSWORD, "pbkdf2:sha256:1000"),
    "pbkdf2 of Werkzeug, sha512": generate_password_hash(PASSWORD, "pbkdf2:sha512:1000"),
    "scrypt of Django": _django_scrypt(),
    "scrypt of Werkzeug": generate_password_hash(PASSWORD, "scrypt:1024:8:1"),
    "argon2id": _ARGON2.hash(PASSWORD),
    "argon2i": PasswordHasher(1, 64, 1, type=Type.I).hash(PASSWORD),
    "argon2 of Django": f"argon2{_ARGON2.hash(PASSWORD)}",
    "pbkdf2 of Django, sha512": _django_pbkdf2("sha512", 1000),
    "bcrypt of Spring": f"{{bcrypt}}{_BCRYPT}",
    "argon2 of Dovecot": f"{{ARGON2ID}}{_ARGON2.hash(PASSWORD)}",
    "WordPress": _wordpress(PASSWORD),
    "old WordPress": _phpass(PASSWORD, "P"),
    "phpBB": _phpass(PASSWORD, "H"),
    "SHA-256 crypt": passlib_hash.sha256_crypt.using(rounds=1000).hash(PASSWORD),
    "SHA-512 crypt": passlib_hash.sha512_crypt.using(rounds=5000).hash(PASSWORD),
    "SHA-512 crypt of Dovecot": "{SHA512-CRYPT}"
    + passlib_hash.sha512_crypt.using(rounds=1000).hash(PASSWORD),
    "pbkdf2 of passlib, sha1": passlib_hash.pbkdf2_sha1.using(rounds=1000).hash(PASSWORD),
    "pbkdf2 of passlib": passlib_hash.pbkdf2_sha256.using(rounds=1000).hash(PASSWORD),
    "pbkdf2 of passlib, sha512": passlib_hash.pbkdf2_sha512.using(rounds=1000).hash(PASSWORD),
    "scrypt of passlib": passlib_hash.scrypt.using(rounds=10).hash(PASSWORD),
    "bcrypt_sha256 of passlib": passlib_hash.bcrypt_sha256.using(rounds=4).hash(PASSWORD),
}
TYPED: Final = 'it\'s "gravel" & <teapot> \\ under'
TYPED_SLASHED: Final = 'it\\\'s \\"gravel\\" & <teapot> \\\\ under'
# Published by others, with the systems' own implementations: Openwall, hashcat, a WordPress 6.8,
# a Drupal 7, glibc's crypt(3).
PUBLISHED: Final = {
    "phpass": ("$P$9IQRaTwmfeRo7ud9Fh4E2PdI0S3r.L0", "test12345"),
    "Drupal 7": ("$S$C33783772bRXEx1aCsvY.dqgaaSu76XmVlKrW9Qu8IQlvxHlmzLf", "hashcat"),
    "Drupal": ("$S$DeIZ1KTE.VzRvudZ5.xgOakipuMFrVyPmRdWTjAdYieWj27NMglI", "password1234"),
    "WordPress": (
        "$wp$2y$12$iWN5xRwDE7i9R5jVJvCyqOxS1CNnwUggQaF8O2W9Bg8TuXQz.ngrS",
        "grimoire-test-123",
    ),
    "SHA-256 crypt": (
        "$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5",
        "Hello world!",
    ),
    "SHA-512 crypt": (
        "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1",
        "Hello world!",
    ),
}


@pytest.mark.parametrize("kept", FORMS.values(), ids=FORMS)
def test_a_hash_of_another_system_proves_its_password(kept: str) -> None:
    """R54: and is replaced when it has."""
    hasher = Hasher()
    taken = import_hash(kept)

    assert hasher.matches(taken, PASSWORD)
    assert not hasher.matches(taken, PASSWORD.replace("ö", "o"))
    assert not hasher.matches(taken, "")
    assert not hasher.matches(taken, PASSWORD * 20)
    assert not hasher.matches(taken, "\ud800")
    assert hasher.is_outdated(taken)


@pytest.mark.parametrize(("kept", "password"), PUBLISHED.values(), ids=PUBLISHED)
def test_a_published_hash_proves_its_password(kept: str, password: str) -> None:
    """R54: not only what our own reading of a format has made."""
    taken = import_hash(kept)

    assert Hasher().matches(taken, password)
    assert not Hasher().matches(taken, f"{password}!")
    assert not Hasher().matches(taken, f"{password}\0")
    assert not Hasher().matches(taken, "")


@pytest.mark.parametrize(
    "kept",
    [
        pytest.param(_wordpress(TYPED_SLASHED), id="WordPress"),
        pytest.param(_phpass(TYPED_SLASHED, "P"), id="old WordPress"),
        pytest.param(
            _phpass("it's &quot;gravel&quot; &amp; &lt;teapot&gt; \\ under", "H"), id="phpBB"
        ),
    ],
)
def test_a_password_with_quotes_is_prepared_as_in_the_other_system(kept: str) -> None:
    """WordPress hashes $_POST with its backslashes, phpBB what it would write into a page."""
    assert Hasher().matches(import_hash(kept), TYPED)


def test_drupal_cuts_white_space() -> None:
    kept, password = PUBLISHED["Drupal"]

    assert Hasher().matches(import_hash(kept), f" {password} ")


def test_passwords_are_taken_as_they_were_typed_elsewhere() -> None:
    """Other systems do not normalise: what was set with a ligature is right only with it."""
    taken = import_hash(_ARGON2.hash("o\ufb03ce"))

    assert Hasher().matches(taken, "o\ufb03ce")
    assert not Hasher().matches(taken, "office")


def test_a_password_with_nul_costs_a_verification(monkeypatch: pytest.MonkeyPatch) -> None:
    """R59: else a NUL would tell a name with a bcrypt hash from one with another."""
    verified: list[bytes] = []

    def checkpw(password: bytes, _: bytes) -> bool:
        verified.append(password)
        return True

    monkeypatch.setattr(bcrypt, "checkpw", checkpw)

    assert not Hasher().matches(import_hash(_BCRYPT), f"{PASSWORD}\0")
    assert [_BYTES] == verified


def test_bcrypt_reads_as_much_of_a_password_as_it_ever_did() -> None:
    kept = bcrypt.hashpw(b"x" * 72, bcrypt.gensalt(4)).decode()

    assert Hasher().matches(import_hash(kept), "x" * 80)
    assert not Hasher().matches(import_hash(kept), "x" * 71)
    assert not Hasher().matches(import_hash(kept), "x" * 72 + "\0")


@pytest.mark.parametrize(
    "kept",
    [
        "",
        "gravel teapot",
        "md5$salt$5f4dcc3b5aa765d61d8327deb882cf99",
        "$1$salt$hash",
        "$2b$04$tooshort",
        _BCRYPT.replace("$04$", "$31$"),
        "pbkdf2_sha256$1000$salt$not base64",
        "pbkdf2_sha256$1000$salt$c2hvcnQ=",
        "pbkdf2_sha256$0$salt$" + base64.b64encode(b"x" * 32).decode(),
        "pbkdf2_sha256$999999999$salt$" + base64.b64encode(b"x" * 32).decode(),
        "pbkdf2:md4:1000$salt$" + "00" * 16,
        "pbkdf2:sha256$salt$00",
        "scrypt:1048576:64:1$salt$" + "00" * 64,
        "scrypt:1024:8:99$salt$" + "00" * 64,
        "scrypt:1000:8:1$salt$" + "00" * 64,
        "scrypt$1024$salt$8$1",
        "scrypt:1024:8:1$salt$" + "00" * 31,
        "scrypt:1024:8:1$salt$00",
        "scrypt$1024$salt$8$1$AA==",
        "$2b$03$" + "a" * 21 + "e" + "a" * 31,
        "$2b$04$" + "a" * 22 + "a" * 31,
        "$argon2id$v=19$m=64,t=0,p=1$c2FsdHNhbHQx$" + "A" * 43,
        "$argon2id$v=19$m=64,t=1,p=16$c2FsdHNhbHQx$" + "A" * 43,
        "$argon2id$v=19$m=64,t=1,p=1$c2FsdHNhbHQx$" + "A" * 41,
        "$6$" + "s" * 17 + "$" + "a" * 86,
        "$6$saltsalt$" + "a" * 43,
        "$argon2id$v=19$m=9999999,t=2,p=1$c2FsdHNhbHQx$" + "A" * 43,
        "$argon2id$v=16$m=64,t=2,p=1$c2FsdHNhbHQx$" + "A" * 43,
        "argon2$bcrypt",
        "x" * 513,
        "$P$Fsaltsalt" + "a" * 22,
        "$P$zsaltsalt" + "a" * 22,
        "$P$9saltsalt",
        "$H$9salt",
        "$S$Fsaltsalt" + "a" * 43,
        "$S$Dsaltsalt",
        "$wp$2y$04$tooshort",
        "$6$rounds=656000$saltsalt$" + "a" * 86,
        "$6$saltsalt$",
        "$5$rounds=999999999$saltsalt$" + "a" * 43,
        "$pbkdf2-sha256$5000001$c2FsdHNhbHQ$" + "a" * 43,
        "$pbkdf2-sha256$29000$c2FsdHNhbHQ",
        "$scrypt$ln=22,r=8,p=1$c2FsdHNhbHQ$" + "a" * 43,
        "$scrypt$ln=10,r=8,p=99$c2FsdHNhbHQ$" + "a" * 43,
        "$bcrypt-sha256$v=2,t=2b,r=16$" + "a" * 21 + "e$" + "a" * 30 + "e",
    ],
    # Not the whole: it is another in each run, and workers of one run must agree.
    ids=lambda kept: kept[:7],
)
def test_what_cannot_be_verified_soon_is_not_import_hash(kept: str) -> None:
    """R54, R59: one costly hash would hold up every sign-in; the reason quotes nothing."""
    with pytest.raises(UnsupportedHash) as refused:
        import_hash(kept)

    assert len(kept) < 4 or kept not in str(refused.value)
    assert "salt" not in str(refused.value)
    assert refused.value.__cause__ is None


def test_a_damaged_hash_is_no_wrong_password() -> None:
    with pytest.raises(HashUnusable):
        Hasher().matches("pbkdf2_sha256$damaged", PASSWORD)


@pytest.mark.parametrize(
    ("kept", "name"),
    [
        ("", "an empty one"),
        ("!" + "a" * 40, "without a password"),
        ("*", "without a password"),
        ("$1$saltsalt$iEwNOgGugqO9.bIz5sk8k/", "MD5-crypt"),
        ("$apr1$71850310$gh9m4xcAn3MGxogwX/ztb.", "htpasswd"),
        ("$2x$04$" + "a" * 53, "bcrypt hash of a faulty version"),
        ("$y$j9T$saltsalt$" + "a" * 43, "yescrypt"),
        ("$argon2id$m=64,t=2,p=1$c2FsdHNhbHQx$" + "A" * 43, "Argon2 hash of a version before 1.3"),
        ("U$S$5saltsalt" + "a" * 43, "Drupal took over from another system"),
        ("{SSHA}" + "a" * 32, "directory (RFC 2307)"),
        ("{noop}gravel", "Dovecot or of Spring"),
        ("sha1$saltsalt$" + "0" * 40, "SHA-1 hash of Django"),
        ("SCRAM-SHA-256$4096:c2FsdA==$a:b", "PostgreSQL"),
        ("*" + "A" * 40, "MySQL"),
        ("5f4dcc3b5aa765d61d8327deb882cf99", "MD5 or NTLM"),
        ("5f4dcc3b5aa765d61d8327deb882cf99:saltsalt", "Joomla"),
        ("0" * 40, "SHA-1 hash"),
        ("0" * 64, "SHA-256 hash"),
        ("0" * 64 + ":saltsalt:1", "Magento"),
        ("0" * 128, "SHA-512 hash"),
        ("AQAAAAEAACcQAAAAE" + "a" * 67, "ASP.NET Identity"),
        ("a" * 86 + "==", "Symfony"),
        ('{"value": "gravel"}', "Keycloak"),
    ],
)
def test_a_hash_of_an_unsupported_kind_is_called_by_its_name(kept: str, name: str) -> None:
    """R54: and never "damaged": its owner needs a first password, no repair."""
    with pytest.raises(UnsupportedHash) as refused:
        import_hash(kept)

    said = str(refused.value)
    assert name in said
    assert "damaged" not in said
    assert "threadlink accounts add" in said
    assert "gravel" not in said
    assert "saltsalt" not in said


@pytest.mark.parametrize("kept", ["secret", "correct horse battery", "$ecret$", "{secret", "Aaaa"])
def test_what_may_be_a_password_is_not_called_a_hash(kept: str) -> None:
    """A column of passwords in clear: nothing of them is said."""
    with pytest.raises(UnsupportedHash, match=r"^this form of hash is unknown$"):
        import_hash(kept)


_STARTS: Final = [kept[:length] for kept in FORMS.values() for length in (3, 8, 20, 40)]


@given(
    st.sampled_from(_STARTS), st.text(max_size=40) | st.text("$=,.0123456789abvtnrpl", max_size=40)
)
def test_a_hash_of_whatever_form_is_taken_or_refused(start: str, rest: str) -> None:
    """R54: and no other error comes out of an import, or of a library."""
    with suppress(UnsupportedHash):
        assert not import_hash(start + rest).startswith("$argon2")
