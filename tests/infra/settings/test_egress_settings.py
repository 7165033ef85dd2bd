"""HTTPS_PROXY_URL, HTTPS_PROXY_EXCEPT, CA_FILE: taken for what they mean, or refused in words."""

import base64
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from app.infra.network.egress import Egress, Proxy
from app.infra.settings.egress import read_egress
from app.infra.settings.parsing import SettingError, certificates
from app.infra.settings.reader import Reader
from app.setup.egress_checks import check_egress
from tests.certificates import authority

PROXY = "http://proxy.example.com:3128"
NOW = datetime.now(UTC)


def read(**env: str) -> tuple[Egress, list[str]]:
    reader = Reader(env)
    return read_egress(reader), reader.errors


@pytest.mark.parametrize(
    ("text", "url", "login"),
    [
        (PROXY, PROXY, None),
        (f"{PROXY}/", PROXY, None),
        ("HTTPS://Proxy.Example.com:443", "https://proxy.example.com:443", None),
        ("http://[fd00::1]:3128", "http://[fd00::1]:3128", None),
        ("http://jo:s3cret@proxy.example.com:3128", PROXY, "jo:s3cret"),
        ("http://CORP%5Cjo:a%40b%3Ac%2F%23@proxy.example.com:3128", PROXY, "CORP\\jo:a@b:c/#"),
        ("http://j%C3%B6:%E2%82%AC@proxy.example.com:3128", PROXY, "jö:€"),
        ("http://jo:@proxy.example.com:3128", PROXY, "jo:"),
    ],
)
def test_a_proxy_is_taken_for_what_it_means(text: str, url: str, login: str | None) -> None:
    egress, errors = read(HTTPS_PROXY_URL=text)

    expected = base64.b64encode(login.encode()).decode() if login else None
    assert [] == errors
    assert egress.proxy
    assert url == egress.proxy.url
    assert egress.proxy.headers.get("Proxy-Authorization") == (expected and f"Basic {expected}")


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("proxy.example.com:3128", "must be like http://"),
        ("proxy.example.com", "must be like http://"),
        ("//proxy.example.com:3128", "must be like http://"),
        ("ftp://proxy.example.com:3128", "must be like http://"),
        ("http://proxy.example.com:3128/proxy.pac", "must be like http://"),
        ("http://proxy.exämple.com:3128", "must be like http://"),
        ("http://proxy.example.com:3128 http://other.example.com:3128", "must be like http://"),
        ("socks5://proxy.example.com:1080", "SOCKS"),
        ("socks5h://proxy.example.com:1080", "SOCKS"),
        ("http://proxy.example.com", "port"),
        ("http://proxy.example.com:99999", "must be like http://"),
        ("http://jo:canary@x@proxy.example.com:3128", "%40"),
        ("http://jo:canary#x@proxy.example.com:3128", "%23"),
        ("http://jo:canary/x@proxy.example.com:3128", "%2F"),
        ("http://jo:canary?x@proxy.example.com:3128", "%3F"),
        ("http://jo:canary:x@proxy.example.com:3128", "%3A"),
        ("http://jo:canary%x@proxy.example.com:3128", "%25"),
        ("http://CORP\\jo:canary@proxy.example.com:3128", "%40"),
        ("http://canary@proxy.example.com:3128", "both USER and PASSWORD"),
        ("http://:canary@proxy.example.com:3128", "both USER and PASSWORD"),
    ],
)
def test_any_other_spelling_is_refused_with_the_wanted_one(text: str, wanted: str) -> None:
    egress, errors = read(HTTPS_PROXY_URL=text)

    assert egress.proxy is None
    assert wanted in " ".join(errors)
    assert "canary" not in " ".join(errors)


def test_the_login_is_in_no_text_about_the_settings() -> None:
    egress, _ = read(HTTPS_PROXY_URL="http://canary:canary@proxy.example.com:3128")

    assert "canary" not in repr(egress)
    assert "Basic" not in repr(egress)


