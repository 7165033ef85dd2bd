"""Each spelling of a host is taken for what it means, or refused at the start (R84, R85)."""

import pytest
from werkzeug.test import EnvironBuilder

from app.accounts.ldap_settings import read_settings
from app.infra.network.addresses import is_loopback
from app.infra.settings.origins import host, origin
from app.infra.settings.parsing import SettingError, bot_url, endpoint
from app.infra.settings.reader import Reader
from app.infra.settings.settings import ConfigError
from app.services.settings import settings_from_env
from app.web.request_guard import is_our_name
from tests.installation import ENVIRONMENT

SHOP = "https://shop.example"
TAKEN = [
    (SHOP, SHOP),
    ("HTTPS://Shop.Example", SHOP),
    (f"{SHOP}/", SHOP),
    (f"{SHOP}.", SHOP),
    (f"{SHOP}:443", SHOP),
    (f"{SHOP}:", SHOP),
    (f"{SHOP}:0443/", SHOP),
    ("http://127.0.0.1:80", "http://127.0.0.1"),
    (f"{SHOP}:8443", f"{SHOP}:8443"),
    ("https://shop.example.:8443/", f"{SHOP}:8443"),
    ("https://a_b.example", "https://a_b.example"),
    ("https://L\u00c4DEN.example", "https://xn--lden-loa.example"),
    # With the mark of its own, as it is typed on macOS.
    ("https://la\u0308den.example:8443", "https://xn--lden-loa.example:8443"),
    ("https://fa\u00df.example", "https://xn--fa-hia.example"),
    ("https://\u65e5\u672c.example", "https://xn--wgv71a.example"),
    ("https://xn--lden-loa.example", "https://xn--lden-loa.example"),
    ("https://[2001:DB8:0:0:0:0:0:1]:443", "https://[2001:db8::1]"),
    ("http://[0:0:0:0:0:0:0:1]:8000", "http://[::1]:8000"),
    ("https://192.0.2.7", "https://192.0.2.7"),
]
REFUSED = [
    ("shop.example", "like https://example.com"),
    ("//shop.example", "like https://example.com"),
    ("ftp://shop.example", "like https://example.com"),
    (f"{SHOP}/path", "no path"),
    (f"{SHOP}?", "no path"),
    (f"{SHOP}#", "no path"),
    ("https://user@shop.example", "no user"),
    ("https://", "like https://example.com"),
    ("https://shop..example", "like https://example.com"),
    ("https://*.example", "like https://example.com"),
    ("https://shop.exa mple", "like https://example.com"),
    ("https://shop.exa\tmple", "like https://example.com"),
    ("https://shop.example\\", "like https://example.com"),
    ("https://%73hop.example", "like https://example.com"),
    (f"{SHOP}:0", "port 0"),
    (f"{SHOP}:99999", "not a web address"),
    ("https://127.1", "four decimal parts"),
    ("https://0x7f.0.0.1", "four decimal parts"),
    ("https://192.0.2.010", "four decimal parts"),
    ("https://2130706433", "four decimal parts"),
    ("https://[fe80::1%25eth0]", "without a zone"),
    ("https://[::ffff:192.0.2.7]", "the IPv4 address itself"),
    ("https://[2001:db8::g]", "web address"),
    ("https://2001:db8::1", "not a web address"),
    ("https://\u2014.example", "xn--"),
]


@pytest.mark.parametrize(("text", "meant"), TAKEN)
def test_a_spelling_of_an_origin_is_taken_for_what_it_means(text: str, meant: str) -> None:
    """As browsers write it, which is what the Host header and redirect_uri are compared with."""
    assert meant == origin(text)


@pytest.mark.parametrize(("text", "told"), REFUSED)
def test_what_no_browser_means_is_refused_with_the_spelling_that_is_wanted(
    text: str, told: str
) -> None:
    with pytest.raises(SettingError, match=told) as refused:
        origin(text)

    assert "shop" not in str(refused.value)


