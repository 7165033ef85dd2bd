"""The signatures of cookies and states: HMAC-SHA-256 throughout (ASVS 5.0, 11.4.1)."""

import hmac
from base64 import urlsafe_b64encode
from hashlib import sha256

import pytest
from flask import Flask
from itsdangerous import BadSignature, URLSafeTimedSerializer

from app.services.container import Services
from app.web.signing import signer
from tests.actors import log_in
from tests.browsers import Answer
from tests.web.page_visitor import PageVisitor

OLD, NEW = "o" * 48, "n" * 48


def test_a_value_is_signed_with_sha_256_and_a_key_derived_by_hmac() -> None:
    """Computed a second time here, by RFC 2104 and FIPS 180-4 alone."""
    signed, _, mac = signer([NEW], purpose="a purpose").dumps(["x"]).rpartition(".")

    key = hmac.digest(NEW.encode(), b"a purpose", sha256)
    expected = urlsafe_b64encode(hmac.digest(key, signed.encode(), sha256)).rstrip(b"=")

    assert expected.decode() == mac


def test_a_value_is_good_for_its_purpose_alone() -> None:
    signed = signer([NEW], purpose="one").dumps("x")

    with pytest.raises(BadSignature):
        signer([NEW], purpose="two").loads(signed)


def test_what_an_older_key_has_signed_stays_good() -> None:
    """R71."""
    signed = signer([OLD], purpose="one").dumps("x")

    assert "x" == signer([NEW, OLD], purpose="one").loads(signed)
    with pytest.raises(BadSignature):
        signer([OLD], purpose="one").loads(signer([NEW, OLD], purpose="one").dumps("x"))


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize("salt", ["attempt", "attempt cookie {}"])
def test_a_cookie_signed_with_sha_1_opens_nothing(
    app: Flask, services: Services, salt: str
) -> None:
    """As itsdangerous signs by default, and as the versions before 0.2 did."""
    login, person = log_in(), PageVisitor(app)
    name, secret = _cookie(person.opens(login.address()))
    address = person.sees.location
    attempt_id = address.rpartition("/")[2]
    old = URLSafeTimedSerializer(services.settings.secret_key, salt=salt.format(attempt_id))
    forged = old.dumps([secret, login.redirect_uri])

    answer = PageVisitor(app, keeps_cookies=False).opens(address, Cookie=f"{name}={forged!s}")

    assert 400 == answer.status
    assert "Let’s start again" in answer.text


def _cookie(answer: Answer) -> tuple[str, str]:
    name, _, rest = answer.headers["set-cookie"].partition("=")
    _, (secret, _) = URLSafeTimedSerializer("any").loads_unsafe(rest.partition(";")[0])
    return name, secret