def test_exceptions_are_names_addresses_and_all_below() -> None:
    egress, errors = read(
        HTTPS_PROXY_URL=PROXY,
        HTTPS_PROXY_EXCEPT="Bot.Corp.test  *.inside.test 10.1.2.3 fd00::1 a_b",
    )

    assert [] == errors
    assert {"bot.corp.test", "*.inside.test", "10.1.2.3", "fd00::1", "a_b"} == egress.direct_hosts


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("a.test,b.test", "separated by spaces"),
        (".corp.test", "*.corp.example.com"),
        ("*", "names or addresses"),
        ("https://bot.test", "names or addresses"),
        ("bot.test:8443", "names or addresses"),
        ("10.0.0.0/8", "names or addresses"),
        ("[fd00::1]", "names or addresses"),
        ("b*t.test", "names or addresses"),
    ],
)
def test_other_exceptions_are_refused(text: str, wanted: str) -> None:
    """NO_PROXY means different things to different programs; ours means one."""
    _, errors = read(HTTPS_PROXY_URL=PROXY, HTTPS_PROXY_EXCEPT=text)

    assert wanted in " ".join(errors)


def test_exceptions_without_a_proxy_are_a_fault() -> None:
    assert ["HTTPS_PROXY_EXCEPT needs HTTPS_PROXY_URL"] == read(HTTPS_PROXY_EXCEPT="bot.test")[1]


def test_the_environment_s_own_names_are_no_settings() -> None:
    egress, errors = read(HTTPS_PROXY=PROXY, NO_PROXY="*", SSL_CERT_FILE="/nowhere")

    assert (Egress(), []) == (egress, errors)


def test_certificates_are_read_without_what_stands_around_them(tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    one, other = (authority(until=NOW + timedelta(days=9)) for _ in range(2))
    file.write_text(f"# Über uns\n{one}subject=CN = x\n{other}", encoding="utf-8")

    egress, errors = read(CA_FILE=str(file))

    assert [] == errors
    assert f"{one}{other}".strip() == egress.added_certificates


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "holds no certificate in PEM"),
        ("not a certificate", "holds no certificate in PEM"),
        ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "holds no certificate"),
        (authority(until=NOW - timedelta(days=1)), "have all expired"),
    ],
)
def test_a_file_that_can_vouch_for_nobody_is_a_fault(
    content: str, words: str, tmp_path: Path
) -> None:
    """CA_FILE, and the _CA_FILE of each authenticator, which is read by the same."""
    file = tmp_path / "ca.pem"
    file.write_text(content)

    assert words in " ".join(read(CA_FILE=str(file))[1])
    with pytest.raises(SettingError, match=words):
        certificates(str(file))


def test_a_file_that_is_not_there_is_a_fault(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none.pem"):
        assert ["CA_FILE names no file"] == read(CA_FILE=str(path))[1]


def test_while_a_ca_is_changed_one_of_two_may_have_expired(tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    old, new = (authority(until=NOW + timedelta(days=days)) for days in (-1, 400))
    file.write_text(old + new)

    egress, errors = read(CA_FILE=str(file))
    (told,) = check_egress(egress, "https://graph.test", at=NOW)

    assert [] == errors
    assert ("CA_FILE", "warning") == (told.subject, told.verdict)
    assert "2 trusted beside the public certificates; one expired on" in told.words


def test_doctor_tells_when_a_certificate_is_about_to_expire() -> None:
    for days, verdict in ((20, "warning"), (40, "ok")):
        egress = Egress(added_certificates=authority(until=NOW + timedelta(days=days)))

        (told,) = check_egress(egress, "https://graph.test", at=NOW)

        assert verdict == told.verdict


def test_doctor_tells_that_a_proxy_of_the_environment_is_not_heeded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://canary:canary@proxy.test:1")

    (told,) = check_egress(Egress(), "https://graph.test", at=NOW)

    assert "HTTPS_PROXY in the environment is not heeded, HTTPS_PROXY_URL would be" in told.words
    assert "canary" not in told.words
    assert "ok" == told.verdict


def test_doctor_tells_of_a_proxy_that_does_not_run() -> None:
    egress = Egress(proxy=Proxy("http://127.0.0.1:9"))

    (told,) = check_egress(egress, "https://graph.test", at=NOW)

    assert "problem" == told.verdict
    assert "http://127.0.0.1:9: the outgoing proxy cannot be reached" in told.words
    assert "HTTPS_PROXY_URL" in told.fix
