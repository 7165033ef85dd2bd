"""The meaning of the settings of what Threadlink reaches: by which way, and Meta's addresses."""

from typing import Final

from app.infra.settings.description import Description

EGRESS: Final = (
    Description(
        "HTTPS_PROXY_URL",
        "The proxy by which https leaves your network: requests to Graph, to sign-in providers and "
        "endpoints, to the bot, to your alerts, to Sentry and OpenTelemetry. User and password, if "
        "it wants them (Basic), are part of it. Plain http, which goes to this machine and private "
        "networks alone, never takes it, nor do LDAP and the database. `HTTPS_PROXY`, `NO_PROXY` "
        "and the like in the environment are not heeded.",
        example="http://threadlink:password@proxy.example.com:3128",
    ),
    Description(
        "HTTPS_PROXY_EXCEPT",
        "Hosts that are reached without the proxy, separated by spaces: a bot or a provider inside "
        "of your network. `*.corp.example.com` means all names below. This machine always is.",
        example="keycloak.corp.example.com *.internal",
    ),
    Description(
        "CA_FILE",
        "A file of certificates in PEM that are trusted **beside** the public ones that Threadlink "
        "brings, by everything above and by LDAP: an internal CA, or that of a proxy that looks "
        "into TLS. Who holds a key of it can pass for any server, Graph's included; where one "
        "target alone needs it, its own `…_CA_FILE` is better, which takes the place of all "
        "others.",
        example="/etc/ssl/certs/our-ca.pem",
    ),
)

META: Final = (
    Description("GRAPH_URL", "The address of the Graph API."),
    Description(
        "GRAPH_URL_TRUSTED",
        "The host of GRAPH_URL once more, to confirm that the tokens may be sent there.",
        example="graph-proxy.example.com",
        needed="in production, if GRAPH_URL is not Meta's",
    ),
    Description("GRAPH_VERSION", "The version of the Graph API."),
    Description(
        "REDIRECT_ORIGINS",
        "The origins to which a browser may be sent back, separated by spaces.",
    ),
    Description(
        "PROFILE_PICTURES",
        "0: people's own pictures are not asked of Messenger, and not shown where they connect.",
    ),
    Description(
        "PROFILE_PICTURE_HOSTS",
        "The hosts from which pictures are fetched that Graph names, separated by spaces. One that "
        "begins with a dot means all names below. A GRAPH_URL that is not Meta's is one of them.",
    ),
)
