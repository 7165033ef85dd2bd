"""The meaning of the settings of the business's name, colour, logo and links."""

from typing import Final

from app.infra.settings.description import Description

BRAND: Final = (
    Description(
        "PAGE_NAME",
        "The name of the business as people read it on every page, 75 characters at most.",
        example="Harbour Coffee",
        default="the Page's name at Meta, until that is known the host of PUBLIC_URL",
    ),
    Description(
        "BRAND_COLOUR",
        "The colour of the main button; the ink on it is chosen so that it can be read.",
        example="#0f766e",
    ),
    Description(
        "BRAND_LOGO",
        "The path of a picture: PNG, JPEG or WebP, 200 KiB at most, best square.",
        example="/etc/threadlink/logo.png",
        default="the Page's picture at Meta, else the name's first letter",
    ),
    Description(
        "PRIVACY_URL",
        "The https address of your privacy policy, a link at the foot of every page.",
        example="https://shop.example.com/privacy",
    ),
    Description(
        "TERMS_URL",
        "The https address of your terms, likewise.",
        example="https://shop.example.com/terms",
    ),
    Description(
        "IMPRINT_URL",
        "The https address of your imprint, likewise.",
        example="https://shop.example.com/imprint",
    ),
    Description(
        "WEBSITE_URL",
        "The https address of your website, offered where Messenger cannot connect an account.",
        example="https://shop.example.com",
    ),
)
