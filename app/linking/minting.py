"""The authorization_code that carries a person's consent to Messenger and back."""

import base64
import hmac


def code_for(secret: str, *, code_key: bytes) -> str:
    """Return the code of the browser that holds *secret*.

    Not random: the same browser must get the same code again, and no row may hold it.
    """
    mac = hmac.digest(code_key, secret.encode(), "sha256")
    return "tl_" + base64.urlsafe_b64encode(mac).rstrip(b"=").decode()
