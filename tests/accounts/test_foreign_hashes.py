"""Hashes of other systems, each made by that system with these values."""

import base64
import hashlib
from typing import Final

import bcrypt
import pytest
from argon2 import PasswordHasher, Type
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
        "$argon2id$v=19$m=9999999,t=2,p=1$c2FsdHNhbHQx$" + "A" * 43,
        "$argon2id$v=16$m=64,t=2,p=1$c2FsdHNhbHQx$" + "A" * 43,
        "argon2$bcrypt",
        "x" * 513,
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
