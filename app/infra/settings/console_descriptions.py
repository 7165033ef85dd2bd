"""The meaning of the settings of the operators' console."""

from typing import Final

from app.infra.settings.description import Description

CONSOLE: Final = (
    Description(
        "CONSOLE_URL",
        "The address of the console for your staff: scheme and host, no path. It needs a host name "
        "of its own, whatever the port: cookies know no ports. https in production; or "
        "`http://localhost:PORT` for this machine and an SSH tunnel to it, which answers nothing "
        "that a proxy has passed on. Without it there is no console.",
        example="https://console.example.com",
    ),
    Description(
        "CONSOLE_NETWORKS",
        "The addresses and networks that may ask for it, separated by spaces; all others get 404. "
        "Behind a proxy TRUSTED_PROXIES has to be right.",
        example="10.0.0.0/8 2001:db8:17::/48",
        default="everybody",
    ),
    Description(
        "CONSOLE_SIGN_IN",
        "How operators sign in: `local` (`threadlink operators add`), `oidc`, or both. A password "
        "alone protects the data of all people, so `oidc` with passkeys is better.",
        example="oidc",
    ),
    Description(
        "CONSOLE_OIDC_ISSUER",
        "The issuer of the operators' OpenID Connect provider. Register "
        "`CONSOLE_URL/sign-in/oidc/callback` there as a redirect URI. It must send `auth_time`.",
        example="https://login.example.com/realms/staff",
        needed="if CONSOLE_SIGN_IN has `oidc`",
    ),
    Description(
        "CONSOLE_OIDC_CLIENT_ID",
        "The ID of your client there.",
        needed="if CONSOLE_SIGN_IN has `oidc`",
    ),
    Description(
        "CONSOLE_OIDC_CLIENT_SECRET",
        "Its secret.",
        needed="if CONSOLE_SIGN_IN has `oidc`",
    ),
    Description("CONSOLE_OIDC_LABEL", "The provider's name on the sign-in page."),
    Description(
        "CONSOLE_OIDC_SCOPE",
        "The scopes that are asked for, separated by spaces; many providers send groups for a "
        "scope of that name alone.",
    ),
    Description("CONSOLE_OIDC_GROUPS_CLAIM", "The claim that holds an operator's groups."),
    Description(
        "CONSOLE_VIEWERS",
        "Who of the provider may look at figures and attempts, without persons: words like "
        "`sub:VALUE` and `group:VALUE`, separated by spaces. An e-mail address is no proof. Groups "
        "are as old as the sign-in, eight hours at most.",
        example="group:engineering",
    ),
    Description(
        "CONSOLE_SUPPORT",
        "Who may look people up and end links, likewise.",
        example="group:support",
    ),
    Description(
        "CONSOLE_ADMINS",
        "Who may do everything there, likewise. The highest role counts.",
        example="sub:7f3a1c group:threadlink-admins",
    ),
)