@pytest.mark.parametrize("text", [text for text, meant in TAKEN if meant.startswith("https")])
def test_a_server_answers_to_the_name_that_a_browser_makes_of_public_url(text: str) -> None:
    """R85: nothing is accepted at the start that then refuses every request."""
    settings = settings_from_env({**ENVIRONMENT, "PUBLIC_URL": text})
    sent = EnvironBuilder(base_url=dict(TAKEN)[text]).get_environ()["HTTP_HOST"]

    assert is_our_name(sent, settings)
    assert is_our_name(sent.upper(), settings)


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        ("Alias.Example", "alias.example"),
        ("alias.example:443", "alias.example"),
        ("alias.example:443", "alias.example:443"),
        ("alias.example.", "alias.example"),
        ("l\u00e4den.example:8443", "xn--lden-loa.example:8443"),
        ("10.1.2.3:8000", "10.1.2.3:8000"),
        ("[2001:DB8::1]", "[2001:db8::1]"),
    ],
)
def test_other_hosts_are_taken_for_what_they_mean(text: str, sent: str) -> None:
    """R85."""
    known = {"PUBLIC_URL": SHOP, "ALLOWED_HOSTS": f"other.example {text}"}

    assert is_our_name(sent, settings_from_env({**ENVIRONMENT, **known}))


@pytest.mark.parametrize("text", ["https://alias.example", "alias.example/x", "a,b", "*", "::1"])
def test_what_is_no_host_stops_the_start(text: str) -> None:
    with pytest.raises(ConfigError, match="ALLOWED_HOSTS"):
        settings_from_env({**ENVIRONMENT, "ALLOWED_HOSTS": text})


@pytest.mark.parametrize("text", ["Graph.Example", "graph.example:443", "graph.example."])
def test_the_host_of_another_graph_may_be_spelt_as_its_address(text: str) -> None:
    known = {"PUBLIC_URL": SHOP, "GRAPH_URL_TRUSTED": text}
    for url in ("https://graph.example/", "HTTPS://GRAPH.example:443"):
        settings = settings_from_env({**ENVIRONMENT, **known, "GRAPH_URL": url})
        assert "https://graph.example" == settings.graph_url

    with pytest.raises(ConfigError, match="GRAPH_URL_TRUSTED"):
        settings_from_env({**ENVIRONMENT, **known, "GRAPH_URL": "https://graph.example:8443"})


def test_origins_of_redirects_are_taken_for_what_they_mean() -> None:
    text = "https://WWW.Facebook.com/ https://www.messenger.com:443"
    settings = settings_from_env({**ENVIRONMENT, "REDIRECT_ORIGINS": text})

    assert ("https://www.facebook.com", "https://www.messenger.com") == settings.redirect_origins


def test_a_name_of_our_network_is_not_told_by_its_beginning() -> None:
    """Else a public server would be taken for one of this machine, and plain http for safe."""
    assert not is_loopback("http://127.shop.example")
    assert is_loopback("http://127.3.2.1:80")
    assert is_loopback("http://[::1]")
    assert "http://[::1]:8000" == host("[0::1]:8000").join(["http://", ""])


@pytest.mark.parametrize("parse", [bot_url, endpoint])
def test_a_name_beyond_ascii_that_is_called_is_refused_with_the_spelling(parse: object) -> None:
    with pytest.raises(SettingError, match="xn--"):
        parse("https://l\u00e4den.example/hook")  # type: ignore[operator]


@pytest.mark.parametrize("text", ["LDAPS://ldap.example", "ldaps://ldap.example/"])
def test_a_directory_s_address_is_taken_for_what_it_means(text: str) -> None:
    """A scheme in capitals would pass for TLS."""
    known = {"LDAP_STAFF_URL": text, "LDAP_STAFF_BASE": "dc=example"}

    assert "ldaps://ldap.example" == read_settings(Reader(known), "staff").url
