"""The meaning of the settings for signing in; `<NAME>` is the name of an authenticator."""

from typing import Final

from app.infra.settings.catalogue import Description

SIGN_IN: Final = (
    Description(
        "AUTHENTICATORS",
        "How people can sign in, separated by spaces, in the order in which the page offers it: "
        "`local` (the built-in accounts), `http:NAME`, `ldap:NAME` and `oidc:NAME`. Only one of "
        "them may ask for a password. A `[[pages]]` table may have its own. "
        "[More](authenticators.md).",
        example="local oidc:google",
    ),
    Description(
        "PASSWORD_MIN_LENGTH",
        "The least length of passwords of the built-in accounts. NIST SP 800-63B-4 asks for 15.",
    ),
    Description(
        "HELP_URL_PASSWORD",
        "The address of *Forgot password?*, a link below the form.",
        example="https://shop.example.com/forgot",
    ),
    Description("HELP_URL_ACCOUNT", "The address of *Create an account*, likewise."),
    Description("HELP_URL_CONTACT", "The address of *Contact us*, likewise."),
)

HTTP: Final = (
    Description(
        "HTTP_<NAME>_URL",
        "The address of your endpoint that checks passwords.",
        example="https://shop.example.com/threadlink/check",
    ),
    Description(
        "HTTP_<NAME>_SECRET",
        'Signs the requests to it, as Standard Webhooks: `echo "whsec_$(openssl rand -base64 '
        '32)"`. Two of them, separated by a space, while you change it.',
    ),
)

LDAP: Final = (
    Description(
        "LDAP_<NAME>_URL",
        "The address of the directory: `ldaps://`, or `ldap://` for StartTLS. To this machine, "
        "`ldap://` is used without TLS, unless LDAP_<NAME>_CA_FILE is set.",
        example="ldaps://ldap.example.com",
    ),
    Description(
        "LDAP_<NAME>_BASE",
        "The entry below which people are searched.",
        example="ou=people,dc=example,dc=com",
    ),
    Description(
        "LDAP_<NAME>_ATTRIBUTE",
        "The attribute that people type as their user name.",
        default="`uid`",
    ),
    Description(
        "LDAP_<NAME>_FILTER",
        "A whole filter in place of LDAP_<NAME>_ATTRIBUTE.",
        example="(&(objectClass=person)(mail={username}))",
    ),
    Description(
        "LDAP_<NAME>_BIND_DN",
        "The entry that searches. Without it the search is anonymous.",
        example="cn=threadlink,ou=services,dc=example,dc=com",
    ),
    Description(
        "LDAP_<NAME>_BIND_PASSWORD",
        "Its password.",
        needed="if LDAP_<NAME>_BIND_DN is set",
    ),
    Description(
        "LDAP_<NAME>_SUBJECT",
        "The attribute that identifies a person for good; Active Directory has `objectGUID`.",
    ),
    Description(
        "LDAP_<NAME>_NAME_ATTRIBUTE",
        "The attribute that is shown, masked, on the confirm page.",
        example="mail",
        default="what was typed",
    ),
    Description(
        "LDAP_<NAME>_CA_FILE",
        "A file of the certificates that are trusted in place of the system's.",
        example="/etc/ssl/certs/our-ca.pem",
    ),
)

OIDC: Final = (
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
)
