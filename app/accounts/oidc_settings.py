"""The settings of OpenID Connect providers. Without joserfc, which is loaded only if one is set."""

from dataclasses import dataclass, field
from typing import Final

from app.infra.settings.description import Description
from app.infra.settings.parsing import certificates, one_of, plain, scopes, yes_or_no
from app.infra.settings.parsing import issuer as issuer_address
from app.infra.settings.reader import Reader
from app.infra.settings.secret_values import secret

DEFAULT_SCOPE: Final = "openid email profile"
# By which a client sends its secret to the token endpoint (OpenID Connect Core 1.0, section 9).
BASIC: Final = "client_secret_basic"
POST: Final = "client_secret_post"

# The only issuer known to refuse browsers inside other apps, with 403 disallowed_useragent
# (developers.googleblog.com, "Upcoming security changes to Google's OAuth 2.0 authorization
# endpoint in embedded webviews", 2021-06-29: all of them, from 2021-09-30 on).
_NOT_IN_WEBVIEWS: Final = frozenset({"https://accounts.google.com"})


@dataclass(frozen=True, slots=True, kw_only=True)
class OidcSettings:
    """An OpenID Connect provider, and our client there; *label* is shown on its button."""

    name: str
    label: str
    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    scope: str = DEFAULT_SCOPE
    in_webviews: bool = True
    # None: as the provider offers.
    auth_method: str | None = None
    ca_file: str | None = None
    # How the names of its settings begin, where that is not OIDC_ and its name.
    prefix: str | None = None

    @property
    def called(self) -> str:
        """The beginning of the names of its settings."""
        return self.prefix or f"OIDC_{self.name.upper()}"

    def fix(self, text: str) -> str:
        """Return the fix *text* of an error with these settings named as they are."""
        return text.replace("OIDC_<NAME>", self.called)


DESCRIPTIONS: Final = (
    Description(
        "OIDC_<NAME>_ISSUER",
        "The issuer of the OpenID Connect provider. Register "
        "`PUBLIC_URL/authorize/oidc/NAME/callback` there as a redirect URI.",
        example="https://accounts.google.com",
    ),
    Description("OIDC_<NAME>_CLIENT_ID", "The ID of your client at the provider."),
    Description("OIDC_<NAME>_CLIENT_SECRET", "Its secret."),
    Description(
        "OIDC_<NAME>_LABEL",
        "The provider's name on its button.",
        default="NAME, capitalized",
        example="Google",
    ),
    Description("OIDC_<NAME>_SCOPE", "The scopes that are asked for, separated by spaces."),
    Description(
        "OIDC_<NAME>_IN_WEBVIEWS",
        "0: the provider is not offered in browsers inside apps such as Messenger's, because it "
        "refuses them.",
        default="`1`; for Google `0`",
    ),
    Description(
        "OIDC_<NAME>_AUTH_METHOD",
        "How the secret is sent: `client_secret_basic` or `client_secret_post`. Set it where the "
        "provider offers both and expects one of them of this client.",
        default="what the provider offers; of both, `client_secret_basic`",
    ),
    Description(
        "OIDC_<NAME>_CA_FILE",
        "A file of the certificates that are trusted in place of those that Threadlink brings.",
        example="/etc/ssl/certs/our-ca.pem",
    ),
)


def read_settings(reader: Reader, name: str) -> OidcSettings:
    """Return the settings of ``oidc:NAME``, ``OIDC_<NAME>_ISSUER`` and so on."""
    upper = name.upper()
    issuer = reader.required(f"OIDC_{upper}_ISSUER", issuer_address)
    return OidcSettings(
        name=name,
        label=reader.optional(f"OIDC_{upper}_LABEL", plain, name.capitalize()),
        issuer=issuer,
        client_id=reader.required(f"OIDC_{upper}_CLIENT_ID", plain),
        client_secret=reader.required(f"OIDC_{upper}_CLIENT_SECRET", secret),
        scope=reader.optional(f"OIDC_{upper}_SCOPE", scopes, DEFAULT_SCOPE),
        in_webviews=reader.optional(
            f"OIDC_{upper}_IN_WEBVIEWS", yes_or_no, issuer not in _NOT_IN_WEBVIEWS
        ),
        auth_method=reader.optional(f"OIDC_{upper}_AUTH_METHOD", one_of(BASIC, POST), None),
        ca_file=reader.optional(f"OIDC_{upper}_CA_FILE", certificates, None),
    )
